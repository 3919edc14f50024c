package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/build"
	"io"
	"log"
	"os"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
	"github.com/traefik/yaegi/stdlib/syscall"
	"github.com/traefik/yaegi/stdlib/unrestricted"
	yaegiunsafe "github.com/traefik/yaegi/stdlib/unsafe"
)

// An engine is yaegi's interpreter and what it has no exported way to: stopping code so that the interpreter can go on
// afterwards, and taking back names. The fields are found by their names; yaegi's version is pinned by the images.
//
// yaegi's own cancellation marks frames with a run number and compares it at each node. After it, closures that were
// made before carry the old number and silently do nothing, for ever; and channels of the run are closed. So the engine
// raises the number while it stops a cell, and then sets it back.
type engine struct {
	*interp.Interpreter
	run  *uint64       // the number that running frames must have
	done chan struct{} // what blocked channel operations wait for beside their channel
}

func newEngine(stdin io.Reader, stderr io.Writer, symbols ...interp.Exports) *engine {
	e := &engine{Interpreter: interp.New(interp.Options{
		GoPath:       build.Default.GOPATH + ":/usr/share/gocode",
		Stdin:        stdin,
		Stdout:       orderly{os.Stdout},
		Stderr:       stderr,
		Args:         []string{"cell"},
		Unrestricted: true,
	})}
	symbols = append([]interp.Exports{stdlib.Symbols, syscall.Symbols, unrestricted.Symbols, yaegiunsafe.Symbols}, symbols...)
	for _, each := range symbols {
		if err := e.Use(each); err != nil {
			panic(err)
		}
	}
	// Once with a context: from then on channel operations can be cancelled, by the channel that is made for this run.
	program, err := e.Compile("_ = 0")
	if err == nil {
		_, err = e.ExecuteWithContext(context.Background(), program)
	}
	if err != nil {
		panic(err)
	}
	e.run = field(e.Interpreter, "id").Addr().Interface().(*uint64)
	e.done = field(e.Interpreter, "done").Interface().(chan struct{})
	return e
}

// field gives a field of a struct that a pointer points to, exported or not.
func field(pointer interface{}, name string) reflect.Value {
	return open(reflect.ValueOf(pointer).Elem().FieldByName(name))
}

// open gives a field's value without the mark that it is not exported.
func open(value reflect.Value) reflect.Value {
	return reflect.NewAt(value.Type(), unsafe.Pointer(value.UnsafeAddr())).Elem()
}

// An abruptError is what the interpreter itself stumbled over: a program that it cannot compile.
type abruptError struct{ reason interface{} }

func (e abruptError) Error() string { return fmt.Sprint(e.reason) }

// compile makes a program of a tree; nothing of it has run then.
func (e *engine) compile(node ast.Node) (program *interp.Program, err error) {
	log.SetOutput(io.Discard) // where yaegi says what it panics with
	defer func() {
		log.SetOutput(os.Stderr)
		if reason := recover(); reason != nil {
			err = abruptError{reason}
		}
	}()
	return e.CompileAST(node)
}

// ---- stopping

// halt makes interpreted code end at its next node, wherever it runs; resume lets new code run. In between `wake` ends
// one blocked channel operation.
func (e *engine) halt()   { atomic.AddUint64(e.run, 1) }
func (e *engine) resume() { atomic.AddUint64(e.run, ^uint64(0)) }

// ---- names

// names gives yaegi's table of the session's names, which is a map of strings to pointers.
func (e *engine) names() reflect.Value {
	packages := field(e.Interpreter, "srcPkg")
	return packages.MapIndex(reflect.ValueOf("main"))
}

func (e *engine) symbol(name string) reflect.Value {
	return e.names().MapIndex(reflect.ValueOf(name))
}

func (e *engine) has(name string) bool { return e.symbol(name).IsValid() }

// isBuiltin tells whether a name is Go's own, such as len; yaegi cannot define it anew at the top.
func (e *engine) isBuiltin(name string) bool {
	universe := field(e.Interpreter, "universe").Interface()
	return field(universe, "sym").MapIndex(reflect.ValueOf(name)).IsValid() && name != "main"
}

