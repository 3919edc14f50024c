package main

import (
	"reflect"
	"sync"
)

// The locks of package sync, but waiting for one ends when the cell is interrupted: a cell that waits for ever is the
// commonest mistake with goroutines, and compiled code cannot be stopped.

var lockHalt *broadcast

func lockSymbols() map[string]reflect.Value {
	return map[string]reflect.Value{
		"Mutex":     reflect.ValueOf((*Mutex)(nil)),
		"RWMutex":   reflect.ValueOf((*RWMutex)(nil)),
		"WaitGroup": reflect.ValueOf((*WaitGroup)(nil)),
		"Cond":      reflect.ValueOf((*Cond)(nil)),
		"NewCond":   reflect.ValueOf(func(l sync.Locker) *Cond { return &Cond{L: l} }),
	}
}

// waited calls what blocks on a goroutine of its own, and tells whether it came back before an interrupt. After one,
// `undo` is called as soon as it does.
func waited(block, undo func()) bool {
	done := make(chan struct{})
	go func() {
		block()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-lockHalt.C():
		go func() {
			<-done
			undo()
		}()
		return false
	}
}

// A Mutex is as sync.Mutex.
type Mutex struct{ lock sync.Mutex }

// Lock locks it.
func (m *Mutex) Lock() {
	if !m.lock.TryLock() {
		waited(m.lock.Lock, m.lock.Unlock)
	}
}

// TryLock locks it if it can, and tells whether it did.
func (m *Mutex) TryLock() bool { return m.lock.TryLock() }

// Unlock unlocks it.
func (m *Mutex) Unlock() { m.lock.Unlock() }

// An RWMutex is as sync.RWMutex.
type RWMutex struct{ lock sync.RWMutex }

// Lock locks it for writing.
func (m *RWMutex) Lock() {
	if !m.lock.TryLock() {
		waited(m.lock.Lock, m.lock.Unlock)
	}
}

// RLock locks it for reading.
func (m *RWMutex) RLock() {
	if !m.lock.TryRLock() {
		waited(m.lock.RLock, m.lock.RUnlock)
	}
}

// TryLock locks it for writing if it can, and tells whether it did.
func (m *RWMutex) TryLock() bool { return m.lock.TryLock() }

// TryRLock locks it for reading if it can, and tells whether it did.
func (m *RWMutex) TryRLock() bool { return m.lock.TryRLock() }

// Unlock ends a Lock.
func (m *RWMutex) Unlock() { m.lock.Unlock() }

// RUnlock ends an RLock.
func (m *RWMutex) RUnlock() { m.lock.RUnlock() }

// RLocker gives a Locker that locks it for reading.
func (m *RWMutex) RLocker() sync.Locker { return (*readLocker)(m) }

type readLocker RWMutex

func (r *readLocker) Lock()   { (*RWMutex)(r).RLock() }
func (r *readLocker) Unlock() { (*RWMutex)(r).RUnlock() }

// A WaitGroup is as sync.WaitGroup.
type WaitGroup struct{ group sync.WaitGroup }

// Add adds to what is waited for.
func (w *WaitGroup) Add(delta int) { w.group.Add(delta) }

// Done takes one away.
func (w *WaitGroup) Done() { w.group.Done() }

// Wait waits until there is none.
func (w *WaitGroup) Wait() { waited(w.group.Wait, func() {}) }

// A Cond is as sync.Cond.
type Cond struct {
	L       sync.Locker
	lock    sync.Mutex
	waiting []chan struct{}
}

// Wait unlocks L, waits to be woken, and locks L again.
func (c *Cond) Wait() {
	woken := make(chan struct{})
	c.lock.Lock()
	c.waiting = append(c.waiting, woken)
	c.lock.Unlock()
	c.L.Unlock()
	select {
	case <-woken:
	case <-lockHalt.C():
	}
	c.L.Lock()
}

// Signal wakes who has waited longest.
func (c *Cond) Signal() { c.wake(1) }

// Broadcast wakes all who wait.
func (c *Cond) Broadcast() { c.wake(-1) }

func (c *Cond) wake(most int) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for ; most != 0 && len(c.waiting) > 0; most-- {
		close(c.waiting[0])
		c.waiting = c.waiting[1:]
	}
}
