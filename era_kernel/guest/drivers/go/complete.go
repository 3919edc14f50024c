package main

import (
	"go/ast"
	"go/token"
	"reflect"
	"sort"
	"strings"
	"unicode/utf8"
)

func completion(matches []string, at position, bytes int) interface{} {
	if matches == nil {
		matches = []string{}
	}
	start := utf8.RuneCountInString(at.Code[:bytes])
	return map[string]interface{}{
		"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": at.CursorPos, "metadata": struct{}{},
	}
}

func nothingToComplete(at position) interface{} { return completion(nil, at, at.offset()) }

// complete answers a completion request: names of the session, members of packages and of live values.
func (s *session) complete(at position) interface{} {
	before := at.Code[:at.offset()]
	c := chainAt(before)
	var pool nameSet
	word, start := c.word, c.start
	switch {
	case c.quote != "":
		if c.after != token.IMPORT {
			return nothingToComplete(at)
		}
		word, start, pool = c.quote[1:], c.start+1, s.packagePaths()
	case c.dead || c.after == token.INT || c.after == token.FLOAT:
		return nothingToComplete(at)
	case c.links != nil:
		pool = s.membersOf(c.links)
	default:
		pool = s.namesInScope()
	}
	var matches []string
	for name := range pool {
		if strings.HasPrefix(name, word) {
			matches = append(matches, name)
		}
	}
	sort.Strings(matches)
	return completion(matches, at, start)
}

func (s *session) packagePaths() nameSet {
	paths := nameSet{}
	for each := range s.engine.Symbols("") {
		if each != "" && each != "era" && each != "main" && !strings.Contains(each, "yaegi") {
			paths.add(each)
		}
	}
	return paths
}

func (s *session) namesInScope() nameSet {
	found := nameSet{}
	for tok := token.BREAK; tok <= token.VAR; tok++ {
		if tok.IsKeyword() {
			found.add(tok.String())
		}
	}
	universe := field(s.engine.Interpreter, "universe").Interface()
	for _, table := range []reflect.Value{field(universe, "sym"), s.engine.names()} {
		for _, key := range table.MapKeys() {
			if name := key.String(); !strings.ContainsAny(name, "·/{ ") && name != "main" {
				found.add(name)
			}
		}
	}
	for name := range s.compiler.imports {
		if !strings.Contains(name, "·") && name != "." {
			found.add(name)
		}
	}
	if s.compiler.declared[mainName] != nil {
		found.add("main")
	}
	return found
}

func (s *session) membersOf(links []string) nameSet {
	found := nameSet{}
	if len(links) == 1 && !s.kindOfName(links[0]).isKnown() {
		for name := range s.exports(s.packageOf(links[0])) {
			if token.IsExported(name) {
				found.add(name)
			}
		}
		return found
	}
	of := s.kindOf(links)
	if of.declared != "" {
		for name := range s.compiler.declared {
			if owner, method, ok := strings.Cut(name, "."); ok && owner == of.declared {
				found.add(method)
			}
		}
		if fields := s.structOf(of.declared); fields != nil {
			s.addFields(found, fields)
			return found
		}
	}
	addMembers(found, of.rtype)
	return found
}

func (s *session) addFields(found nameSet, fields *ast.StructType) {
	for _, field := range fields.Fields.List {
		for _, name := range field.Names {
			found.add(name.Name)
		}
		if len(field.Names) > 0 {
			continue
		}
		embedded := s.kindOfType(field.Type)
		if embedded.declared != "" {
			found.add(embedded.declared)
			for name := range s.compiler.declared {
				if owner, method, ok := strings.Cut(name, "."); ok && owner == embedded.declared {
					found.add(method)
				}
			}
			if inner := s.structOf(embedded.declared); inner != nil && inner != fields {
				s.addFields(found, inner)
			}
			continue
		}
		addMembers(found, embedded.rtype)
	}
}

func addMembers(found nameSet, rtype reflect.Type) {
	if rtype == nil {
		return
	}
	base := rtype
	if rtype.Kind() == reflect.Pointer {
		base = rtype.Elem()
	} else if rtype.Kind() != reflect.Interface {
		rtype = reflect.PointerTo(rtype)
	}
	for index := 0; index < rtype.NumMethod(); index++ {
		found.add(rtype.Method(index).Name)
	}
	if base.Kind() == reflect.Struct {
		for index := 0; index < base.NumField(); index++ {
			if field := base.Field(index); field.PkgPath == "" {
				found.add(fieldName(field))
			}
		}
	}
}
