package main

import (
	"go/ast"
	"strings"
)

// What yaegi cannot do it tells in many ways, some of which make no sense to who wrote the cell. Where a cell has what is
// beyond it, the error says what there is instead.

const useCompiler = "With %%go run as its first line a cell is a program of its own that Go's compiler compiles"

// A limitedError is an error of a cell that may be right, but not for yaegi.
type limitedError struct {
	error
	limit string // a sentence's begin, about yaegi
}

func (e *limitedError) Unwrap() error { return e.error }

// limit tells what of a cell may be beyond yaegi, "" where nothing is.
func (b *building) limit(units []unit) string {
	for index := range units {
		each := &units[index]
		if importsC(each) {
			return "has no cgo"
		}
		if hasTypeParameters(each) || b.usesGeneric(each) {
			return "knows few generics"
		}
	}
	return ""
}

func importsC(each *unit) bool {
	declare, ok := each.declare.(*ast.GenDecl)
	if !ok || each.kind != importPiece {
		return false
	}
	for _, spec := range declare.Specs {
		if spec.(*ast.ImportSpec).Path.Value == `"C"` {
			return true
		}
	}
	return false
}

// hasTypeParameters tells of a generic function or type, and of a method of one.
func hasTypeParameters(each *unit) bool {
	switch declare := each.declare.(type) {
	case *ast.FuncDecl:
		return declare.Type.TypeParams != nil || isGenericMethod(declare)
	case *ast.GenDecl:
		for _, spec := range declare.Specs {
			if kind, ok := spec.(*ast.TypeSpec); ok && kind.TypeParams != nil {
				return true
			}
		}
	}
	return false
}

func isGenericMethod(function *ast.FuncDecl) bool {
	if function.Recv == nil || len(function.Recv.List) == 0 {
		return false
	}
	found := false
	ast.Inspect(function.Recv.List[0].Type, func(each ast.Node) bool {
		switch each.(type) {
		case *ast.IndexExpr, *ast.IndexListExpr:
			found = true
		}
		return !found
	})
	return found
}

// usesGeneric tells whether a unit uses what earlier cells declared with type parameters.
func (b *building) usesGeneric(each *unit) bool {
	used := usedNames(each.nodes()...)
	for name, known := range b.declared {
		if used[name[strings.LastIndex(name, ".")+1:]] && hasTypeParameters(known.unit) {
			return true
		}
	}
	return false
}
