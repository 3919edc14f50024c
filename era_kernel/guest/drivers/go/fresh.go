package main

import (
	"fmt"
	"go/ast"
	"go/token"
)

// yaegi is not Go in when it reads an argument and in when it makes a variable:
//
//	for i := 0; i < 3; i++ { go fmt.Println(i) }                          // prints 3, 3, 3
//	for i := 0; i < 3; i++ { x := 2 * i; fs = append(fs, func() int { return x }) } // all give 4
//
// What `go` and `defer` call reads the variables when it runs at last, and what operators, literals and calls of several
// results give goes into a place that is the same at each turn of a loop. A plain `x := y` makes a new variable, though:
// so arguments get variables of their own, and so do values in loops that a function or a pointer may keep.
//
// The named results of a function keep what they had at the last call from the same place, so they are set to zero:
//
//	func add(n int) (sum int) { sum += n; return }
//	for i := 0; i < 3; i++ { fmt.Println(add(1)) } // prints 1, 2, 3

// A freshener mends one cell's functions.
type freshener struct {
	off    bool                     // leaves all as it is
	mended int                      // numbers the variables that were added
	blocks map[*ast.BlockStmt]bool  // that were made
	single func(*ast.CallExpr) bool // whether a call is known to give one value
	caseOf func(ast.Expr) caseKind  // how a type is found in a type switch
	isOwn  func(ast.Expr) bool      // whether a type is a cell's, or `error`
}

// freshen mends a body, but not the functions within it.
func (f *freshener) freshen(body ast.Node) {
	if !f.off {
		f.walk(body, jumps(body))
	}
}

// results sets a function's named results to zero where it begins.
func (f *freshener) results(function ast.Node, body *ast.BlockStmt) {
	if f.off {
		return
	}
	var zeroed []ast.Stmt
	for _, each := range resultsOf(function) {
		for _, name := range each.Names {
			if name.Name == "_" {
				continue
			}
			zero := f.name(name.Pos())
			spec := &ast.ValueSpec{Names: []*ast.Ident{zero}, Type: each.Type}
			zeroed = append(zeroed,
				&ast.DeclStmt{Decl: &ast.GenDecl{TokPos: name.Pos(), Tok: token.VAR, Specs: []ast.Spec{spec}}},
				&ast.AssignStmt{
					Lhs: []ast.Expr{at(name.Name, name.Pos())}, TokPos: name.Pos(), Tok: token.ASSIGN,
					Rhs: []ast.Expr{at(zero.Name, name.Pos())},
				})
		}
	}
	body.List = append(zeroed, body.List...)
}

func resultsOf(function ast.Node) []*ast.Field {
	var results *ast.FieldList
	switch function := function.(type) {
	case *ast.FuncDecl:
		results = function.Type.Results
	case *ast.FuncLit:
		results = function.Type.Results
	}
	if results == nil {
		return nil
	}
	return results.List
}

// jumps tells whether a body has a `goto`, which may make a loop of any part of it.
func jumps(body ast.Node) bool {
	found := false
	ast.Inspect(body, func(each ast.Node) bool {
		if branch, ok := each.(*ast.BranchStmt); ok && branch.Tok == token.GOTO {
			found = true
		}
		_, isFunction := each.(*ast.FuncLit)
		return !found && !isFunction
	})
	return found
}

// walk mends the statements of a tree; `inLoop` tells whether they run more than once in a loop that keeps variables.
func (f *freshener) walk(tree ast.Node, inLoop bool) {
	ast.Inspect(tree, func(each ast.Node) bool {
		switch each := each.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ForStmt, *ast.RangeStmt:
			if body := loopBody(each); !inLoop && keepsVariables(body) {
				f.walk(body, true)
				return false
			}
		case *ast.BlockStmt:
			if !f.blocks[each] {
				each.List = f.list(each.List, inLoop)
			}
		case *ast.CaseClause:
			each.Body = f.list(each.Body, inLoop)
		case *ast.CommClause:
			each.Body = f.list(each.Body, inLoop)
			if received, ok := each.Comm.(*ast.AssignStmt); ok && inLoop && received.Tok == token.DEFINE {
				each.Body = append(f.copied(received), each.Body...)
			}
		case *ast.SwitchStmt:
			f.conditions(each)
		case *ast.IfStmt:
			if other, ok := each.Else.(*ast.IfStmt); ok && inLoop {
				each.Else = f.condition(other)
			}
		case *ast.AssignStmt:
			if inLoop && each.Tok == token.DEFINE && len(each.Rhs) == 1 {
				each.Rhs[0] = computed(each.Rhs[0])
			}
			placed(each.Rhs)
		case *ast.ValueSpec:
			placed(each.Values)
			for index := range each.Values {
				if inLoop {
					each.Values[index] = computed(each.Values[index])
				}
			}
		}
		return true
	})
}

