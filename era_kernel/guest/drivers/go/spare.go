package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// A spare, as guest/agent/warm.h has it: it waits to become a session. Unlike a session that was executed it shares with
// all clones of its VM the seeds of maps' orders and of hash/maphash.

const (
	announcement = "\x01"
	firstFree    = 20
	maxJob       = 1 << 20
	maxJobFds    = 6
	exitNoStart  = 127
	exitBroken   = 70
)

// becomeSession waits for a job, and makes this process what was asked for. `taken` tells the zygote, which then begins
// with the next spare: later, so that it does not take the processor from this one's first answer.
func becomeSession() (taken func()) {
	agent, life := moved(agentFd), moved(lifeFd)
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	orBreak(err)
	orBreak(syscall.Sendmsg(agent, []byte(announcement), syscall.UnixRights(pair[1]), nil, 0))
	syscall.Close(agent)
	syscall.Close(pair[1])
	payload, fds := receiveJob(pair[0])
	syscall.Close(pair[0])
	failure := settle(fds)
	job := newJob(payload)
	if err := job.enter(); err != nil {
		say(life, []byte(announcement))
		say(failure, errorNumber(err))
		os.Exit(exitNoStart)
	}
	say(failure, make([]byte, 4))
	syscall.Close(failure)
	return func() {
		say(life, []byte(announcement))
		syscall.Close(life)
	}
}

// moved gives a copy of an fd that is in nobody's way, and leaves its number to the null device. A number that a job is
// going to use must never be free: Go's runtime opens fds of its own at any time, as when it first needs a timer two
// minutes after a collection of garbage, and does not survive that one of them is replaced.
func moved(fd int) int {
	high := highFd(fd)
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	orBreak(err)
	orBreak(syscall.Dup3(null, fd, syscall.O_CLOEXEC))
	syscall.Close(null)
	return high
}

func orBreak(err error) {
	if err != nil {
		fail(exitBroken, "a spare broke: %v", err)
	}
}

// receiveJob gives the payload of a SPAWN frame and its fds; without one the agent wants no session any more.
func receiveJob(socket int) ([]byte, []int) {
	payload := make([]byte, maxJob)
	control := make([]byte, syscall.CmsgSpace(maxJobFds*4))
	for {
		size, controlSize, _, _, err := syscall.Recvmsg(socket, payload, control, syscall.MSG_CMSG_CLOEXEC)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || size == 0 {
			os.Exit(0)
		}
		parts, err := syscall.ParseSocketControlMessage(control[:controlSize])
		orBreak(err)
		if len(parts) != 1 {
			fail(exitBroken, "a job came without its fds")
		}
		fds, err := syscall.ParseUnixRights(&parts[0])
		orBreak(err)
		return payload[:size], fds
	}
}

// highFd gives a copy of an fd that is in nobody's way.
func highFd(fd int) int {
	copied, _, number := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, firstFree)
	if number != 0 {
		orBreak(number)
	}
	return int(copied)
}

// settle puts the job's fds where they belong; gives the last of them, which takes the answer.
func settle(fds []int) int {
	high := make([]int, len(fds))
	for index, fd := range fds {
		high[index] = highFd(fd)
		syscall.Close(fd)
	}
	last := len(high) - 1
	for to, fd := range high[:last] {
		orBreak(syscall.Dup3(fd, to, 0))
		syscall.Close(fd)
	}
	for unused := last; unused <= lifeFd; unused++ {
		syscall.Close(unused)
	}
	return high[last]
}

// A job is a program's start, as a SPAWN frame tells it.
type job struct {
	folder      string
	environment []string
}

// newJob reads `u16 flags · u16 rows · u16 cols · u16 argc · u16 envc · NUL-terminated cwd, argv, env`.
func newJob(payload []byte) job {
	const head = 10
	if len(payload) < head {
		fail(exitBroken, "a job is too short")
	}
	count := int(binary.BigEndian.Uint16(payload[6:]))
	texts := bytes.Split(payload[head:], []byte{0})
	if len(texts) < 2+count {
		fail(exitBroken, "a job lacks its arguments")
	}
	made := job{folder: string(texts[0])}
	for _, each := range texts[1+count : len(texts)-1] {
		made.environment = append(made.environment, string(each))
	}
	return made
}

// enter takes on the job's folder and environment.
func (j job) enter() error {
	if err := syscall.Chdir(j.folder); err != nil {
		return err
	}
	os.Clearenv()
	for _, each := range j.environment {
		if name, value, ok := strings.Cut(each, "="); ok {
			_ = os.Setenv(name, value)
		}
	}
	return nil
}

// errorNumber gives an error as an int of this machine.
func errorNumber(err error) []byte {
	number, ok := err.(syscall.Errno)
	if !ok {
		number = syscall.EIO
	}
	value := int32(number)
	return append([]byte(nil), (*[4]byte)(unsafe.Pointer(&value))[:]...)
}

func say(fd int, data []byte) { _, _ = syscall.Write(fd, data) }
