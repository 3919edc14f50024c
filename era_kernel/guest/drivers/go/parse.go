package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
)

// yaegi keeps a file's imports under the last part of the file's name, so that all cells must have the same.
const fileName = "_.go"

// A unit is a piece of a cell as a tree.
type unit struct {
	piece
	text    string
	declare ast.Decl   // nil for a statement
	run     []ast.Stmt // what a statement piece holds: one statement, none for an empty one
	// free are the names that the unit itself gives no meaning to.
	free []*ast.Ident
}

// cellFile is the name of a cell in positions.
func cellFile(number int) string { return fmt.Sprintf("Cell In[%d]/%s", number, fileName) }

// parseCell gives the units of a cell. Positions in them are those of the cell.
func parseCell(fset *token.FileSet, source string, number int) ([]unit, *syntaxError) {
	pieces, failure := split(source)
	if failure != nil {
		return nil, failure
	}
	units := make([]unit, 0, len(pieces))
	for _, each := range pieces {
		parsed, failure := parsePiece(fset, source, number, each)
		if failure != nil {
			return nil, failure
		}
		units = append(units, parsed...)
	}
	return units, nil
}

func parsePiece(fset *token.FileSet, source string, number int, each piece) ([]unit, *syntaxError) {
	text := source[each.start:each.end]
	one := unit{piece: each, text: text}
	if each.kind == packagePiece {
		return []unit{one}, nil
	}
	before, after := "package main\n", "\n"
	if each.kind == statementPiece {
		before, after = "package main; func _() {\n", "\n}"
	}
	line := fmt.Sprintf("//line %s:%d:%d\n", cellFile(number), each.line, each.col)
	file, err := parser.ParseFile(fset, fileName, before+line+text+after, 0)
	if err != nil {
		return nil, parseFailure(err, source)
	}
	one.free = file.Unresolved
	ast.Inspect(file, func(each ast.Node) bool {
		if group, ok := each.(*ast.GenDecl); ok && group.Tok == token.CONST {
			spellOut(group)
		}
		return true
	})
	if each.kind != statementPiece {
		units := make([]unit, 0, len(file.Decls))
		for _, declare := range file.Decls {
			for _, single := range singles(declare) {
				one.declare = single
				units = append(units, one)
			}
		}
		return units, nil
	}
	body, ok := file.Decls[0].(*ast.FuncDecl)
	if !ok || len(file.Decls) != 1 {
		return nil, &syntaxError{place{each.line, each.col}, "unexpected }", false}
	}
	one.run = body.Body.List
	return []unit{one}, nil
}

// singles cuts `var ( … )`, `const ( … )` and `type ( … )` into declarations of their lines: each is made as soon as what it
// needs is there, and each name can be declared anew without the others.
func singles(declare ast.Decl) []ast.Decl {
	group, ok := declare.(*ast.GenDecl)
	if !ok || group.Tok == token.IMPORT || len(group.Specs) == 0 {
		return []ast.Decl{declare}
	}
	found := make([]ast.Decl, len(group.Specs))
	for index, each := range group.Specs {
		found[index] = &ast.GenDecl{TokPos: each.Pos(), Tok: group.Tok, Specs: []ast.Spec{each}}
	}
	return found
}

func parseFailure(err error, source string) *syntaxError {
	list, ok := err.(scanner.ErrorList)
	if !ok || len(list) == 0 {
		return &syntaxError{place{1, 1}, err.Error(), false}
	}
	first := list[0]
	lines := strings.Split(strings.TrimRight(source, " \t\r\n"), "\n")
	at := place{first.Pos.Line, first.Pos.Column}
	last := lines[len(lines)-1]
	// An error past the last line is one that more text could mend.
	unfinished := at.line > len(lines) || at.line == len(lines) && at.col > len(last)
	if at.line > len(lines) {
		at = place{len(lines), len(last) + 1}
	}
	return &syntaxError{at, first.Msg, unfinished}
}