func loopBody(loop ast.Node) *ast.BlockStmt {
	if loop, ok := loop.(*ast.ForStmt); ok {
		return loop.Body
	}
	return loop.(*ast.RangeStmt).Body
}

// keepsVariables tells whether a loop's variables may outlive their turn.
func keepsVariables(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(each ast.Node) bool {
		switch each := each.(type) {
		case *ast.FuncLit:
			found = true
		case *ast.UnaryExpr:
			found = found || each.Op == token.AND
		case *ast.DeferStmt: // of what is kept until then
			_, isGiven := each.Call.Fun.(*ast.CallExpr)
			found = found || isGiven || each.Call.Ellipsis.IsValid()
		}
		return !found
	})
	return found
}

// computed has an operator's or a literal's value go to a place of its own before it is assigned.
func computed(value ast.Expr) ast.Expr {
	switch inner := value.(type) {
	case *ast.BinaryExpr, *ast.CompositeLit:
	case *ast.UnaryExpr:
		if inner.Op == token.AND || inner.Op == token.ARROW {
			return value
		}
	default:
		return value
	}
	return &ast.ParenExpr{Lparen: value.Pos(), X: value, Rparen: value.End()}
}

func (f *freshener) list(statements []ast.Stmt, inLoop bool) []ast.Stmt {
	mended := make([]ast.Stmt, 0, len(statements))
	for _, each := range statements {
		switch each := each.(type) {
		case *ast.GoStmt:
			made := f.arguments(each.Call)
			f.receiver(each.Call, &made)
			mended = append(mended, f.block(append(made, each)))
			continue
		case *ast.DeferStmt:
			made := f.arguments(each.Call)
			f.spread(each.Call, &made)
			if inLoop {
				f.function(each.Call, &made)
			}
			mended = append(mended, f.block(append(made, each)))
			continue
		case *ast.AssignStmt:
			if inLoop && isMultiple(each) {
				mended = append(append(mended, each), f.copied(each)...)
				continue
			}
			mended = append(mended, f.withoutNil(each))
			continue
		case *ast.LabeledStmt:
			mended = append(mended, f.labelled(each)...)
			continue
		case *ast.TypeSwitchStmt:
			mended = append(mended, f.typeSwitch(each))
			continue
		case *ast.IfStmt:
			if inLoop {
				mended = append(mended, f.condition(each))
				continue
			}
		}
		mended = append(mended, each)
	}
	return mended
}

// condition has the variables of an `if` be those of its turn.
func (f *freshener) condition(each *ast.IfStmt) ast.Stmt {
	first, ok := each.Init.(*ast.AssignStmt)
	if !ok || !isMultiple(first) {
		return each
	}
	each.Init = nil
	return f.block(append(append([]ast.Stmt{first}, f.copied(first)...), each))
}

// block gives statements as one.
func (f *freshener) block(statements []ast.Stmt) ast.Stmt {
	if len(statements) == 1 {
		return statements[0]
	}
	last := statements[len(statements)-1]
	block := &ast.BlockStmt{Lbrace: statements[0].Pos(), List: statements, Rbrace: last.End()}
	f.blocks[block] = true
	return block
}

// isMultiple tells of definitions by one value that gives several: of a call, a map, a channel, an assertion.
func isMultiple(define *ast.AssignStmt) bool {
	return define.Tok == token.DEFINE && len(define.Lhs) > 1 && len(define.Rhs) == 1
}

// copied has a definition make other variables, and gives what makes those that it made before.
func (f *freshener) copied(define *ast.AssignStmt) []ast.Stmt {
	copies := &ast.AssignStmt{TokPos: define.TokPos, Tok: token.DEFINE}
	for index, each := range define.Lhs {
		if name, ok := each.(*ast.Ident); ok && name.Name == "_" {
			continue
		}
		variable := f.name(each.Pos())
		define.Lhs[index] = variable
		copies.Lhs = append(copies.Lhs, each)
		copies.Rhs = append(copies.Rhs, at(variable.Name, each.Pos()))
	}
	if len(copies.Lhs) == 0 {
		return nil
	}
	return []ast.Stmt{copies}
}

func (f *freshener) name(pos token.Pos) *ast.Ident {
	f.mended++
	return at(fmt.Sprint("·value", f.mended), pos)
}
