package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	exitUnstoppable = 130
	// stopTime is how long an interrupted cell has to end, restTime and longRestTime how long goroutines that it left have at
	// least and at most.
	stopTime     = 900 * time.Millisecond
	restTime     = 40 * time.Millisecond
	longRestTime = 300 * time.Millisecond
	// socketTime is how long it may wait for the network before its connections are shut.
	socketTime = 300 * time.Millisecond
	nudge      = 50 * time.Millisecond
)

// stop ends the running cell, and goroutines that it and others before left busy or waiting for channels. Compiled code
// of the standard library cannot be stopped: where that goes on, the session ends.
func (s *session) stop(done <-chan *failure) {
	atomic.StoreInt32(&s.stopped, 1)
	s.engine.halt() // before anything is woken, which would go on
	raised := 1
	s.halted.close()
	over := make(chan struct{})
	go s.wakeAll(over)
	began := time.Now()
	deadline := time.After(stopTime)
	patience := time.After(socketTime)
	for ended := false; !ended; {
		// Again and again: a program of the cell that was just about to run has taken the new number for its own.
		s.engine.halt()
		raised++
		select {
		case <-done:
			ended = true
		case <-time.After(nudge):
		case <-patience:
			shutSockets()
		case <-deadline:
			s.giveUp()
		}
	}
	s.rest(began.Add(stopTime))
	close(over)
	for ; raised > 0; raised-- {
		s.engine.resume()
	}
	s.halted.renew()
	s.engine.mend()
	atomic.StoreInt32(&s.stopped, 0)
}

// rest lets goroutines end that the cell left, as far as they do before the deadline: those that are still under way when
// new code may run go on.
func (s *session) rest(deadline time.Time) {
	if longest := time.Now().Add(longRestTime); longest.Before(deadline) {
		deadline = longest
	}
	for {
		time.Sleep(restTime)
		if runtime.NumGoroutine() <= s.goroutines+1 || !time.Now().Before(deadline) { // wakeAll is one more
			return
		}
	}
}

// wakeAll ends channel operations that block.
func (s *session) wakeAll(over <-chan struct{}) {
	for {
		select {
		case s.engine.done <- struct{}{}:
		case <-over:
			return
		}
	}
}

// shutSockets ends reads, writes and accepts that block: all network connections of the session are lost, but the
// session is not. The driver itself has none.
func shutSockets() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, each := range entries {
		target, err := os.Readlink("/proc/self/fd/" + each.Name())
		if fd, wrong := strconv.Atoi(each.Name()); wrong == nil && err == nil && strings.HasPrefix(target, "socket:") {
			_ = syscall.Shutdown(fd, syscall.SHUT_RDWR)
		}
	}
}

func (s *session) giveUp() {
	fmt.Fprintln(os.Stderr, "[era] The cell runs compiled code of the standard library, which cannot be stopped: "+
		"the session ends, and the next cell gets a fresh one.")
	runtime.Gosched()
	os.Exit(exitUnstoppable)
}
