package main

import (
	"fmt"
	"os"
	"syscall"
)

// Before a spare waits it plays a session, over pipes, with cells such as a first one may be: what Go, the interpreter and
// the driver make when it is first needed (tables, types of package reflect, threads, pages of the program that are read
// from the disk) is there then, and in a VM's template. The session that comes finds nothing of it.

var rehearsed = []string{
	"1 + 1",
	"import \"fmt\"\n\ntotal := 0\nfor n := 1; n <= 3; n++ {\n\ttotal += n * n\n}\nfmt.Println(\"total\", total)",
	"type point struct{ X, Y int }\n\nfunc (p point) sum() int { return p.X + p.Y }\n\npoint{1, 2}.sum()",
}

func (s *session) rehearse() {
	talk := silenced()
	before := s.engine.checkpoint()
	compiler, tracer := *s.compiler, *s.tracer
	s.compiler.declared, s.compiler.imports = map[string]*declared{}, copied(s.compiler.imports)
	s.tracer.lines = map[int][]string{}

	requests, take := pipe()
	give, replies := pipe()
	s.wire = newWire(requests, replies)
	go playHost(newWire(give, take))
	s.sayReady()
	s.serve()
	for _, each := range []*os.File{requests, replies, give} {
		each.Close()
	}

	s.engine.restore(before)
	*s.compiler, *s.tracer = compiler, tracer
	s.cell = &cell{}
	talk()
}

func copied(names map[string]string) map[string]string {
	made := map[string]string{}
	for name, path := range names {
		made[name] = path
	}
	return made
}

// pipe gives a pipe whose ends block, as those of a session do.
func pipe() (read, write *os.File) {
	var ends [2]int
	orBreak(syscall.Pipe2(ends[:], syscall.O_CLOEXEC))
	return os.NewFile(uintptr(ends[0]), "read"), os.NewFile(uintptr(ends[1]), "write")
}

// playHost asks for the cells, one after the other.
func playHost(host *wire) {
	for number, code := range rehearsed {
		_ = host.write("execute_request", fmt.Sprint(number), map[string]interface{}{
			"code": code, "silent": false, "store_history": true, "user_expressions": map[string]string{},
			"allow_stdin": false, "execution_count": number + 1,
		})
		for each := range host.incoming {
			if *each.Type == "execute_reply" {
				break
			}
		}
	}
	host.out.Close()
}

// silenced has what is printed go nowhere until what it gives is called.
func silenced() func() {
	kept := []int{highFd(1), highFd(2)}
	null, err := syscall.Open(os.DevNull, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	orBreak(err)
	for index := range kept {
		orBreak(syscall.Dup3(null, index+1, 0))
	}
	syscall.Close(null)
	return func() {
		for index, fd := range kept {
			orBreak(syscall.Dup3(fd, index+1, 0))
			syscall.Close(fd)
		}
	}
}
