package main

import (
	"go/ast"
	"go/token"
)

// yaegi loses values of an assignment or a definition of several with calls or literals among them, and does not run one with
// nil among them:
//
//	n, err = 5, errors.New("no") // n stays what it was
//	n, all := 5, []int{}         // n is 0
//	n, err = 5, nil              // a panic
//
// In parentheses, values go to places of their own first; and nil is assigned last.

// placed puts those of several values into parentheses that need them.
func placed(values []ast.Expr) {
	if len(values) < 2 {
		return
	}
	for index, value := range values {
		if isMade(value) {
			values[index] = &ast.ParenExpr{Lparen: value.Pos(), X: value, Rparen: value.End()}
		}
	}
}

// isMade tells of values with a call or a literal in them.
func isMade(value ast.Expr) bool {
	found := false
	ast.Inspect(value, func(each ast.Node) bool {
		switch each.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr, *ast.CompositeLit:
			found = true
		}
		return !found
	})
	return found
}

// withoutNil gives an assignment, and after it those of nil that were among it.
func (f *freshener) withoutNil(each *ast.AssignStmt) ast.Stmt {
	if each.Tok != token.ASSIGN || len(each.Rhs) < 2 || len(each.Lhs) != len(each.Rhs) {
		return each
	}
	rest := &ast.AssignStmt{TokPos: each.TokPos, Tok: token.ASSIGN}
	var nils []ast.Stmt
	for index, value := range each.Rhs {
		place := each.Lhs[index]
		if isNilName(value) {
			nils = append(nils, &ast.AssignStmt{
				Lhs: []ast.Expr{place}, TokPos: each.TokPos, Tok: token.ASSIGN, Rhs: []ast.Expr{value},
			})
			continue
		}
		rest.Lhs, rest.Rhs = append(rest.Lhs, place), append(rest.Rhs, value)
	}
	if len(nils) == 0 {
		return each
	}
	f.mended++
	if len(rest.Lhs) > 0 {
		nils = append([]ast.Stmt{rest}, nils...)
	}
	return f.block(nils)
}

func isNilName(expression ast.Expr) bool {
	name, ok := expression.(*ast.Ident)
	return ok && name.Name == "nil"
}
