package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"strconv"
)

// yaegi does not tell where code panics, only where the functions begin that were under way. So every function has a
// variable of its own, and before each statement that could panic the statement's line is put into it (a seventh of the
// time of code that does little else).

// A region is a function, or what runs at the top of a cell: from its first to its last place.
type region struct {
	name       string // of a function, "" at the top
	mark       string // the variable with the line; "" where the region is one statement
	cell       int
	start, end place
}

func (r *region) holds(cell int, at place) bool {
	return r.cell == cell && !before(at, r.start) && !before(r.end, at)
}

func before(a, b place) bool { return a.line < b.line || a.line == b.line && a.col < b.col }

// A marker puts marks into the functions of one cell.
type marker struct {
	freshener
	fset    *token.FileSet
	cell    int
	marks   *int // how many there are in the session
	regions []*region
	added   []string
	marked  map[ast.Node]bool
}

func (m *marker) at(pos token.Pos) place {
	position := m.fset.Position(pos)
	return place{position.Line, position.Column}
}

// mark puts marks into all functions within a tree.
func (m *marker) mark(node ast.Node) {
	name := ""
	if function, ok := node.(*ast.FuncDecl); ok {
		name = function.Name.Name
		if owner := receiver(function); owner != "" {
			name = owner + "." + name
		}
	}
	ast.Inspect(node, func(each ast.Node) bool {
		switch each := each.(type) {
		case *ast.FuncDecl:
			m.markBody(name, each, each.Body)
		case *ast.FuncLit:
			m.markBody("func literal", each, each.Body)
		}
		return true
	})
}

func (m *marker) markBody(name string, function ast.Node, body *ast.BlockStmt) {
	if body == nil || m.marked[body] {
		return
	}
	m.marked[body] = true
	m.results(function, body)
	variable := m.newRegion(name, m.at(function.Pos()), m.at(function.End()))
	m.markBlock(variable, body)
}

// newRegion gives the name of the region's variable.
func (m *marker) newRegion(name string, start, end place) string {
	*m.marks++
	variable := "·" + strconv.Itoa(*m.marks)
	m.added = append(m.added, variable)
	m.regions = append(m.regions, &region{name, variable, m.cell, start, end})
	return variable
}

// markBlock puts marks into the blocks of a tree, but not into the functions within it.
func (m *marker) markBlock(variable string, tree ast.Node) {
	m.freshen(tree)
	ast.Inspect(tree, func(each ast.Node) bool {
		switch each := each.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BlockStmt:
			each.List = m.markedList(variable, each.List)
		case *ast.CaseClause:
			each.Body = m.markedList(variable, each.Body)
		case *ast.CommClause:
			each.Body = m.markedList(variable, each.Body)
		}
		return true
	})
}

func (m *marker) markedList(variable string, statements []ast.Stmt) []ast.Stmt {
	if len(statements) == 0 || isClause(statements[0]) {
		return statements
	}
	marked := make([]ast.Stmt, 0, 2*len(statements))
	for _, each := range statements {
		if canPanic(each) {
			marked = append(marked, m.assign(variable, each.Pos()))
		}
		marked = append(marked, each)
	}
	return marked
}

func isClause(statement ast.Stmt) bool {
	switch statement.(type) {
	case *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

func (m *marker) assign(variable string, pos token.Pos) ast.Stmt {
	return &ast.AssignStmt{
		Lhs:    []ast.Expr{&ast.Ident{NamePos: pos, Name: variable}},
		TokPos: pos,
		Tok:    token.ASSIGN,
		Rhs:    []ast.Expr{&ast.BasicLit{ValuePos: pos, Kind: token.INT, Value: strconv.Itoa(m.at(pos).line)}},
	}
}

// canPanic tells whether a statement's own part, without the blocks in it, does something that can fail.
func canPanic(statement ast.Stmt) bool {
	found := false
	ast.Inspect(statement, func(each ast.Node) bool {
		switch each := each.(type) {
		case *ast.BlockStmt, *ast.FuncLit, *ast.CaseClause, *ast.CommClause:
			return false
		case *ast.CallExpr, *ast.IndexExpr, *ast.SliceExpr, *ast.StarExpr, *ast.SelectorExpr, *ast.TypeAssertExpr,
			*ast.SendStmt, *ast.RangeStmt:
			found = true
		case *ast.BinaryExpr:
			found = found || each.Op == token.QUO || each.Op == token.REM || each.Op == token.SHL || each.Op == token.SHR
		case *ast.AssignStmt:
			found = found || each.Tok == token.QUO_ASSIGN || each.Tok == token.REM_ASSIGN
		}
		return !found
	})
	return found
}

// declaration declares the variables of the marks; nil when there are none.
func (m *marker) declaration() ast.Node {
	if len(m.added) == 0 {
		return nil
	}
	names := make([]*ast.Ident, len(m.added))
	for index, name := range m.added {
		names[index] = ast.NewIdent(name)
	}
	spec := &ast.ValueSpec{Names: names, Type: ast.NewIdent("int")}
	m.added = nil
	return fileOf(&ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{spec}})
}

// fileOf makes a file of declarations, which stands where the first of them does.
func fileOf(declarations ...ast.Decl) *ast.File {
	return &ast.File{Package: declarations[0].Pos(), Name: ast.NewIdent("main"), Decls: declarations}
}

// line gives what a mark tells, 0 for nothing.
func (e *engine) line(mark string) int {
	symbol := e.symbol(mark)
	if !symbol.IsValid() {
		return 0
	}
	index := int(symbol.Elem().FieldByName("index").Int())
	data := e.data()
	if index >= len(data) || data[index].Kind() != reflect.Int {
		return 0
	}
	return int(data[index].Int())
}

// A tracer finds where in which cell something happened.
type tracer struct {
	regions []*region
	lines   map[int][]string // of each cell
}

// A step of a traceback.
type step struct {
	cell, line int
	name       string
}

func (t *tracer) find(cell int, at place) *region {
	var best *region
	for _, each := range t.regions {
		if each.holds(cell, at) && (best == nil || !before(each.start, best.start)) {
			best = each
		}
	}
	return best
}

func (t *tracer) source(cell, line int) string {
	if lines := t.lines[cell]; line >= 1 && line <= len(lines) {
		return lines[line-1]
	}
	return ""
}

func (s step) String() string {
	if s.name == "" {
		return fmt.Sprintf("Cell In[%d], line %d", s.cell, s.line)
	}
	return fmt.Sprintf("Cell In[%d], line %d, in %s", s.cell, s.line, s.name)
}
