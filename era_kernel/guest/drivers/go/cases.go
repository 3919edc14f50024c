package main

import (
	"go/ast"
	"reflect"
	"strings"
)

// A caseKind is the way in which yaegi finds out whether a value is of a type.
type caseKind int

const (
	unknownCase  caseKind = iota
	nilCase               // it is compared
	assertedCase          // by an assertion
	boundCase             // by a type switch that binds a variable
	unboundCase           // by a type switch that binds none
)

// caseOfType gives the way for a type in a type switch.
func (b *building) caseOfType(kind ast.Expr) caseKind {
	switch kind := unparen(kind).(type) {
	case *ast.Ident:
		return b.caseOfName(kind.Name)
	case *ast.StarExpr:
		return b.caseOfPointer(kind.X)
	case *ast.SelectorExpr:
		return b.caseOfImported(kind)
	case *ast.ArrayType, *ast.MapType:
		return boundCase
	}
	return unknownCase
}

func (b *building) caseOfName(name string) caseKind {
	switch own := b.ownType(name); {
	case own == nil && name == "nil":
		return nilCase
	case own == nil && b.engine.isBuiltin(name) && name != "any":
		return boundCase
	case own == nil || own.TypeParams != nil || isInterface(own.Type):
		return unknownCase
	case b.hasMethods(name):
		return unboundCase
	}
	return boundCase
}

func (b *building) caseOfPointer(to ast.Expr) caseKind {
	switch to := to.(type) {
	case *ast.SelectorExpr:
		return assertedCase
	case *ast.Ident:
		if b.declares(to.Name + ".Error") {
			return assertedCase
		}
		if kind := b.caseOfName(to.Name); kind == boundCase || kind == unboundCase {
			return kind
		}
	}
	return unknownCase
}

func (b *building) caseOfImported(kind *ast.SelectorExpr) caseKind {
	name, ok := kind.X.(*ast.Ident)
	if !ok {
		return unknownCase
	}
	path := b.imports[name.Name]
	found := b.engine.Symbols(path)[path][kind.Sel.Name]
	if !found.IsValid() || found.Kind() != reflect.Ptr {
		return unknownCase
	}
	return boundCase // interfaces too: it finds no type of a cell, but what an assertion makes of one breaks when it is used
}

// isCellType tells whether a type is one of a cell, or a pointer to one, or `error`.
func (b *building) isCellType(kind ast.Expr) bool {
	if pointer, ok := kind.(*ast.StarExpr); ok {
		kind = pointer.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && (name.Name == "error" || b.ownType(name.Name) != nil)
}

// ownType gives the declaration of a type of a cell, nil for other names.
func (b *building) ownType(name string) *ast.TypeSpec {
	each := b.here[name]
	if each == nil {
		earlier := b.lookup(name)
		if earlier == nil {
			return nil
		}
		each = earlier.unit
	}
	return each.typeSpec(name)
}

func isInterface(kind ast.Expr) bool {
	_, ok := unparen(kind).(*ast.InterfaceType)
	return ok
}

// declares tells whether this cell or an earlier one declares a name, or a method as Type.method.
func (b *building) declares(name string) bool { return b.here[name] != nil || b.lookup(name) != nil }

func (b *building) hasMethods(owner string) bool {
	prefix := owner + "."
	for name := range b.here {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, earlier := range []map[string]*declared{b.update, b.declared} {
		for name := range earlier {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
	}
	return false
}
