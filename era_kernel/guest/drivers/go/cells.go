package main

import (
	"encoding/json"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// settleTime is how long Go's runtime takes to pass on a signal.
const settleTime = 200 * time.Microsecond

const settleTurns = 3

// A request of a cell, and what it shows.
type cell struct {
	id             string
	Code           string            `json:"code"`
	Silent         bool              `json:"silent"`
	AllowStdin     bool              `json:"allow_stdin"`
	Expressions    map[string]string `json:"user_expressions"`
	ExecutionCount int               `json:"execution_count"`

	answers  chan answer
	captured *bundle // where the value of a user expression goes
	later    []func()
}

func failed(why *failure) interface{} {
	return map[string]interface{}{
		"status": "error", "ename": why.Name, "evalue": why.Value, "traceback": why.Traceback,
	}
}

// execute runs a cell and gives the content of its reply.
func (s *session) execute(id string, content json.RawMessage) interface{} {
	next := &cell{id: id, answers: make(chan answer, 1)}
	if err := json.Unmarshal(content, next); err != nil {
		return failed(newFailure("request error", err.Error()))
	}
	s.lock.Lock()
	s.cell = next
	s.lock.Unlock()
	s.stdin.reset()
	turnsBegin()
	signal.Notify(s.signals, syscall.SIGINT) // a cell may have taken it
	letSettle()                              // an interrupt that was sent before the request may still be on its way
	drain(s.signals)
	if why := s.supervise(func() *failure { return s.runCell(next) }); why != nil {
		if err := s.send("error", why); err != nil {
			why = newFailure(why.Name, "")
			_ = s.send("error", why)
		}
		return failed(why)
	}
	return map[string]interface{}{"status": "ok", "user_expressions": s.expressions(next)}
}

// letSettle waits for settleTime; Go's own timers come a millisecond later than that.
func letSettle() {
	pause := syscall.NsecToTimespec(settleTime.Nanoseconds())
	for syscall.Nanosleep(&pause, &pause) == syscall.EINTR {
	}
	for turn := 0; turn < settleTurns; turn++ {
		runtime.Gosched() // to what passes on a signal
	}
}

func drain(signals chan os.Signal) {
	for {
		select {
		case <-signals:
		default:
			return
		}
	}
}

// send sends an event of the cell that runs, or ran last.
func (s *session) send(kind string, content interface{}) error {
	s.lock.Lock()
	id := s.cell.id
	s.lock.Unlock()
	return s.wire.write(kind, id, content)
}

func (s *session) runCell(next *cell) *failure {
	if arguments, body, ok := goRunOf(next.Code); ok {
		return s.goRun(arguments, body, next.ExecutionCount)
	}
	return s.runCode(next.Code, next.ExecutionCount)
}

func (s *session) runCode(code string, number int) *failure {
	plan, err := s.compiler.compile(strings.ReplaceAll(code, "\r\n", "\n"), number, true)
	if err != nil {
		return s.tracer.compileFailure(err, number)
	}
	return s.runPlan(plan)
}

// runPlan runs the programs of a cell. Names of those that did not come to run are taken back.
func (s *session) runPlan(plan *plan) *failure {
	s.panics.places = nil
	var why *failure
	for index, each := range plan.programs {
		if atomic.LoadInt32(&s.stopped) != 0 {
			s.takeBack(plan, index)
			break
		}
		if _, err := s.engine.Execute(each.Program); err != nil {
			why = s.panicFailure(reasonOf(err), s.panics.places)
			s.takeBack(plan, index)
			break
		}
	}
	if told := s.runLater(); why == nil {
		why = told
	}
	for _, name := range plan.temps {
		s.engine.clear(name)
	}
	return why
}

func (s *session) takeBack(plan *plan, from int) {
	for _, each := range plan.programs[from:] {
		if len(each.defines) > 0 {
			s.engine.restore(plan.before, each.defines...)
		}
	}
}

// runLater runs what the cell deferred, the last first; the first panic is told.
func (s *session) runLater() (why *failure) {
	for atomic.LoadInt32(&s.stopped) == 0 {
		s.lock.Lock()
		last := len(s.cell.later) - 1
		if last < 0 {
			s.lock.Unlock()
			return why
		}
		next := s.cell.later[last]
		s.cell.later = s.cell.later[:last]
		s.lock.Unlock()
		if told := s.runOne(next); why == nil {
			why = told
		}
	}
	return why
}

func (s *session) runOne(function func()) (why *failure) {
	defer func() {
		if reason := recover(); reason != nil {
			why = s.panicFailure(reason, s.panics.places)
		}
	}()
	function()
	return nil
}
