package main

import (
	"go/ast"
	"go/token"
)

// yaegi looks at the first condition of a case only:
//
//	switch { case n < 0, n > 9: … } // not for 10
//
// So each case gets one. And yaegi finds a value's type in one way here, in another there:
//
//	switch v := any.(type) { case Circle: … }     // not where Circle has methods; without `v :=` it does
//	switch any.(type) { case Plain: … }           // not where Plain has none; with `v :=` it does
//	switch e := err.(type) { case *Missing: … }   // not where Missing is a cell's error; err.(*Missing) succeeds
//
// So a switch over types of cells looks for each in the way that finds it.

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
	if f.off || !f.isMendable(each) {
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
			if f.caseOf(kind) == nilCase {
				isNil := &ast.BinaryExpr{X: at(value.Name, kind.Pos()), OpPos: kind.Pos(), Op: token.EQL, Y: kind}
				inner.List = append(inner.List, isNil)
				continue
			}
			is := f.name(kind.Pos())
			made = append(made, f.found(is, value, kind)...)
			inner.List = append(inner.List, at(is.Name, kind.Pos()))
		}
		inner.List = anyOf(inner.List)
		if bound != nil {
			var given ast.Expr = at(value.Name, clause.Pos())
			if len(clause.List) == 1 && f.caseOf(clause.List[0]) != nilCase {
				given = assertion(value, clause.List[0])
			}
			inner.Body = append([]ast.Stmt{defineOne(at(bound.Name, clause.Pos()), given)}, inner.Body...)
		}
		body.List = append(body.List, inner)
	}
	return f.block(append(made, &ast.SwitchStmt{Switch: pos, Body: body}))
}

// found gives statements that set a variable to whether a value is of a type.
func (f *freshener) found(is, value *ast.Ident, kind ast.Expr) []ast.Stmt {
	pos := kind.Pos()
	not := defineOne(is, at("false", pos))
	if f.caseOf(kind) == assertedCase { // which panics for nil
		asserted := f.name(pos)
		isThere := &ast.BinaryExpr{X: at(value.Name, pos), OpPos: pos, Op: token.NEQ, Y: at("nil", pos)}
		return []ast.Stmt{not, &ast.IfStmt{If: pos, Cond: isThere, Body: &ast.BlockStmt{Lbrace: pos, List: []ast.Stmt{
			assign(token.DEFINE, assertion(value, kind), f.name(pos), asserted),
			assign(token.ASSIGN, at(asserted.Name, pos), at(is.Name, pos)),
		}, Rbrace: pos}}}
	}
	set := assign(token.ASSIGN, at("true", pos), at(is.Name, pos))
	var guard ast.Stmt = &ast.ExprStmt{X: assertion(value, nil)}
	if f.caseOf(kind) == boundCase {
		guard = assign(token.DEFINE, assertion(value, nil), f.name(pos))
	}
	clause := &ast.CaseClause{Case: pos, List: []ast.Expr{kind}, Colon: pos, Body: []ast.Stmt{set}}
	body := &ast.BlockStmt{Lbrace: pos, List: []ast.Stmt{clause}, Rbrace: pos}
	return []ast.Stmt{not, &ast.TypeSwitchStmt{Switch: pos, Assign: guard, Body: body}}
}

func assign(tok token.Token, value ast.Expr, to ...ast.Expr) ast.Stmt {
	return &ast.AssignStmt{Lhs: to, TokPos: value.Pos(), Tok: tok, Rhs: []ast.Expr{value}}
}

// isMendable tells whether all cases are known, and one is of a kind that a type switch may not find.
func (f *freshener) isMendable(each *ast.TypeSwitchStmt) bool {
	found := false
	for _, clause := range each.Body.List {
		for _, kind := range clause.(*ast.CaseClause).List {
			switch f.caseOf(kind) {
			case unknownCase:
				return false
			case assertedCase, unboundCase:
				found = true
			case boundCase:
				_, bindsNone := each.Assign.(*ast.ExprStmt)
				found = found || bindsNone && f.isOwn(kind)
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
	pos := value.Pos()
	return &ast.TypeAssertExpr{X: at(value.Name, pos), Lparen: pos, Type: kind, Rparen: pos}
}
