package main

import (
	"errors"
	"io"
	"os"
	"sync"
	"unicode/utf8"
)

// endOfFile is what a user types for the end of the input: Ctrl-D as a character.
const endOfFile = "\x04"

var (
	errInterrupted = errors.New("interrupted")
	errNoCell      = errors.New("os.Stdin can be read while a cell runs only")
	errNobody      = errors.New("this front end answers no questions: os.Stdin cannot be read here")
)

// An answer of the front end.
type answer struct {
	Value *string `json:"value"`
	Error string  `json:"error"`
}

// A stdin is os.Stdin of cells: each line is asked of the front end when it is needed. All but reading is the file's.
type stdin struct {
	*os.File
	ask  func() (string, error)
	lock sync.Mutex
	rest []byte
	last []byte // what UnreadRune gives back
}

// reset drops what an earlier cell did not read.
func (f *stdin) reset() {
	f.lock.Lock()
	f.rest, f.last = nil, nil
	f.lock.Unlock()
}

func (f *stdin) fill() error {
	if len(f.rest) > 0 {
		return nil
	}
	line, err := f.ask()
	if err == errNobody {
		panic(err) // a program that looks at no errors would go on with nothing
	}
	if err != nil {
		return err
	}
	if line == endOfFile {
		return io.EOF
	}
	f.rest = append([]byte(line), '\n')
	return nil
}

// Read implements io.Reader.
func (f *stdin) Read(data []byte) (int, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if len(data) == 0 {
		return 0, nil
	}
	if err := f.fill(); err != nil {
		return 0, err
	}
	count := copy(data, f.rest)
	f.rest, f.last = f.rest[count:], nil
	return count, nil
}

// ReadRune implements io.RuneScanner, so that fmt.Scan takes no more than it needs.
func (f *stdin) ReadRune() (rune, int, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if err := f.fill(); err != nil {
		return 0, 0, err
	}
	char, size := utf8.DecodeRune(f.rest)
	f.last, f.rest = f.rest[:size], f.rest[size:]
	return char, size, nil
}

// UnreadRune implements io.RuneScanner.
func (f *stdin) UnreadRune() error {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.last == nil {
		return errors.New("there is no rune to unread")
	}
	f.rest = append(append([]byte(nil), f.last...), f.rest...)
	f.last = nil
	return nil
}

// ask puts a question to the front end and waits for the answer, or for an interrupt.
func (s *session) ask() (string, error) {
	s.lock.Lock()
	now := s.cell
	s.lock.Unlock()
	if !s.isBusy() {
		return "", errNoCell
	}
	if !now.AllowStdin {
		return "", errNobody
	}
	halted := s.halted.C()
	drainAnswers(now.answers)
	if err := s.send("input_request", map[string]interface{}{"prompt": "", "password": false}); err != nil {
		return "", err
	}
	select {
	case reply := <-now.answers:
		if reply.Value == nil {
			return "", errors.New(reply.Error)
		}
		return *reply.Value, nil
	case <-halted:
		return "", errInterrupted
	}
}

func drainAnswers(answers chan answer) {
	select {
	case <-answers:
	default:
	}
}