// forget takes a name back, so that it can be declared anew; compiled code keeps what it meant.
func (e *engine) forget(name string) {
	e.names().SetMapIndex(reflect.ValueOf(name), reflect.Value{})
}

// keep gives what puts names that are there now back as they are: yaegi leaves a generic function's own in the session,
// where it needs them to infer types, but not in place of the session's types.
func (e *engine) keep(names []string) func() {
	before := make([]reflect.Value, len(names))
	for index, name := range names {
		before[index] = e.symbol(name)
	}
	return func() {
		for index, name := range names {
			if before[index].IsValid() {
				e.names().SetMapIndex(reflect.ValueOf(name), before[index])
			}
		}
	}
}

func importKey(name string) string { return name + "/" + fileName }

// A checkpoint is the table of names as it was, to go back to when a cell turns out not to compile.
type checkpoint struct {
	symbols map[string]reflect.Value
	undo    []func()
}

func (e *engine) checkpoint() *checkpoint {
	symbols := map[string]reflect.Value{}
	for each := e.names().MapRange(); each.Next(); {
		symbols[each.Key().String()] = each.Value()
	}
	return &checkpoint{symbols: symbols}
}

// restore has the names as they were at the checkpoint; all of them when none are given.
func (e *engine) restore(to *checkpoint, names ...string) {
	table := e.names()
	if names == nil {
		for index := len(to.undo) - 1; index >= 0; index-- {
			to.undo[index]()
		}
		for _, key := range table.MapKeys() {
			names = append(names, key.String())
		}
		for name := range to.symbols {
			names = append(names, name)
		}
	}
	for _, name := range names {
		table.SetMapIndex(reflect.ValueOf(name), to.symbols[name])
	}
}

// forgetMethod takes a method back from its type and the pointer to it.
func (e *engine) forgetMethod(owner, method string, to *checkpoint) {
	symbol := e.symbol(owner)
	if !symbol.IsValid() {
		return
	}
	kind := open(symbol.Elem().FieldByName("typ"))
	for _, each := range []reflect.Value{kind, pointerTo(kind)} {
		if each.IsValid() && !each.IsNil() {
			e.dropMethod(open(each.Elem().FieldByName("method")), method, to)
		}
	}
}

func pointerTo(kind reflect.Value) reflect.Value {
	if kind.IsNil() {
		return reflect.Value{}
	}
	return open(kind.Elem().FieldByName("ptr"))
}

func (e *engine) dropMethod(methods reflect.Value, method string, to *checkpoint) {
	before := reflect.ValueOf(methods.Interface())
	kept := reflect.MakeSlice(before.Type(), 0, before.Len())
	for index := 0; index < before.Len(); index++ {
		if each := before.Index(index); each.Elem().FieldByName("ident").String() != method {
			kept = reflect.Append(kept, each)
		}
	}
	methods.Set(kept)
	to.undo = append(to.undo, func() { methods.Set(before) })
}

// data gives the session's variables.
func (e *engine) data() []reflect.Value {
	return field(field(e.Interpreter, "frame").Interface(), "data").Interface().([]reflect.Value)
}

// clear lets go of what a variable holds, and of its name.
func (e *engine) clear(name string) {
	if symbol := e.symbol(name); symbol.IsValid() {
		data := e.data()
		if index := int(symbol.Elem().FieldByName("index").Int()); index < len(data) && data[index].CanSet() {
			data[index].Set(reflect.Zero(data[index].Type()))
		}
		e.forget(name)
	}
}

// mend gives variables that an interrupted receive left with what came of the interrupt their zero value.
func (e *engine) mend() {
	universe := field(e.Interpreter, "universe").Interface()
	kinds := field(universe, "types").Interface().([]reflect.Type)
	for index, each := range e.data() {
		if index < len(kinds) && each.IsValid() && each.Type() == reflect.TypeOf(struct{}{}) && each.Type() != kinds[index] {
			e.data()[index] = reflect.New(kinds[index]).Elem()
		}
	}
}
