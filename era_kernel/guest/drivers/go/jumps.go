package main

import (
	"go/ast"
	"go/token"
)

// yaegi's `break` and `continue` with a label end no more than the select that they stand in:
//
//	loop: for { select { case <-done: break loop } } // never ends
//
// Its goto works there: to a label behind the loop, or at the end of its body.

// labelled gives what stands for a labelled loop.
func (f *freshener) labelled(each *ast.LabeledStmt) []ast.Stmt {
	loop := each.Stmt
	if f.off {
		return []ast.Stmt{each}
	}
	switch loop.(type) {
	case *ast.ForStmt, *ast.RangeStmt:
	default:
		return []ast.Stmt{each}
	}
	body := loopBody(loop)
	behind, next := "", ""
	ast.Inspect(body, func(node ast.Node) bool {
		chosen, ok := node.(*ast.SelectStmt)
		if ok {
			f.jumpsOf(chosen, each.Label.Name, &behind, &next)
		}
		_, isFunction := node.(*ast.FuncLit)
		return !ok && !isFunction
	})
	if next != "" {
		body.List = append(body.List, label(next, body.Rbrace))
	}
	if behind == "" {
		return []ast.Stmt{each}
	}
	return []ast.Stmt{each, label(behind, each.End())}
}

// jumpsOf has a select jump to the two labels, which get a name when they are needed.
func (f *freshener) jumpsOf(chosen *ast.SelectStmt, loop string, behind, next *string) {
	ast.Inspect(chosen, func(node ast.Node) bool {
		branch, ok := node.(*ast.BranchStmt)
		if ok && branch.Label != nil && branch.Label.Name == loop && branch.Tok != token.GOTO {
			target := behind
			if branch.Tok == token.CONTINUE {
				target = next
			}
			if *target == "" {
				*target = f.name(branch.Pos()).Name
			}
			branch.Tok, branch.Label = token.GOTO, at(*target, branch.Pos())
		}
		_, isFunction := node.(*ast.FuncLit)
		return !isFunction
	})
}

func label(name string, pos token.Pos) ast.Stmt {
	return &ast.LabeledStmt{Label: at(name, pos), Colon: pos, Stmt: &ast.EmptyStmt{Semicolon: pos, Implicit: true}}
}
