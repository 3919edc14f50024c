package main

import (
	"go/ast"
	"go/token"
)

// A definition is `var` of one line, or `:=`.
type definition struct {
	names  []*ast.Ident
	values []ast.Expr
	kind   ast.Expr // nil where the values tell it
	pos    token.Pos
}

func definitionOf(each *unit) (*definition, bool) {
	if assign := each.define(); assign != nil {
		made := &definition{values: assign.Rhs, pos: assign.Pos()}
		for _, left := range assign.Lhs {
			name, ok := left.(*ast.Ident)
			if !ok {
				return nil, false
			}
			made.names = append(made.names, name)
		}
		return made, true
	}
	spec := each.declare.(*ast.GenDecl).Specs[0].(*ast.ValueSpec)
	return &definition{spec.Names, spec.Values, spec.Type, spec.Pos()}, true
}

// define makes variables. A name that was there before stays the same variable if its type is the same, so that
// functions which use it see the new value.
func (b *building) define(each *unit) error {
	made, ok := definitionOf(each)
	if !ok {
		return b.failure(each, "non-name on the left side of :=")
	}
	defines := each.defined()
	b.regions = append(b.regions, &region{"", "", b.number, b.at(made.pos), place{b.at(made.pos).line, 1 << 30}})
	for _, value := range made.values {
		b.markLiterals(value)
	}
	placed(made.values)
	var old []string
	for _, name := range made.names {
		if name.Name != "_" && b.engine.has(name.Name) {
			old = append(old, name.Name)
			name.Name = temporary + name.Name
		}
	}
	if err := b.makeVariables(made, each.piece, defines); err != nil {
		return err
	}
	return b.replace(each, old)
}

// makeVariables works around what yaegi cannot do at the top: variables of a given type with values that need other
// variables, and the second value of an index, an assertion or a receive.
func (b *building) makeVariables(made *definition, where piece, defines []string) error {
	if made.kind != nil {
		spec := &ast.ValueSpec{Names: made.names, Type: made.kind}
		declare := &ast.GenDecl{TokPos: made.pos, Tok: token.VAR, Specs: []ast.Spec{spec}}
		if err := b.compileTree(fileOf(declare), defines...); err != nil || len(made.values) == 0 {
			return err
		}
		return b.compileTree(b.wrapped([]ast.Stmt{made.statement(token.ASSIGN)}, where))
	}
	assertion, isAssertion := made.assertion()
	if !made.isCommaOk() && !isAssertion {
		return b.compileTree(made.block(made.statement(token.DEFINE)), defines...)
	}
	first := &definition{names: made.names[:1], values: made.values, pos: made.pos}
	if isAssertion {
		first = &definition{names: made.names[:1], kind: assertion.Type, pos: made.pos}
	}
	if err := b.announce(first); err != nil {
		return err
	}
	if len(made.names) == 2 {
		isThere := &definition{names: made.names[1:], values: []ast.Expr{at("false", made.pos)}, pos: made.pos}
		if err := b.announce(isThere); err != nil {
			return err
		}
	}
	return b.compileTree(b.wrapped([]ast.Stmt{made.statement(token.ASSIGN)}, where), defines...)
}

// announce compiles a definition that is never run: from then on its name has its type.
func (b *building) announce(made *definition) error {
	if made.names[0].Name == "_" {
		return nil
	}
	if made.kind == nil {
		_, err := b.engine.compile(made.block(made.statement(token.DEFINE)))
		return err
	}
	spec := &ast.ValueSpec{Names: made.names, Type: made.kind}
	_, err := b.engine.compile(fileOf(&ast.GenDecl{TokPos: made.pos, Tok: token.VAR, Specs: []ast.Spec{spec}}))
	return err
}

func (d *definition) isCommaOk() bool {
	if len(d.names) != 2 || len(d.values) != 1 {
		return false
	}
	switch value := unparen(d.values[0]).(type) {
	case *ast.IndexExpr, *ast.TypeAssertExpr:
		return true
	case *ast.UnaryExpr:
		return value.Op == token.ARROW
	}
	return false
}

func unparen(expression ast.Expr) ast.Expr {
	for {
		inner, ok := expression.(*ast.ParenExpr)
		if !ok {
			return expression
		}
		expression = inner.X
	}
}

func (d *definition) statement(tok token.Token) ast.Stmt {
	left := make([]ast.Expr, len(d.names))
	for index, name := range d.names {
		left[index] = name
	}
	return &ast.AssignStmt{Lhs: left, TokPos: d.pos, Tok: tok, Rhs: d.values}
}

func (d *definition) block(statement ast.Stmt) ast.Node {
	return &ast.BlockStmt{Lbrace: d.pos, List: []ast.Stmt{statement}, Rbrace: statement.End()}
}

func (b *building) markLiterals(tree ast.Node) {
	ast.Inspect(tree, func(each ast.Node) bool {
		if literal, ok := each.(*ast.FuncLit); ok {
			b.markBody("func literal", literal, literal.Body)
		}
		return true
	})
}

// replace gives old names the values of their temporaries.
func (b *building) replace(each *unit, old []string) error {
	changed := nameSet{}
	for _, name := range old {
		value := ast.NewIdent(temporary + name)
		b.temps = append(b.temps, temporary+name)
		if b.isSameType(name) {
			assign := &ast.AssignStmt{Lhs: []ast.Expr{ast.NewIdent(name)}, Tok: token.ASSIGN, Rhs: []ast.Expr{value}}
			if err := b.compileTree(b.wrapped([]ast.Stmt{assign}, each.piece)); err != nil {
				return err
			}
			continue
		}
		b.engine.forget(name)
		delete(b.declared, name)
		changed.add(name)
		define := &ast.AssignStmt{Lhs: []ast.Expr{ast.NewIdent(name)}, Tok: token.DEFINE, Rhs: []ast.Expr{value}}
		if err := b.compileTree(&ast.BlockStmt{List: []ast.Stmt{define}}); err != nil {
			return err
		}
	}
	return b.renew(changed)
}

// isSameType tells whether a variable and its temporary have one type: whether a pointer to one can be to the other.
func (b *building) isSameType(name string) bool {
	if kind := b.engine.symbol(name).Elem().FieldByName("kind").Uint(); kind != variableKind {
		return false
	}
	address := func(of string) ast.Expr { return &ast.UnaryExpr{Op: token.AND, X: ast.NewIdent(of)} }
	pointer := ast.NewIdent("p")
	_, err := b.engine.compile(callOf(&ast.BlockStmt{List: []ast.Stmt{
		&ast.AssignStmt{Lhs: []ast.Expr{pointer}, Tok: token.DEFINE, Rhs: []ast.Expr{address(name)}},
		&ast.AssignStmt{Lhs: []ast.Expr{pointer}, Tok: token.ASSIGN, Rhs: []ast.Expr{address(temporary + name)}},
	}}))
	return err == nil
}

// variableKind is yaegi's interp.varSym.
const variableKind = 9

// assertion gives the type assertion that all values come of; yaegi cannot tell its type at the top.
func (d *definition) assertion() (*ast.TypeAssertExpr, bool) {
	if len(d.values) != 1 {
		return nil, false
	}
	found, ok := unparen(d.values[0]).(*ast.TypeAssertExpr)
	return found, ok
}
