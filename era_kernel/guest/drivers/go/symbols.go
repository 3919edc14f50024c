package main

import (
	"fmt"
	"log"
	"os"
	"reflect"
	"time"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
)

// symbols gives what cells find in place of the standard library's own, so that they can be interrupted, read input,
// and end; and the packages "display" and "era".
func (s *session) symbols() interp.Exports {
	logger := log.New(s.panics, "", log.LstdFlags)
	show := reflect.ValueOf(s.show)
	showFailure := reflect.ValueOf(s.showFailure)
	kinds := map[reflect.Value][]reflect.Type{}
	for name, each := range stdlib.Symbols["fmt/fmt"] {
		if name == "Println" {
			kinds[show] = stdlib.MapTypes[each]
		}
	}
	return interp.Exports{
		".":               {"MapTypes": reflect.ValueOf(kinds)},
		"era/era":         {"Show": show, "ShowFailure": showFailure, "Later": reflect.ValueOf(s.later)},
		"os/os":           {"Stdin": reflect.ValueOf(&s.stdin).Elem(), "Exit": reflect.ValueOf(os.Exit)},
		"time/time":       {"Sleep": reflect.ValueOf(s.sleep)},
		"sync/sync":       lockSymbols(),
		"log/log":         logSymbols(logger),
		"display/display": s.displaySymbols(),
	}
}

// logSymbols ends the session at log.Fatal, as Go does; yaegi panics.
func logSymbols(logger *log.Logger) map[string]reflect.Value {
	return map[string]reflect.Value{
		"Fatal":   reflect.ValueOf(func(values ...interface{}) { fatal(fmt.Sprint(values...)) }),
		"Fatalf":  reflect.ValueOf(func(format string, values ...interface{}) { fatal(fmt.Sprintf(format, values...)) }),
		"Fatalln": reflect.ValueOf(func(values ...interface{}) { fatal(fmt.Sprintln(values...)) }),
		"New":     reflect.ValueOf(log.New),
		"Logger":  reflect.ValueOf((*log.Logger)(nil)),
	}
}

func fatal(text string) {
	log.Print(text)
	os.Exit(1)
}

// sleep is time.Sleep that an interrupt ends.
func (s *session) sleep(duration time.Duration) {
	if duration <= 0 {
		return
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.halted.C():
	}
}

// later keeps a function for the end of the cell.
func (s *session) later(function func()) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.cell.later = append(s.cell.later, function)
}
