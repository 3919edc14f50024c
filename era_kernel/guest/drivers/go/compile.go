package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"strconv"
	"strings"

	"github.com/traefik/yaegi/interp"
)

const (
	own       = "·era" // the package with what cells call without knowing
	temporary = "·new·"
	mainName  = "·main" // yaegi would run a function `main` at the end of every cell
)

// A declared is a function, method, type or constant of the session.
type declared struct {
	unit *unit
	cell int
	used nameSet
}

// A compiler turns cells into programs. It knows what earlier cells declared, so that what used a name can be made anew
// when the name gets another meaning: yaegi's programs keep the old one.
type compiler struct {
	engine   *engine
	tracer   *tracer
	marks    int
	declared map[string]*declared
	imports  map[string]string // name to path
}

// A plan is a compiled cell: programs in the order in which they run.
type plan struct {
	programs []planned
	before   *checkpoint
	temps    []string
}

type planned struct {
	*interp.Program
	defines []string
}

// A building is a cell while it is compiled.
type building struct {
	*compiler
	plan
	marker
	source string
	number int
	isFile bool
	isMain bool     // the cell defines main, which is to be run
	shown  ast.Stmt // the last expression, to be shown
	later  nameSet  // what the cell declares further on
	update map[string]*declared
}

// compile makes a plan of a cell; when that fails the session is as before. The result of a last expression is shown
// if `isShown`.
func (c *compiler) compile(source string, number int, isShown bool) (*plan, error) {
	fset := c.engine.FileSet()
	c.tracer.lines[number] = strings.Split(source, "\n")
	units, failure := parseCell(fset, source, number)
	if failure != nil {
		return nil, failure
	}
	b := &building{
		compiler: c, source: source, number: number, later: nameSet{}, update: map[string]*declared{},
		marker: marker{fset: fset, cell: number, count: &c.marks, marked: map[ast.Node]bool{}},
	}
	b.before = c.engine.checkpoint()
	imports := map[string]string{}
	for name, path := range c.imports {
		imports[name] = path
	}
	if err := b.build(units, isShown); err != nil {
		c.engine.restore(b.before)
		err = b.explained(err, units)
		c.imports = imports
		return nil, err
	}
	for name, each := range b.update {
		c.declared[name] = each
	}
	c.tracer.regions = append(c.tracer.regions, b.regions...)
	return &b.plan, nil
}

func (b *building) build(units []unit, isShown bool) error {
	rest, err := b.takeImports(units)
	if err != nil {
		return err
	}
	if err := b.prepare(rest); err != nil {
		return err
	}
	if isShown && !b.isFile {
		b.shown = lastExpression(rest, b.source)
	}
	for _, each := range stagesOf(rest) {
		switch each.kind {
		case declarationPiece:
			err = b.declare(each.units)
		case variablePiece:
			err = b.define(each.units[0])
		default:
			err = b.statements(each.units)
		}
		if err != nil {
			return err
		}
	}
	if b.isMain {
		call := &ast.ExprStmt{X: &ast.CallExpr{Fun: ast.NewIdent(mainName)}}
		return b.compileTree(&ast.BlockStmt{List: []ast.Stmt{call}})
	}
	return nil
}

// explained finds out whether the interpreter stumbled over a package that was not imported, as it does in types.
func (b *building) explained(err error, units []unit) error {
	if _, ok := err.(abruptError); !ok {
		return err
	}
	var nodes []ast.Node
	for index := range units {
		nodes = append(nodes, units[index].nodes()...)
	}
	known := introducedNames(nodes...)
	for _, node := range nodes {
		ast.Inspect(node, func(each ast.Node) bool {
			selector, ok := each.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name, ok := selector.X.(*ast.Ident)
			if !ok || known[name.Name] || name.Name == own || b.imports[name.Name] != "" ||
				b.engine.has(name.Name) || b.engine.isBuiltin(name.Name) {
				return true
			}
			err = &syntaxError{b.at(name.Pos()), "undefined: " + name.Name, false}
			return false
		})
	}
	return err
}

// takeImports deals with package clauses and imports, and gives what remains.
func (b *building) takeImports(units []unit) ([]unit, error) {
	var rest []unit
	for _, each := range units {
		switch each.kind {
		case packagePiece:
			b.isFile = true
		case importPiece:
			for _, spec := range each.declare.(*ast.GenDecl).Specs {
				if err := b.importOne(spec.(*ast.ImportSpec)); err != nil {
					return nil, err
				}
			}
		default:
			rest = append(rest, each)
		}
	}
	return rest, nil
}

