package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
)

// What a cell prints and shows comes in the order in which it does so. The agent reads stdout, stderr and messages from a
// pipe each: what was printed before a message it sends before that, and knows no other order. So whoever turns to another
// of the three waits until the agent has read what is in the last. Cells that write to os.Stdout without package fmt, and
// programs that they start, do not take turns.

const (
	turnLimit = 200 * time.Millisecond // a host that reads so slowly is not waited for
	turnPause = 50 * time.Microsecond
	turnFree  = time.Second // a cell waits for so long, and for a fifth of its time
)

// turns is of the whole process, as its fds are.
var turns struct {
	lock  sync.Mutex
	last  int // the fd that was written to last, -1 for none
	since time.Time
	spent time.Duration
}

// turnsBegin is called where a cell begins.
func turnsBegin() {
	turns.lock.Lock()
	defer turns.lock.Unlock()
	turns.since, turns.spent = time.Now(), 0
}

// wroteMessage notes a message, which need not wait for what was printed.
func wroteMessage(fd int) {
	turns.lock.Lock()
	defer turns.lock.Unlock()
	turns.last = fd
}

// turnTo is called before something is printed.
func turnTo(fd int) {
	turns.lock.Lock()
	defer turns.lock.Unlock()
	last := turns.last
	turns.last = fd
	if last == fd || turns.spent > turnFree+time.Since(turns.since)/5 {
		return
	}
	start := time.Now()
	for isHeld(last) && time.Since(start) < turnLimit {
		time.Sleep(turnPause)
	}
	turns.spent += time.Since(start)
}

// isHeld tells whether there are bytes in a pipe; there are none in what a cell has put in its place.
func isHeld(fd int) bool {
	const fionread = 0x541B // Linux's
	var count int32
	_, _, number := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), fionread, uintptr(unsafe.Pointer(&count)))
	return number == 0 && count > 0
}

// An orderly is stdout for fmt.Print and its like.
type orderly struct{ file *os.File }

func (o orderly) Write(data []byte) (int, error) {
	turnTo(1)
	return o.file.Write(data)
}

// turnToFile is turnTo for what cells give to fmt.Fprint.
func turnToFile(file io.Writer) {
	switch file {
	case os.Stdout:
		turnTo(1)
	case os.Stderr:
		turnTo(2)
	}
}

// printSymbols gives what takes the turns of fmt.Fprint, Fprintf and Fprintln. They come before other symbols: with those
// of fmt yaegi puts functions of its own in place of others.
func printSymbols() interp.Exports {
	made := map[string]reflect.Value{
		"Fprint": reflect.ValueOf(func(w io.Writer, values ...interface{}) (int, error) {
			turnToFile(w)
			return fmt.Fprint(w, values...)
		}),
		"Fprintf": reflect.ValueOf(func(w io.Writer, format string, values ...interface{}) (int, error) {
			turnToFile(w)
			return fmt.Fprintf(w, format, values...)
		}),
		"Fprintln": reflect.ValueOf(func(w io.Writer, values ...interface{}) (int, error) {
			turnToFile(w)
			return fmt.Fprintln(w, values...)
		}),
	}
	kinds := map[reflect.Value][]reflect.Type{}
	for name, function := range made {
		kinds[function] = stdlib.MapTypes[stdlib.Symbols["fmt/fmt"][name]]
	}
	return interp.Exports{".": {"MapTypes": reflect.ValueOf(kinds)}, "fmt/fmt": made}
}
