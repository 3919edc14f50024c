package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// The zygote and its spares, as guest/agent/warm.h has it. Go cannot fork: a spare is a program that is executed
// beforehand, loads the interpreter, runs code once, and waits for its job. With CLONE_PARENT it is the agent's child
// from the start. Unlike a session that was executed it shares with all clones of its VM the seeds of maps' orders and
// of hash/maphash.

const (
	announcement = "\x01"
	agentFd      = 3
	lifeFd       = 4 // of a spare: by it the zygote knows that it was taken, or has died
	firstFree    = 20
	maxJob       = 1 << 20
	maxJobFds    = 6
	exitNoStart  = 127
	exitBroken   = 70
	retryTime    = time.Second
	// spareTime is how long a new session has the processor for itself, unless somebody waits for the next one.
	spareTime = 400 * time.Millisecond
)

// serveSpares is the zygote: one spare waits at any time.
func serveSpares() {
	closeOnExec()
	wanted := make(chan struct{}, 1)
	go listenToAgent(wanted)
	for {
		if !startSpare() {
			time.Sleep(retryTime)
			continue
		}
		select {
		case <-wanted:
		case <-time.After(spareTime):
		}
	}
}

// closeOnExec has spares inherit nothing but what they are given.
func closeOnExec() {
	entries, err := os.ReadDir("/proc/self/fd")
	orBreak(err)
	for _, each := range entries {
		if fd, err := strconv.Atoi(each.Name()); err == nil && fd >= agentFd {
			syscall.CloseOnExec(fd)
		}
	}
}

func listenToAgent(wanted chan<- struct{}) {
	var packet [16]byte
	for {
		count, err := syscall.Read(agentFd, packet[:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || count == 0 {
			os.Exit(0)
		}
		select {
		case wanted <- struct{}{}:
		default:
		}
	}
}

// startSpare starts a spare and waits until it is taken; false when there was none to take.
func startSpare() bool {
	read, write, err := os.Pipe()
	if err != nil {
		return false
	}
	defer read.Close()
	attributes := &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, os.NewFile(uintptr(agentFd), "agent"), write},
		Env:   os.Environ(),
		Sys:   &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_PARENT},
	}
	spare, err := os.StartProcess("/proc/self/exe", []string{os.Args[0], "--warm", "spare"}, attributes)
	write.Close()
	if err != nil {
		return false
	}
	_ = spare.Release()
	var taken [1]byte
	count, _ := read.Read(taken[:])
	return count == 1
}

// ---- a spare

// becomeSession waits for a job, and makes this process what was asked for.
func becomeSession() {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	orBreak(err)
	orBreak(syscall.Sendmsg(agentFd, []byte(announcement), syscall.UnixRights(pair[1]), nil, 0))
	syscall.Close(agentFd)
	syscall.Close(pair[1])
	payload, fds := receiveJob(pair[0])
	syscall.Close(pair[0])
	life := highFd(lifeFd)
	syscall.Close(lifeFd)
	failure := settle(fds)
	job := newJob(payload)
	if err := job.enter(); err != nil {
		say(life, []byte(announcement))
		say(failure, errorNumber(err))
		os.Exit(exitNoStart)
	}
	say(failure, make([]byte, 4))
	say(life, []byte(announcement))
	syscall.Close(failure)
	syscall.Close(life)
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

// rehearse runs code once, so that memory which a first cell needs is there.
func (s *session) rehearse() {
	s.cell = &cell{captured: &bundle{}}
	s.runCode("func() []interface{} { return []interface{}{1 + 1, `text`} }()", 0)
	s.cell = &cell{}
}
