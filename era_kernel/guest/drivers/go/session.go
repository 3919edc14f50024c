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
)

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
	// goroutines is how many there are while no cell runs.
	goroutines int
	unshown    int // numbers code that has none
}

func newSession() *session {
	debug.SetMaxStack(lastStack)
	debug.SetTraceback("none") // frames of the interpreter tell nobody anything
	s := &session{halted: newBroadcast(), cell: &cell{}, signals: make(chan os.Signal, 16)}
	signal.Notify(s.signals, syscall.SIGINT)
	s.owner.Store("")
	s.panics = &panicLog{running: func() bool { return s.owner.Load() == goroutine() }}
	s.stdin = &stdin{File: os.Stdin, ask: s.ask}
	methods := methodSymbols() // before others use its types
	s.engine = newEngine(s.stdin, s.panics, methods, printSymbols(), s.symbols())
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

// run is the session; `isReady` is called once it has said that it is.
func (s *session) run(isReady func()) {
	closeInput()
	s.wire = openWire()
	reseed()
	s.sayReady()
	isReady()
	s.serve()
}

func (s *session) sayReady() {
	version := strings.TrimPrefix(runtime.Version(), "go")
	s.reply("ready", "", map[string]string{"language_version": version, "driver": "go"})
}

// serve answers requests until the host's end of file.
func (s *session) serve() {
	s.goroutines = runtime.NumGoroutine()
	for {
		next, ok := s.next()
		if !ok {
			return
		}
		switch *next.Type {
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

// next gives the next request, and whether there is one; interrupts that come meanwhile mean no cell.
func (s *session) next() (message, bool) {
	if len(s.queue) > 0 {
		first := s.queue[0]
		s.queue = s.queue[1:]
		return first, true
	}
	for {
		select {
		case read, ok := <-s.wire.incoming:
			return read, ok
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