func (b *building) importOne(spec *ast.ImportSpec) error {
	path, _ := strconv.Unquote(spec.Path.Value)
	name := path[strings.LastIndex(path, "/")+1:]
	if spec.Name != nil {
		name = spec.Name.Name
	}
	if b.imports[name] == path && name != "." {
		return nil
	}
	b.engine.forget(importKey(name))
	if _, isNew := b.imports[name]; b.engine.has(name) && !isNew {
		b.engine.forget(name) // a variable of that name would hide the package
	}
	program, err := b.engine.compile(fileOf(&ast.GenDecl{TokPos: spec.Pos(), Tok: token.IMPORT, Specs: []ast.Spec{spec}}))
	if err != nil {
		return err
	}
	b.add(program)
	b.imports[name] = path
	return nil
}

// prepare renames main, refuses what cannot be at the top, and notes what the cell declares.
func (b *building) prepare(units []unit) error {
	hasStatements, hasMain := false, false
	for index := range units {
		each := &units[index]
		hasStatements = hasStatements || each.kind == statementPiece
		if function, ok := each.declare.(*ast.FuncDecl); ok && function.Recv == nil && function.Name.Name == "main" {
			hasMain = true
		}
		for _, node := range each.nodes() {
			renameMain(node)
		}
		for _, name := range each.defined() {
			if b.engine.isBuiltin(name) {
				return b.failure(each, fmt.Sprintf("%s is Go's own name: take another at the top of a cell", name))
			}
			if each.kind == declarationPiece {
				b.later.add(name)
			}
		}
		for _, statement := range each.run {
			if err := b.refuse(statement); err != nil {
				return err
			}
		}
	}
	b.isMain = hasMain && !hasStatements
	return nil
}

func renameMain(tree ast.Node) {
	ast.Inspect(tree, func(each ast.Node) bool {
		if name, ok := each.(*ast.Ident); ok && name.Name == "main" {
			name.Name = mainName
		}
		return true
	})
}

func (b *building) failure(where *unit, text string) error {
	return &syntaxError{place{where.line, where.col}, text, false}
}

// refuse finds what Go allows in functions only.
func (b *building) refuse(statement ast.Stmt) error {
	var found error
	ast.Inspect(statement, func(each ast.Node) bool {
		switch each := each.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = &syntaxError{b.at(each.Pos()), "return outside a function", false}
		}
		return found == nil
	})
	return found
}

// lastExpression gives the cell's last statement where that is an expression with no semicolon after it.
func lastExpression(units []unit, source string) ast.Stmt {
	if len(units) == 0 {
		return nil
	}
	last := units[len(units)-1]
	after := strings.TrimSpace(source[last.end:])
	if len(last.run) == 0 || strings.HasPrefix(after, ";") {
		return nil
	}
	if _, ok := last.run[0].(*ast.ExprStmt); ok {
		return last.run[0]
	}
	return nil
}

func (b *building) add(program *interp.Program, defines ...string) {
	if program != nil {
		b.programs = append(b.programs, planned{program, defines})
	}
}

// compileTree compiles a tree, after the variables of its marks.
func (b *building) compileTree(tree ast.Node, defines ...string) error {
	if marks := b.declaration(); marks != nil {
		program, err := b.engine.compile(marks)
		if err != nil {
			return err
		}
		b.add(program)
	}
	program, err := b.engine.compile(tree)
	if err == nil {
		b.add(program, defines...)
	}
	return err
}

// ---- declarations

func (b *building) declare(units []*unit) error {
	changed := nameSet{}
	var fresh []*unit
	for _, each := range units {
		for _, name := range each.defined() {
			delete(b.later, name)
		}
		if !b.isSame(each) {
			fresh = append(fresh, each)
			changed.add(b.anew(each)...)
		}
	}
	if err := b.declareFresh(fresh); err != nil {
		return err
	}
	return b.renew(changed)
}

