package main

import (
	"go/ast"
	"go/token"
)

// yaegi looks at the first condition of a case only:
//
//	switch { case n < 0, n > 9: … } // not for 10
//
// So each case gets one. And yaegi's assertions find errors of cells, but its type switches do not:
//
//	switch e := err.(type) { case *Missing: … } // never, though err.(*Missing) succeeds
//
// So a switch over pointers, some of them to such errors, becomes one over assertions.

// conditions has each case of a switch without a value be one condition.
func (f *freshener) conditions(each *ast.SwitchStmt) {
	if each.Tag != nil {
		return
	}
	for _, statement := range each.Body.List {
		if clause := statement.(*ast.CaseClause); len(clause.List) > 1 {
			f.mended++
			clause.List = anyOf(clause.List)
		}
	}
}

// anyOf joins conditions.
func anyOf(conditions []ast.Expr) []ast.Expr {
	if len(conditions) == 0 {
		return nil
	}
	joined := conditions[0]
	for _, each := range conditions[1:] {
		joined = &ast.BinaryExpr{X: joined, OpPos: each.Pos(), Op: token.LOR, Y: each}
	}
	return []ast.Expr{joined}
}

// typeSwitch gives what stands for a type switch; itself where it is to stay.
func (f *freshener) typeSwitch(each *ast.TypeSwitchStmt) ast.Stmt {
	if f.off || !f.findsErrors(each) {
		return each
	}
	pos := each.Pos()
	bound, subject := guardOf(each)
	value := f.name(pos)
	var made []ast.Stmt
	if each.Init != nil {
		made = append(made, each.Init)
	}
	made = append(made, defineOne(value, subject))
	body := &ast.BlockStmt{Lbrace: each.Body.Lbrace, Rbrace: each.Body.Rbrace}
	for _, statement := range each.Body.List {
		clause := statement.(*ast.CaseClause)
		inner := &ast.CaseClause{Case: clause.Case, Colon: clause.Colon, Body: clause.Body}
		for _, kind := range clause.List {
			condition := ast.Expr(&ast.BinaryExpr{X: at(value.Name, kind.Pos()), OpPos: kind.Pos(), Op: token.EQL, Y: kind})
			if !isNilName(kind) {
				is := f.name(kind.Pos())
				made = append(made, &ast.AssignStmt{
					Lhs: []ast.Expr{at("_", kind.Pos()), is}, TokPos: kind.Pos(), Tok: token.DEFINE,
					Rhs: []ast.Expr{assertion(value, kind)},
				})
				condition = at(is.Name, kind.Pos())
			}
			inner.List = append(inner.List, condition)
		}
		inner.List = anyOf(inner.List)
		if bound != nil {
			var given ast.Expr = at(value.Name, clause.Pos())
			if len(clause.List) == 1 && !isNilName(clause.List[0]) {
				given = assertion(value, clause.List[0])
			}
			inner.Body = append([]ast.Stmt{defineOne(at(bound.Name, clause.Pos()), given)}, inner.Body...)
		}
		body.List = append(body.List, inner)
	}
	return f.block(append(made, &ast.SwitchStmt{Switch: pos, Body: body}))
}

// findsErrors tells whether all cases are pointers, or nil, and one is an error of a cell.
func (f *freshener) findsErrors(each *ast.TypeSwitchStmt) bool {
	found := false
	for _, clause := range each.Body.List {
		for _, kind := range clause.(*ast.CaseClause).List {
			pointer, ok := kind.(*ast.StarExpr)
			if !ok && !isNilName(kind) {
				return false
			}
			if ok {
				name, isName := pointer.X.(*ast.Ident)
				found = found || isName && f.isError(name.Name)
			}
		}
	}
	return found
}

// guardOf gives the name that a type switch binds, nil for none, and what it looks at.
func guardOf(each *ast.TypeSwitchStmt) (*ast.Ident, ast.Expr) {
	switch guard := each.Assign.(type) {
	case *ast.AssignStmt:
		return guard.Lhs[0].(*ast.Ident), guard.Rhs[0].(*ast.TypeAssertExpr).X
	default:
		return nil, guard.(*ast.ExprStmt).X.(*ast.TypeAssertExpr).X
	}
}

func assertion(value *ast.Ident, kind ast.Expr) ast.Expr {
	return &ast.TypeAssertExpr{X: at(value.Name, kind.Pos()), Lparen: kind.Pos(), Type: kind, Rparen: kind.End()}
}

func isNilName(expression ast.Expr) bool {
	name, ok := expression.(*ast.Ident)
	return ok && name.Name == "nil"
}

// isErrorType tells whether a cell gives a type, or the pointer to it, a method Error.
func (b *building) isErrorType(name string) bool {
	return b.methods[name+".Error"] || b.lookup(name+".Error") != nil
}
