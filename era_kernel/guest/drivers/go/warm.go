package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// The zygote, as guest/agent/warm.h has it. Go cannot fork: a spare (spare.go) is a program that is executed beforehand,
// loads the interpreter, runs code once, and waits for its job. With CLONE_PARENT it is the agent's child from the start.

const (
	agentFd   = 3
	lifeFd    = 4 // of a spare: by it the zygote knows that it was taken, or has died
	retryTime = time.Second
	// spareTime is how long a new session has the processor for itself, unless somebody waits for the next one.
	spareTime = 400 * time.Millisecond
)

// serveSpares is the zygote: one spare waits at any time.
func serveSpares() {
	closeOnExec()
	agent := os.NewFile(agentFd, "agent") // once: a file that nobody holds is closed by the garbage collector
	wanted := make(chan struct{}, 1)
	go listenToAgent(wanted)
	for {
		if !startSpare(agent) {
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
func startSpare(agent *os.File) bool {
	read, write, err := os.Pipe()
	if err != nil {
		return false
	}
	defer read.Close()
	attributes := &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, agent, write},
		// Frames of the interpreter tell nobody anything; the runtime reads this at its start, and the job's own comes later.
		Env: append(os.Environ(), "GOTRACEBACK=none"),
		Sys: &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_PARENT},
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
