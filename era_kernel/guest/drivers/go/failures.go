package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/traefik/yaegi/interp"
)

// A failure is the content of an error message.
type failure struct {
	Name      string   `json:"ename"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

func newFailure(name, value string, steps ...string) *failure {
	heading := name
	if value != "" {
		heading += ": " + value
	}
	return &failure{name, value, append(steps, heading)}
}

// shownWidth is how much of a line is shown on either side of a place, in characters.
const shownWidth = 160

var (
	cellPlace = regexp.MustCompile(`(?s)^Cell In\[(\d+)\]/_\.go:(\d+):(\d+): (.*)$`)
	ownNames  = strings.NewReplacer(temporary, "", mainName, "main", "/"+fileName, "")
)

// compilePlace takes a compiler's message apart: its cell (0 when it names none), its place there, its text.
func compilePlace(text string) (int, place, string) {
	found := cellPlace.FindStringSubmatch(text)
	if found == nil {
		return 0, place{}, ownNames.Replace(text)
	}
	cell, _ := strconv.Atoi(found[1])
	line, _ := strconv.Atoi(found[2])
	col, _ := strconv.Atoi(found[3])
	return cell, place{line, col}, ownNames.Replace(found[4])
}

// compileFailure tells why a cell does not compile, with the line and a mark below the column.
func (t *tracer) compileFailure(err error, number int) *failure {
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return newFailure("syntax error", syntax.text, t.pointed(number, syntax.place))
	}
	var placed *placedError
	if errors.As(err, &placed) {
		return newFailure("compile error", withLimit(placed.text, err), t.pointed(number, placed.place))
	}
	cell, at, text := compilePlace(err.Error())
	text = withLimit(text, err)
	if cell == 0 {
		return newFailure("compile error", text)
	}
	return newFailure("compile error", text, t.pointed(cell, at))
}

// withLimit adds what there is for what yaegi cannot compile.
func withLimit(text string, err error) string {
	var limited *limitedError
	var abrupt abruptError
	switch {
	case errors.As(err, &limited):
		return text + ". The interpreter, yaegi, " + limited.limit + ". " + useCompiler
	case errors.As(err, &abrupt):
		return "the interpreter, yaegi, cannot compile this (" + text + "). " + useCompiler
	}
	return text
}

// pointed shows a place of a cell; columns are told in characters.
func (t *tracer) pointed(cell int, at place) string {
	line := t.source(cell, at.line)
	before, after := line, ""
	if at.col >= 1 && at.col-1 <= len(line) {
		before, after = line[:at.col-1], line[at.col-1:]
	}
	column := utf8.RuneCountInString(before) + 1
	if column > shownWidth {
		before = "…" + string([]rune(before)[column-shownWidth:])
	}
	blank := regexp.MustCompile(`[^\t]`).ReplaceAllString(before, " ")
	return fmt.Sprintf("  Cell In[%d], line %d, column %d\n    %s\n    %s^", cell, at.line, column, before+begin(after), blank)
}

// begin gives a line's first characters.
func begin(line string) string {
	if all := []rune(line); len(all) > shownWidth {
		return string(all[:shownWidth]) + "…"
	}
	return line
}

// ---- panics

// panicFailure tells of a panic, with the lines of the cells that led to it, the innermost last.
func (s *session) panicFailure(reason interface{}, places []string) *failure {
	var steps []string
	var last *region
	for _, each := range places {
		cell, at, _ := compilePlace(each)
		where := s.tracer.find(cell, at)
		if where == nil || where == last {
			continue
		}
		last = where
		now := step{cell, at.line, where.name}
		if where.mark != "" {
			now.line = s.engine.line(where.mark)
		}
		if now.line < where.start.line || now.line > where.end.line {
			now.line = at.line
		}
		shown := "  " + now.String() + "\n    " + begin(strings.TrimSpace(s.tracer.source(cell, now.line)))
		steps = append([]string{shown}, steps...)
	}
	return newFailure("panic", panicText(reason), steps...)
}

func panicText(reason interface{}) string {
	if value, ok := reason.(reflect.Value); ok && value.CanInterface() { // what the cell itself panics with
		reason = value.Interface()
	}
	switch reason := reason.(type) {
	case error:
		_, _, text := compilePlace(reason.Error()) // yaegi's own have a place
		return reflectText(text)
	case string:
		return reflectText(reason)
	}
	return render(reason)
}

// reflectText has what package reflect says, by which yaegi does what the cell does, as Go says it.
func reflectText(text string) string {
	if !strings.HasPrefix(text, "reflect") {
		return text
	}
	switch {
	case strings.Contains(text, "index out of range"):
		return "runtime error: index out of range"
	case strings.Contains(text, "out of bounds"):
		return "runtime error: slice bounds out of range"
	case strings.Contains(text, "zero Value"), strings.Contains(text, "nil pointer"), strings.Contains(text, "on nil"):
		return "runtime error: invalid memory address or nil pointer dereference"
	}
	return text
}

// A panicLog is yaegi's stderr: it keeps the places of panics that yaegi writes, and passes on all else.
type panicLog struct {
	running func() bool // whether the caller is the running cell's own goroutine
	places  []string
}

var panicPlace = regexp.MustCompile(`^Cell In\[\d+\]/_\.go:\d+:\d+: panic\n$`)

func (p *panicLog) Write(data []byte) (int, error) {
	if !panicPlace.Match(data) {
		turnTo(2)
		return os.Stderr.Write(data)
	}
	if p.running() {
		p.places = append(p.places, strings.TrimSpace(string(data)))
	} else {
		// The process ends with this panic, as every Go program would.
		fmt.Fprint(os.Stderr, ownNames.Replace(string(data)))
	}
	return len(data), nil
}

// goroutine gives the number of the calling goroutine.
func goroutine() string {
	var text [64]byte
	return strings.Fields(string(text[:runtime.Stack(text[:], false)]))[1]
}

func reasonOf(err error) interface{} {
	if reason, ok := err.(interp.Panic); ok {
		return reason.Value
	}
	return err
}
