package main

import (
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// typeNames finds the name of a type that a cell declared; set by the session. yaegi's types of structs have none.
var typeNames = func(reflect.Type) string { return "" }

// nameOf gives the declared type that is this one for package reflect, "" when there is none, or more than one.
func (c *compiler) nameOf(kind reflect.Type) string {
	found := ""
	for name, each := range c.declared {
		if each.unit.isType(name) && c.engine.typeOf(name) == kind {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

// typeOf gives a declared type as package reflect has it, nil when it was never used.
func (e *engine) typeOf(name string) reflect.Type {
	symbol := e.symbol(name)
	if !symbol.IsValid() {
		return nil
	}
	kind := open(symbol.Elem().FieldByName("typ"))
	if kind.IsNil() {
		return nil
	}
	found, _ := open(kind.Elem().FieldByName("rtype")).Interface().(reflect.Type)
	return found
}

// typeName is the name of a struct's type, "" when it has none. That of a cell's slice or map cannot be told: yaegi has
// []string for `type words []string`.
func typeName(kind reflect.Type) string {
	if kind.Name() == "" {
		if kind.Kind() == reflect.Struct {
			return typeNames(kind)
		}
		return ""
	}
	name := kind.String()
	if name == "interp.valueInterface" {
		return "interface {}"
	}
	if strings.HasPrefix(name, "main.") { // the driver's own, which stand in for those of package sync
		return "sync." + strings.TrimPrefix(name, "main.")
	}
	return name
}

// kindName writes a type as Go code has it.
func kindName(kind reflect.Type) string {
	if name := typeName(kind); name != "" {
		return name
	}
	switch kind.Kind() {
	case reflect.Pointer:
		return "*" + kindName(kind.Elem())
	case reflect.Slice:
		return "[]" + kindName(kind.Elem())
	case reflect.Map:
		return "map[" + kindName(kind.Key()) + "]" + kindName(kind.Elem())
	case reflect.Struct:
		fields := make([]string, kind.NumField())
		for index := range fields {
			each := kind.Field(index)
			fields[index] = fieldName(each) + " " + kindName(each.Type)
		}
		return "struct{" + strings.Join(fields, "; ") + "}"
	}
	return kind.String()
}

// fieldName is a field's name in the cell: yaegi puts an X before those that are not exported.
func fieldName(field reflect.StructField) string {
	name := field.Name
	if rest := strings.TrimPrefix(name, "X"); rest != name {
		if first, _ := utf8.DecodeRuneInString(rest); unicode.IsLower(first) || first == '_' {
			return rest
		}
	}
	return name
}
