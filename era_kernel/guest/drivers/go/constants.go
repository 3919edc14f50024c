package main

import (
	"go/ast"
	"go/token"
	"strconv"
)

// The lines of a group of constants become declarations of their own, so that each has its value written out, with a number
// for iota. yaegi by itself counts iota by names, not by lines, and repeats values for one name only:
//
//	const ( A, B = iota, 10 * iota; C, D ) // does not compile

// spellOut writes the values of a group of constants out.
func spellOut(group *ast.GenDecl) {
	var kind ast.Expr
	var values []ast.Expr
	for iota, each := range group.Specs {
		spec := each.(*ast.ValueSpec)
		if len(spec.Values) > 0 {
			kind, values = spec.Type, spec.Values
		}
		spec.Type, spec.Values = kind, make([]ast.Expr, len(values))
		for index, value := range values {
			spec.Values[index] = withIota(value, iota)
		}
	}
}

// withIota gives a copy of a constant's expression with a number for iota; what no constant is made of stays the same.
func withIota(value ast.Expr, iota int) ast.Expr {
	switch value := value.(type) {
	case *ast.Ident:
		if value.Name == "iota" {
			return &ast.BasicLit{ValuePos: value.NamePos, Kind: token.INT, Value: strconv.Itoa(iota)}
		}
		made := *value
		return &made
	case *ast.BasicLit:
		made := *value
		return &made
	case *ast.ParenExpr:
		made := *value
		made.X = withIota(value.X, iota)
		return &made
	case *ast.UnaryExpr:
		made := *value
		made.X = withIota(value.X, iota)
		return &made
	case *ast.BinaryExpr:
		made := *value
		made.X, made.Y = withIota(value.X, iota), withIota(value.Y, iota)
		return &made
	case *ast.CallExpr:
		made := *value
		made.Args = make([]ast.Expr, len(value.Args))
		for index, each := range value.Args {
			made.Args[index] = withIota(each, iota)
		}
		return &made
	}
	return value
}
