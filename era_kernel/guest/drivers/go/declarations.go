package main

import (
	"fmt"
	"go/ast"
	"os"
	"strings"
)

func (b *building) declare(units []*unit) error {
	changed := nameSet{}
	var fresh []*unit
	for _, each := range units {
		for _, name := range each.defined() {
			delete(b.later, name)
		}
		if !b.isSame(each) {
			fresh = append(fresh, each)
			changed.add(b.anew(each)...)
		}
	}
	if err := b.declareFresh(fresh); err != nil {
		return err
	}
	return b.renew(changed)
}

func (b *building) declareFresh(units []*unit) error {
	if len(units) == 0 {
		return nil
	}
	declarations := make([]ast.Decl, len(units))
	for index, each := range units {
		b.mark(each.declare)
		declarations[index] = each.declare
	}
	keep := b.engine.keep(typeParameters(declarations...))
	if err := b.compileTree(fileOf(declarations...)); err != nil {
		return err
	}
	keep()
	for _, each := range units {
		for _, name := range each.defined() {
			b.update[name] = &declared{each, b.number, usedNames(each.declare)}
		}
	}
	return nil
}

// isSame tells whether a declaration is there already, word for word.
func (b *building) isSame(each *unit) bool {
	names := each.defined()
	for _, name := range names {
		was := b.lookup(name)
		if was == nil || was.unit.text != each.text || !b.engine.has(strings.Split(name, ".")[0]) {
			return false
		}
	}
	return len(names) > 0
}

func (b *building) lookup(name string) *declared {
	if each, ok := b.update[name]; ok {
		return each
	}
	return b.declared[name]
}

// anew takes back the names that a unit is about to declare; gives those that had a meaning.
func (b *building) anew(each *unit) []string {
	var changed []string
	for _, name := range each.defined() {
		owner, method, isMethod := strings.Cut(name, ".")
		if isMethod {
			if b.lookup(name) != nil {
				b.engine.forgetMethod(owner, method, b.before)
				changed = append(changed, method)
			}
			continue
		}
		b.engine.forget(importKey(name)) // as Go has it, a declaration hides an import
		delete(b.imports, name)
		if b.engine.has(name) {
			b.engine.forget(name)
			delete(b.update, name)
			delete(b.declared, name)
			changed = append(changed, name)
		}
	}
	return changed
}

// renew compiles declarations of earlier cells again that use a changed name, and those that use them.
func (b *building) renew(changed nameSet) error {
	if len(changed) == 0 {
		return nil
	}
	stale := map[string]*declared{}
	for found := true; found; {
		found = false
		for name, each := range b.declared {
			if stale[name] == nil && b.update[name] == nil && !b.later[name] && each.used.meets(changed) {
				stale[name] = each
				changed.add(name[strings.LastIndex(name, ".")+1:])
				found = true
			}
		}
	}
	for name, each := range stale {
		if !strings.Contains(name, ".") {
			b.renewOne(name, each)
		}
	}
	for name, each := range stale {
		if strings.Contains(name, ".") {
			b.renewOne(name, each)
		}
	}
	return nil
}

func (b *building) renewOne(name string, each *declared) {
	if owner, method, isMethod := strings.Cut(name, "."); isMethod {
		b.engine.forgetMethod(owner, method, b.before)
	} else {
		b.engine.forget(name)
	}
	keep := b.engine.keep(typeParameters(each.unit.declare))
	program, err := b.engine.compile(fileOf(each.unit.declare))
	keep()
	if err != nil {
		b.engine.forget(name)
		fmt.Fprintf(os.Stderr, "[era] %s of cell %d no longer compiles: %s\n", name, each.cell, compileText(err))
		return
	}
	b.add(program)
}
