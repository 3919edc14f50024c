package main

import (
	"go/ast"
	"go/token"
	"strings"
)

// statements run in a function of their own: at yaegi's top, blocks would share their variables with the session.
func (b *building) statements(units []*unit) error {
	var list []ast.Stmt
	for _, each := range units {
		for _, statement := range each.run {
			if statement == b.shown {
				continue
			}
			list = append(list, b.deferred(statement)...)
		}
	}
	whole := units[0].piece
	whole.end = units[len(units)-1].end
	if len(list) > 0 {
		if err := b.compileTree(b.wrapped(list, whole)); err != nil {
			return err
		}
	}
	last := units[len(units)-1]
	if b.shown == nil || len(last.run) == 0 || last.run[0] != b.shown {
		return nil
	}
	return b.show(b.shown.(*ast.ExprStmt), last.piece)
}

// show compiles an expression whose value is shown; one that has none just runs.
func (b *building) show(expression *ast.ExprStmt, where piece) error {
	b.markLiterals(expression.X)
	call := &ast.CallExpr{
		Fun:    &ast.SelectorExpr{X: at(own, expression.Pos()), Sel: at("Show", expression.Pos())},
		Lparen: expression.Pos(), Args: []ast.Expr{expression.X}, Rparen: expression.End(),
	}
	if isQuiet(expression.X) {
		call.Fun = &ast.SelectorExpr{X: at(own, expression.Pos()), Sel: at("ShowFailure", expression.Pos())}
	}
	shown := b.wrapped([]ast.Stmt{&ast.ExprStmt{X: call}}, where)
	if err := b.compileTree(shown); err == nil || !mayBeNothing(expression.X) {
		return err
	}
	return b.compileTree(b.wrapped([]ast.Stmt{expression}, where))
}

// mayBeNothing tells of expressions that may have no value: calls.
func mayBeNothing(expression ast.Expr) bool {
	_, ok := unparen(expression).(*ast.CallExpr)
	return ok
}

// isQuiet tells of calls whose count of bytes or items nobody wants to see.
func isQuiet(expression ast.Expr) bool {
	call, ok := expression.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	for _, prefix := range []string{"Print", "Fprint", "Scan", "Fscan", "Sscan", "Write"} {
		if strings.HasPrefix(selector.Sel.Name, prefix) {
			return true
		}
	}
	return false
}

func at(name string, pos token.Pos) *ast.Ident { return &ast.Ident{NamePos: pos, Name: name} }

// wrapped makes a function of statements, and calls it.
func (b *building) wrapped(list []ast.Stmt, where piece) ast.Node {
	body := &ast.BlockStmt{Lbrace: list[0].Pos(), List: list, Rbrace: list[len(list)-1].End()}
	lines := strings.Count(b.source[where.start:where.end], "\n")
	end := place{where.line + lines, 1 << 30}
	b.markLiterals(body)
	b.markBlock(b.newRegion("", place{where.line, where.col}, end), body)
	return callOf(body)
}

func callOf(body *ast.BlockStmt) ast.Node {
	function := &ast.FuncLit{Type: &ast.FuncType{Func: body.Pos(), Params: &ast.FieldList{}}, Body: body}
	call := &ast.CallExpr{Fun: function, Lparen: body.Pos(), Rparen: body.End()}
	return &ast.BlockStmt{Lbrace: body.Pos(), List: []ast.Stmt{&ast.ExprStmt{X: call}}, Rbrace: body.End()}
}

// deferred has a `defer` at the top wait for the end of the cell, not of the few statements around it.
func (b *building) deferred(statement ast.Stmt) []ast.Stmt {
	wait, ok := statement.(*ast.DeferStmt)
	if !ok {
		return []ast.Stmt{statement}
	}
	pos := wait.Pos()
	made := b.arguments(wait.Call)
	function := &ast.FuncLit{
		Type: &ast.FuncType{Func: pos, Params: &ast.FieldList{}},
		Body: &ast.BlockStmt{Lbrace: pos, List: []ast.Stmt{&ast.ExprStmt{X: wait.Call}}, Rbrace: wait.End()},
	}
	call := &ast.CallExpr{
		Fun:    &ast.SelectorExpr{X: at(own, pos), Sel: at("Later", pos)},
		Lparen: pos, Args: []ast.Expr{function}, Rparen: wait.End(),
	}
	return append(made, &ast.ExprStmt{X: call})
}
