package main

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxText  = 1 << 20
	maxItems = 1000
	maxDepth = 20
	maxLine  = 79
)

// render shows a value as Go would write it: text quoted, fields with their names, a value's own String or Error where
// it has one.
func render(value interface{}) (text string) {
	r := &renderer{}
	defer func() {
		if reason := recover(); reason != nil {
			text = fmt.Sprintf("<a %T whose text failed: %v>", value, reason)
		}
	}()
	r.value(reflect.ValueOf(value), 0, true)
	if r.text.Len() > maxText {
		return strings.ToValidUTF8(r.text.String()[:maxText], "") + "... (cut)"
	}
	return r.text.String()
}

type renderer struct {
	text strings.Builder
	path []uintptr // pointers that are being shown
	// isBare has values not speak for themselves.
	isBare bool
}

func (r *renderer) write(parts ...string) {
	for _, each := range parts {
		r.text.WriteString(each)
	}
}

func (r *renderer) value(value reflect.Value, depth int, isTyped bool) {
	if !value.IsValid() {
		r.write("nil")
		return
	}
	if inner, ok := unwrapped(value); ok {
		r.value(inner, depth, true)
		return
	}
	if r.own(value) {
		return
	}
	if depth > maxDepth || r.text.Len() > maxText {
		r.write("...")
		return
	}
	switch value.Kind() {
	case reflect.Interface:
		r.value(value.Elem(), depth, true)
	case reflect.Pointer:
		r.pointer(value, depth)
	case reflect.Struct:
		r.structure(value, depth, isTyped)
	case reflect.Map:
		r.mapping(value, depth, isTyped)
	case reflect.Slice, reflect.Array:
		r.sequence(value, depth, isTyped)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		r.write("(", kindName(value.Type()), ")", address(value))
	default:
		r.scalar(value, depth, isTyped && depth == 0)
	}
}

func address(value reflect.Value) string {
	if value.IsNil() {
		return "(nil)"
	}
	return fmt.Sprintf("(%#x)", value.Pointer())
}

// own writes what a value says of itself, if it does.
func (r *renderer) own(value reflect.Value) bool {
	if r.isBare || !value.CanInterface() || value.Kind() == reflect.Interface {
		return false
	}
	if value.Kind() == reflect.Pointer && value.IsNil() {
		return false
	}
	switch each := value.Interface().(type) {
	case error:
		r.write(each.Error())
	case fmt.Stringer:
		r.write(each.String())
	default:
		return false
	}
	return true
}

func (r *renderer) pointer(value reflect.Value, depth int) {
	if value.IsNil() {
		r.write("(", kindName(value.Type()), ")(nil)")
		return
	}
	for _, each := range r.path {
		if each == value.Pointer() {
			r.write("(", kindName(value.Type()), ")", address(value))
			return
		}
	}
	switch value.Elem().Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
	default:
		if depth > 0 {
			r.write(address(value))
			return
		}
	}
	r.path = append(r.path, value.Pointer())
	r.write("&")
	r.value(value.Elem(), depth+1, true)
	r.path = r.path[:len(r.path)-1]
}

func (r *renderer) structure(value reflect.Value, depth int, isTyped bool) {
	if isTyped {
		r.write(typeName(value.Type()))
	}
	r.write("{")
	for index := 0; index < value.NumField(); index++ {
		if index > 0 {
			r.write(", ")
		}
		r.write(fieldName(value.Type().Field(index)), ": ")
		r.value(value.Field(index), depth+1, true)
	}
	r.write("}")
}

func (r *renderer) mapping(value reflect.Value, depth int, isTyped bool) {
	if value.IsNil() {
		r.write("(", kindName(value.Type()), ")(nil)")
		return
	}
	if isTyped {
		r.write(kindName(value.Type()))
	}
	r.write("{")
	keys := value.MapKeys()
	sortKeys(keys)
	for index, key := range keys {
		if index > 0 {
			r.write(", ")
		}
		if index == maxItems {
			r.write("... ", strconv.Itoa(len(keys)-index), " more")
			break
		}
		r.value(key, depth+1, false)
		r.write(": ")
		r.value(value.MapIndex(key), depth+1, false)
	}
	r.write("}")
}

func sortKeys(keys []reflect.Value) {
	sort.SliceStable(keys, func(i, j int) bool {
		a, b := keys[i], keys[j]
		switch {
		case a.Kind() != b.Kind():
			return a.Kind() < b.Kind()
		case a.CanInt():
			return a.Int() < b.Int()
		case a.CanUint():
			return a.Uint() < b.Uint()
		case a.CanFloat():
			return a.Float() < b.Float()
		default:
			return a.String() < b.String()
		}
	})
}

