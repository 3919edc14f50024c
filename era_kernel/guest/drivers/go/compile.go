package main

import (
	"fmt"
	"go/ast"
	"go/token"
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
	// here are the cell's own declarations; methods are named Type.method.
	here   map[string]*unit
	update map[string]*declared
}

// compile makes a plan of a cell; when that fails the session is as before. The result of a last expression is shown
// if `isShown`.
func (c *compiler) compile(source string, number int, isShown bool) (*plan, error) {
	made, isMended, err := c.attempt(source, number, isShown, freshener{blocks: map[*ast.BlockStmt]bool{}})
	if err != nil && isMended {
		// What was mended may be what does not compile: `go half(n)` of a constant n that is to be a float64.
		made, _, err = c.attempt(source, number, isShown, freshener{off: true})
	}
	return made, err
}

// attempt compiles a cell, and tells whether the freshener has mended something.
func (c *compiler) attempt(source string, number int, isShown bool, mend freshener) (*plan, bool, error) {
	fset := c.engine.FileSet()
	c.tracer.lines[number] = strings.Split(source, "\n")
	units, failure := parseCell(fset, source, number)
	if failure != nil {
		return nil, false, failure
	}
	b := &building{
		compiler: c, source: source, number: number, later: nameSet{}, here: map[string]*unit{}, update: map[string]*declared{},
		marker: marker{freshener: mend, fset: fset, cell: number, marks: &c.marks, marked: map[ast.Node]bool{}},
	}
	b.single, b.caseOf, b.isOwn = b.givesOne, b.caseOfType, b.isCellType
	b.before = c.engine.checkpoint()
	imports := map[string]string{}
	for name, path := range c.imports {
		imports[name] = path
	}
	if err := b.build(units, isShown); err != nil {
		c.engine.restore(b.before)
		err = b.explained(err, units)
		if limit := b.limit(units); limit != "" {
			err = &limitedError{err, limit}
		}
		c.imports = imports
		return nil, b.mended > 0, err
	}
	for name, each := range b.update {
		c.declared[name] = each
	}
	c.tracer.regions = append(c.tracer.regions, b.regions...)
	return &b.plan, b.mended > 0, nil
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
	if b.imports[name] == path && name != "." && !b.engine.has(name) {
		return nil
	}
	b.engine.forget(importKey(name))
	b.engine.forget(name) // a variable of that name would hide the package
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
				b.here[name] = each
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
	return &placedError{place{where.line, where.col}, text}
}

// refuse finds what Go allows in functions only.
func (b *building) refuse(statement ast.Stmt) error {
	var found error
	ast.Inspect(statement, func(each ast.Node) bool {
		switch each := each.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = &placedError{b.at(each.Pos()), "return outside a function"}
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

// compileText is the text of what the compiler says, without the place.
func compileText(err error) string {
	_, _, text := compilePlace(err.Error())
	return text
}
