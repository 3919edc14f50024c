package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxStack is how much memory the calls of a cell may take, in bytes: Go ends a program that takes lastStack, and with it the
	// session. A call of a cell's function takes about a KiB. Go looks often enough to be stopped in between.
	maxStack  = 24 << 20
	lastStack = 128 << 20
	watchTime = 4 * time.Millisecond
	// manyGoroutines is more than call one another without end before they have taken maxStack.
	manyGoroutines = 1000
)

// stackBytes gives how much memory the stacks of all goroutines take.
func stackBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// A broadcast tells all who wait that the cell is being stopped.
type broadcast struct {
	lock    sync.Mutex
	channel chan struct{}
}

func newBroadcast() *broadcast { return &broadcast{channel: make(chan struct{})} }

// C gives the channel that is closed at the next stop.
func (b *broadcast) C() <-chan struct{} {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.channel
}

func (b *broadcast) close() {
	b.lock.Lock()
	defer b.lock.Unlock()
	close(b.channel)
}

func (b *broadcast) renew() {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.channel = make(chan struct{})
}

// supervise runs a function on a goroutine of its own. Meanwhile it passes on the front end's answers, keeps other
// requests for later, and stops the function when the user interrupts.
func (s *session) supervise(function func() *failure) *failure {
	done := make(chan *failure, 1)
	atomic.StoreInt32(&s.busy, 1)
	defer atomic.StoreInt32(&s.busy, 0)
	go func() {
		// runtime.Goexit in a cell ends this goroutine, and with it the cell.
		why := newFailure("runtime.Goexit", "the cell ended its goroutine")
		defer func() {
			if reason := recover(); reason != nil {
				why = newFailure("driver error", panicText(reason))
			}
			s.owner.Store("")
			done <- why
		}()
		s.owner.Store(goroutine())
		why = function()
	}()
	watch := time.NewTicker(watchTime)
	defer watch.Stop()
	limit := stackBytes() + maxStack
	for {
		select {
		case why := <-done:
			return why
		case <-s.signals:
			s.stop(done)
			return newFailure("KeyboardInterrupt", "the cell was interrupted")
		case <-watch.C:
			if stackBytes() > limit {
				why := overflow()
				s.stop(done)
				debug.FreeOSMemory()
				return why
			}
		case read, ok := <-s.wire.incoming:
			if !ok {
				os.Exit(0)
			}
			s.take(read)
		}
	}
}

// overflow tells why the stacks take too much memory.
func overflow() *failure {
	if count := runtime.NumGoroutine(); count > manyGoroutines {
		return newFailure("too many goroutines", fmt.Sprintf("the calls of %d goroutines took %d MiB", count, maxStack>>20))
	}
	return newFailure("stack overflow", "functions called one another without end")
}

func (s *session) isBusy() bool { return atomic.LoadInt32(&s.busy) != 0 }

// take keeps a request that comes while a cell runs, or passes on what answers the cell's question.
func (s *session) take(read message) {
	if *read.Type != "input_reply" {
		s.queue = append(s.queue, read)
		return
	}
	if *read.ID != s.cell.id {
		return
	}
	var reply answer
	if json.Unmarshal(read.Content, &reply) == nil {
		select {
		case s.cell.answers <- reply:
		default: // nobody asked
		}
	}
}