func (r *renderer) sequence(value reflect.Value, depth int, isTyped bool) {
	if raw, ok := bytesOf(value); ok {
		r.write("[]byte(", strconv.Quote(string(raw)), ")")
		return
	}
	if value.Kind() == reflect.Slice && value.IsNil() {
		r.write("(", kindName(value.Type()), ")(nil)")
		return
	}
	if isTyped {
		r.write(kindName(value.Type()))
	}
	count := value.Len()
	items := make([]string, 0, count)
	for index := 0; index < count && index < maxItems; index++ {
		one := &renderer{path: r.path, isBare: r.isBare}
		one.value(value.Index(index), depth+1, false)
		items = append(items, one.text.String())
	}
	if count > maxItems {
		items = append(items, fmt.Sprintf("... %d more", count-maxItems))
	}
	r.write("{", r.laidOut(items, depth), "}")
}

// bytesOf gives bytes that are text.
func bytesOf(value reflect.Value) ([]byte, bool) {
	if value.Kind() != reflect.Slice || value.Type().Elem().Kind() != reflect.Uint8 || value.Len() == 0 {
		return nil, false
	}
	raw := value.Bytes()
	return raw, utf8.Valid(raw) && !bytes.ContainsAny(raw, "\x00\x01\x02\x7f")
}

// laidOut puts items of several lines or of much text on lines of their own: a matrix is shown as one.
func (r *renderer) laidOut(items []string, depth int) string {
	text := strings.Join(items, ", ")
	if len(text) <= maxLine || len(items) < 2 || !strings.HasSuffix(items[0], "}") {
		return text
	}
	indent := strings.Repeat("    ", depth+1)
	return "\n" + indent + strings.Join(items, ",\n"+indent) + ",\n" + indent[4:]
}

func (r *renderer) scalar(value reflect.Value, depth int, isTyped bool) {
	text := ""
	switch value.Kind() {
	case reflect.String:
		if text = strconv.Quote(value.String()); depth == 0 {
			text = quoted(value.String())
		}
	case reflect.Float32, reflect.Float64:
		text = float(value)
	default:
		text = fmt.Sprint(plain(value))
	}
	if isTyped && value.Type().PkgPath() != "" {
		text = typeName(value.Type()) + "(" + text + ")"
	}
	r.write(text)
}

// quoted writes text between quotes; text of several lines as Go's raw text, where it can be.
func quoted(text string) string {
	if strings.Contains(strings.TrimRight(text, "\n"), "\n") && strconv.CanBackquote(strings.NewReplacer("\n", "", "\t", "").Replace(text)) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

func float(value reflect.Value) string {
	number := value.Float()
	bits := 64
	if value.Kind() == reflect.Float32 {
		bits = 32
	}
	if size := math.Abs(number); size != 0 && (size < 1e-4 || size >= 1e21) || math.IsInf(number, 0) || math.IsNaN(number) {
		return strconv.FormatFloat(number, 'g', -1, bits)
	}
	return strconv.FormatFloat(number, 'f', -1, bits)
}

// plain gives a scalar's value, that of a field which is not exported too.
func plain(value reflect.Value) interface{} {
	switch {
	case value.CanInt():
		return value.Int()
	case value.CanUint():
		return value.Uint()
	case value.Kind() == reflect.Bool:
		return value.Bool()
	case value.CanComplex():
		return value.Complex()
	}
	return value
}

// unwrapped takes yaegi's wrapping off an interface's value: a struct of the program's node and the value itself.
func unwrapped(value reflect.Value) (reflect.Value, bool) {
	if value.Kind() != reflect.Struct || value.Type().Name() != "valueInterface" {
		return value, false
	}
	copied := reflect.New(value.Type()).Elem()
	if value.CanInterface() {
		copied.Set(value)
	}
	inner, ok := open(copied.FieldByName("value")).Interface().(reflect.Value)
	return inner, ok && inner.IsValid()
}

// renderBare shows a value without calling anything of its own, which might never come back.
func renderBare(value reflect.Value) (text string) {
	defer func() {
		if recover() != nil {
			text = "(" + kindName(value.Type()) + ")"
		}
	}()
	r := &renderer{isBare: true}
	r.value(value, 0, true)
	return r.text.String()
}
