package main

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// stopTime is how long an interrupted cell has to end, restTime how long goroutines that it left have.
	stopTime = 900 * time.Millisecond
	restTime = 40 * time.Millisecond
	// socketTime is how long it may wait for the network before its connections are shut.
	socketTime = 300 * time.Millisecond
	nudge      = 50 * time.Millisecond
	// settleTime is how long Go's runtime takes to pass on a signal.
	settleTime = 200 * time.Microsecond
)

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

// A session is the driver's state: its pipes, its interpreter, the cell that runs or ran last.
type session struct {
	wire     *wire
	engine   *engine
	compiler *compiler
	tracer   *tracer
	panics   *panicLog
	stdin    *stdin
	halted   *broadcast

	lock    sync.Mutex // of cell
	cell    *cell
	busy    int32 // 1 while a cell runs
	stopped int32 // 1 while a cell is being stopped
	owner   atomic.Value
	queue   []message
	signals chan os.Signal
	unshown int // numbers code that has none
}

func newSession() *session {
	debug.SetMaxStack(lastStack)
	debug.SetTraceback("none") // frames of the interpreter tell nobody anything
	s := &session{halted: newBroadcast(), cell: &cell{}, signals: make(chan os.Signal, 16)}
	signal.Notify(s.signals, syscall.SIGINT)
	s.owner.Store("")
	s.panics = &panicLog{running: func() bool { return s.owner.Load() == goroutine() }}
	s.stdin = &stdin{File: os.Stdin, ask: s.ask}
	s.engine = newEngine(s.stdin, s.panics, s.symbols())
	s.tracer = &tracer{lines: map[int][]string{}}
	s.compiler = &compiler{
		engine: s.engine, tracer: s.tracer, declared: map[string]*declared{}, imports: map[string]string{},
	}
	typeNames = s.compiler.nameOf
	lockHalt = s.halted
	s.prelude()
	return s
}

// prelude imports what cells find without asking.
func (s *session) prelude() {
	plan, err := s.compiler.compile("import \"display\"", 0, false)
	if err != nil {
		panic(err)
	}
	s.runPlan(plan)
	// The driver's own package has a name that no source could write; yaegi looks for imports by the file's name.
	pos := token.Pos(s.engine.FileSet().AddFile(fileName, -1, 1).Base())
	spec := &ast.ImportSpec{Name: at(own, pos), Path: &ast.BasicLit{ValuePos: pos, Kind: token.STRING, Value: `"era"`}}
	program, err := s.engine.compile(fileOf(&ast.GenDecl{TokPos: pos, Tok: token.IMPORT, Specs: []ast.Spec{spec}}))
	if err != nil {
		panic(err)
	}
	if _, err := s.engine.Execute(program); err != nil {
		panic(err)
	}
}

func (s *session) run() {
	closeInput()
	s.wire = openWire()
	reseed()
	version := strings.TrimPrefix(runtime.Version(), "go")
	s.reply("ready", "", map[string]string{"language_version": version, "driver": "go"})
	for {
		switch next := s.next(); *next.Type {
		case "execute_request":
			s.reply("execute_reply", *next.ID, s.execute(*next.ID, next.Content))
		case "complete_request":
			s.reply("complete_reply", *next.ID, s.guarded(next.Content, s.complete, nothingToComplete))
		case "inspect_request":
			s.reply("inspect_reply", *next.ID, s.guarded(next.Content, s.inspect, nothingToInspect))
		case "is_complete_request":
			s.reply("is_complete_reply", *next.ID, isComplete(next.Content))
		}
	}
}

// closeInput has programs that cells start find their input at its end.
func closeInput() {
	if null, err := os.Open(os.DevNull); err == nil {
		_ = syscall.Dup3(int(null.Fd()), 0, 0)
		null.Close()
	}
}

// next gives the next request; interrupts that come meanwhile mean no cell. The host's end of file ends the driver.
func (s *session) next() message {
	if len(s.queue) > 0 {
		first := s.queue[0]
		s.queue = s.queue[1:]
		return first
	}
	for {
		select {
		case read, ok := <-s.wire.incoming:
			if !ok {
				os.Exit(0)
			}
			return read
		case <-s.signals:
		}
	}
}

func (s *session) reply(kind, request string, content interface{}) {
	if err := s.wire.write(kind, request, content); err != nil {
		told := newFailure("output error", err.Error())
		_ = s.wire.write(kind, request, failed(told))
	}
}

// guarded answers a request that looks at live values; whatever goes wrong there is no answer.
func (s *session) guarded(content json.RawMessage, answer, nothing func(position) interface{}) (reply interface{}) {
	var at position
	if json.Unmarshal(content, &at) != nil {
		return nothing(at)
	}
	at.normalize()
	defer func() {
		if recover() != nil {
			reply = nothing(at)
		}
	}()
	return answer(at)
}

// ---- cells

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
	signal.Notify(s.signals, syscall.SIGINT) // a cell may have taken it
	time.Sleep(settleTime)                   // an interrupt that was sent before the request may still be on its way
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
