package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
)

// Types of cells have no methods for package reflect, and so none for compiled code: yaegi wraps their values for the
// functions and the interfaces that it is told of.

// A stringer wraps values with a String of their own: yaegi looks for the names of these fields.
type stringer struct {
	IValue  interface{}
	WString func() string
}

// String is the value's own.
func (s stringer) String() string {
	if s.WString == nil {
		return ""
	}
	return s.WString()
}

// Format is that of package fmt for a fmt.Stringer: its text for the verbs of texts, itself for others.
func (s stringer) Format(state fmt.State, verb rune) {
	var value interface{} = s.IValue
	if strings.ContainsRune("vsxXq", verb) && !(verb == 'v' && state.Flag('#')) {
		value = s.String()
	}
	fmt.Fprintf(state, formatOf(state, verb), value)
}

// formatOf writes the verb as it stood in the format.
func formatOf(state fmt.State, verb rune) string {
	format := "%"
	for _, flag := range "+-# 0" {
		if state.Flag(int(flag)) && !(flag == '+' && verb == 'v') {
			format += string(flag)
		}
	}
	if width, ok := state.Width(); ok {
		format += strconv.Itoa(width)
	}
	if precision, ok := state.Precision(); ok {
		format += "." + strconv.Itoa(precision)
	}
	return format + string(verb)
}

// methodSymbols has package fmt know errors of cells, and errors.As find them.
func methodSymbols() interp.Exports {
	formatter := reflect.TypeOf((*fmt.Formatter)(nil)).Elem()
	for function, known := range stdlib.MapTypes {
		if len(known) > 1 && known[0] == formatter && known[1] != errorType {
			stdlib.MapTypes[function] = append([]reflect.Type{formatter, errorType}, known[1:]...)
		}
	}
	return interp.Exports{
		"fmt/fmt":       {"_Stringer": reflect.ValueOf((*stringer)(nil))},
		"errors/errors": {"As": reflect.ValueOf(asError)},
	}
}

var errorType = reflect.TypeOf((*error)(nil)).Elem()

// asError is errors.As, for errors of cells too: pointers to structs, which yaegi keeps in its wrappers.
func asError(err error, target interface{}) bool {
	place := reflect.ValueOf(target)
	if place.Kind() != reflect.Pointer || place.IsNil() {
		return errors.As(err, target)
	}
	wanted := place.Type().Elem()
	if wanted.Kind() == reflect.Interface || wanted.Implements(errorType) {
		return errors.As(err, target)
	}
	if wanted.Kind() != reflect.Pointer {
		panic("errors.As: the interpreter, yaegi, cannot find errors that are no pointers. " +
			"Give Error a pointer for its receiver, and make errors with &. " + useCompiler)
	}
	if name := typeNames(wanted.Elem()); name == "" {
		panic("errors.As: the interpreter, yaegi, cannot tell types with the same fields from one another")
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if inner := wrapped(err); inner.IsValid() && inner.Type() == wanted {
			place.Elem().Set(inner)
			return true
		}
	}
	return false
}

// wrapped gives what one of yaegi's wrappers holds.
func wrapped(value interface{}) reflect.Value {
	wrapper := reflect.ValueOf(value)
	if wrapper.Kind() != reflect.Struct || wrapper.NumField() == 0 || wrapper.Type().Field(0).Name != "IValue" {
		return reflect.Value{}
	}
	return wrapper.Field(0).Elem()
}