func (b *building) declareFresh(units []*unit) error {
	if len(units) == 0 {
		return nil
	}
	declarations := make([]ast.Decl, len(units))
	for index, each := range units {
		b.mark(each.declare)
		declarations[index] = each.declare
	}
	keep := b.engine.keep(typeParameters(declarations...))
	if err := b.compileTree(fileOf(declarations...)); err != nil {
		return err
	}
	keep()
	for _, each := range units {
		for _, name := range each.defined() {
			b.update[name] = &declared{each, b.number, usedNames(each.declare)}
		}
	}
	return nil
}

// isSame tells whether a declaration is there already, word for word.
func (b *building) isSame(each *unit) bool {
	names := each.defined()
	for _, name := range names {
		was := b.lookup(name)
		if was == nil || was.unit.text != each.text || !b.engine.has(strings.Split(name, ".")[0]) {
			return false
		}
	}
	return len(names) > 0
}

func (b *building) lookup(name string) *declared {
	if each, ok := b.update[name]; ok {
		return each
	}
	return b.declared[name]
}

// anew takes back the names that a unit is about to declare; gives those that had a meaning.
func (b *building) anew(each *unit) []string {
	var changed []string
	for _, name := range each.defined() {
		owner, method, isMethod := strings.Cut(name, ".")
		if isMethod {
			if b.lookup(name) != nil {
				b.engine.forgetMethod(owner, method, b.before)
				changed = append(changed, method)
			}
			continue
		}
		b.engine.forget(importKey(name)) // as Go has it, a declaration hides an import
		delete(b.imports, name)
		if b.engine.has(name) {
			b.engine.forget(name)
			delete(b.update, name)
			delete(b.declared, name)
			changed = append(changed, name)
		}
	}
	return changed
}

// renew compiles declarations of earlier cells again that use a changed name, and those that use them.
func (b *building) renew(changed nameSet) error {
	if len(changed) == 0 {
		return nil
	}
	stale := map[string]*declared{}
	for found := true; found; {
		found = false
		for name, each := range b.declared {
			if stale[name] == nil && b.update[name] == nil && !b.later[name] && each.used.meets(changed) {
				stale[name] = each
				changed.add(name[strings.LastIndex(name, ".")+1:])
				found = true
			}
		}
	}
	for name, each := range stale {
		if !strings.Contains(name, ".") {
			b.renewOne(name, each)
		}
	}
	for name, each := range stale {
		if strings.Contains(name, ".") {
			b.renewOne(name, each)
		}
	}
	return nil
}

func (b *building) renewOne(name string, each *declared) {
	if owner, method, isMethod := strings.Cut(name, "."); isMethod {
		b.engine.forgetMethod(owner, method, b.before)
	} else {
		b.engine.forget(name)
	}
	keep := b.engine.keep(typeParameters(each.unit.declare))
	program, err := b.engine.compile(fileOf(each.unit.declare))
	keep()
	if err != nil {
		b.engine.forget(name)
		fmt.Fprintf(os.Stderr, "[era] %s of cell %d no longer compiles: %s\n", name, each.cell, compileText(err))
		return
	}
	b.add(program)
}

// ---- statements

// statements run in a function of their own: at yaegi's top, blocks would share their variables with the session.
func (b *building) statements(units []*unit) error {
	var list []ast.Stmt
	for _, each := range units {
		for _, statement := range each.run {
			if statement == b.shown {
				continue
			}
			list = append(list, deferred(statement))
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
	if err := b.compileTree(shown); err == nil {
		return nil
	}
	return b.compileTree(b.wrapped([]ast.Stmt{expression}, where))
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
func deferred(statement ast.Stmt) ast.Stmt {
	wait, ok := statement.(*ast.DeferStmt)
	if !ok {
		return statement
	}
	pos := wait.Pos()
	function := &ast.FuncLit{
		Type: &ast.FuncType{Func: pos, Params: &ast.FieldList{}},
		Body: &ast.BlockStmt{Lbrace: pos, List: []ast.Stmt{&ast.ExprStmt{X: wait.Call}}, Rbrace: wait.End()},
	}
	call := &ast.CallExpr{
		Fun:    &ast.SelectorExpr{X: at(own, pos), Sel: at("Later", pos)},
		Lparen: pos, Args: []ast.Expr{function}, Rparen: wait.End(),
	}
	return &ast.ExprStmt{X: call}
}

// compileText is the text of what the compiler says, without the place.
func compileText(err error) string {
	_, _, text := compilePlace(err.Error())
	return text
}
