package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const goRunMagic = "%%go run"

// killTime is how long a program has to end by itself after an interrupt.
const killTime = 400 * time.Millisecond

// goRunOf takes apart a cell that is a program for Go's own compiler: `%%go run ARGUMENTS`, then the program.
func goRunOf(code string) (arguments []string, body string, ok bool) {
	first, rest, _ := strings.Cut(code, "\n")
	if first = strings.TrimSpace(first); first != goRunMagic && !strings.HasPrefix(first, goRunMagic+" ") {
		return nil, "", false
	}
	return strings.Fields(strings.TrimPrefix(first, goRunMagic)), rest, true
}

// goRun compiles a cell's program and runs it. Its output goes where the cell's goes; it has no input.
func (s *session) goRun(arguments []string, body string, number int) *failure {
	folder, err := os.MkdirTemp("", "cell-")
	if err != nil {
		return newFailure("go run", err.Error())
	}
	defer os.RemoveAll(folder)
	source := filepath.Join(folder, "main.go")
	if err := os.WriteFile(source, []byte(programOf(body, number)), 0o600); err != nil {
		return newFailure("go run", err.Error())
	}
	program := filepath.Join(folder, "program")
	build := exec.Command("go", "build", "-o", program, source)
	build.Env = append(os.Environ(), goEnvironment()...)
	if why := s.runProgram(build); why != nil {
		if why.Name == "exit" {
			why = newFailure("compile error", "go build: the program does not compile")
		}
		return why
	}
	return s.runProgram(exec.Command(program, arguments...))
}

// goEnvironment has the compiler do without modules, which need a network.
func goEnvironment() []string {
	found := []string{"GO111MODULE=off", "GOFLAGS="}
	if os.Getenv("GOPATH") == "" {
		found = append(found, "GOPATH="+filepath.Join(os.Getenv("HOME"), "go")+":/usr/share/gocode")
	}
	return found
}

// programOf gives a whole file whose lines are told as the cell's, whose first is the magic. No comment of ours stands
// just before one of the cell, which may be cgo's.
func programOf(body string, number int) string {
	file, err := parser.ParseFile(token.NewFileSet(), "", body, parser.PackageClauseOnly)
	if err == nil && file.Name.Name == "main" {
		return fmt.Sprintf("//line Cell In[%d]:2:1\n", number) + body
	}
	return fmt.Sprintf("//line Cell In[%d]:1:1\npackage main\n", number) + body
}

// runProgram runs a program in the driver's process group, which an interrupt is sent to.
func (s *session) runProgram(command *exec.Cmd) *failure {
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	before := killedForMemory()
	if err := command.Start(); err != nil {
		return newFailure("go run", err.Error())
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	select {
	case err := <-done:
		if err != nil && killedForMemory() > before {
			return newFailure("exit", "the VM ran out of memory and ended the program")
		}
		return exitFailure(err)
	case <-s.halted.C():
	}
	select {
	case <-done:
	case <-time.After(killTime):
		_ = command.Process.Kill()
		<-done
	}
	return nil
}

func exitFailure(err error) *failure {
	if err == nil {
		return nil
	}
	exit, ok := err.(*exec.ExitError)
	if !ok {
		return newFailure("go run", err.Error())
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return newFailure("exit", fmt.Sprintf("the program was ended by signal %d (%s)", status.Signal(), status.Signal()))
	}
	return newFailure("exit", fmt.Sprintf("the program ended with status %d", exit.ExitCode()))
}
