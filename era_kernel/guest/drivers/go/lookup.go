package main

import (
	"go/ast"
	"go/scanner"
	"go/token"
	"path"
	"reflect"
	"strings"
	"unicode/utf8"
)

// A position is the content of a completion or inspection request.
type position struct {
	Code        string `json:"code"`
	CursorPos   int    `json:"cursor_pos"` // code points
	DetailLevel int    `json:"detail_level"`
}

func (p *position) normalize() {
	if count := utf8.RuneCountInString(p.Code); p.CursorPos > count {
		p.CursorPos = count
	}
	if p.CursorPos < 0 {
		p.CursorPos = 0
	}
}

// offset gives the cursor's place in bytes.
func (p position) offset() int {
	at := 0
	for count := 0; count < p.CursorPos; count++ {
		_, size := utf8.DecodeRuneInString(p.Code[at:])
		at += size
	}
	return at
}

// A chain is what a selector selects from: a name and what follows it, as `a[0].b.` has a, [], b.
type chain struct {
	links []string // names; "[]" and "()" for an index and a call
	word  string   // the name that is being written, or that the cursor is in
	start int      // bytes: where the word begins
	quote string   // the text of a string that is open at the end, with its quote; "" when there is none
	after token.Token
	dead  bool // in a comment or in a text: nothing is to be told
}

type lexeme struct {
	tok     token.Token
	literal string
	start   int
}

func lexemes(source string) (found []lexeme, openText, openComment bool) {
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(source))
	var lexer scanner.Scanner
	lexer.Init(file, []byte(source), func(_ token.Position, message string) {
		openText = openText || strings.HasSuffix(message, "literal not terminated")
		openComment = openComment || message == "comment not terminated"
	}, scanner.ScanComments)
	for {
		pos, tok, literal := lexer.Scan()
		if tok == token.EOF {
			return found, openText, openComment
		}
		if tok == token.SEMICOLON && literal == "\n" {
			continue
		}
		found = append(found, lexeme{tok, literal, file.Offset(pos)})
	}
}

// chainAt gives the chain that ends where the text ends.
func chainAt(text string) chain {
	found, openText, openComment := lexemes(text)
	c := chain{start: len(text)}
	last := len(found) - 1
	if last < 0 {
		c.dead = openComment
		return c
	}
	if openText {
		c.quote, c.start = found[last].literal, found[last].start
		if last > 0 {
			c.after = found[last-1].tok
			if c.after == token.LPAREN || c.after == token.STRING {
				c.after = importBefore(found[:last])
			}
		}
		return c
	}
	if openComment || found[last].tok == token.COMMENT && !strings.HasSuffix(text, "\n") {
		c.dead = true
		return c
	}
	end := len(found)
	if isWord(found[last]) && found[last].start+len(found[last].literal) == len(text) {
		c.word, c.start = found[last].literal, found[last].start
		end--
	}
	if end > 0 && found[end-1].tok == token.PERIOD {
		c.links = links(found[:end-1])
		c.dead = c.links == nil
	} else if end > 0 {
		c.after = found[end-1].tok
	}
	return c
}

// importBefore tells whether an import declaration's bracket is open.
func importBefore(found []lexeme) token.Token {
	for index := len(found) - 1; index >= 0; index-- {
		switch found[index].tok {
		case token.STRING, token.LPAREN, token.IDENT, token.PERIOD, token.COMMENT:
		default:
			return found[index].tok
		}
	}
	return token.ILLEGAL
}

func isWord(each lexeme) bool { return each.tok == token.IDENT || each.tok.IsKeyword() }

// links gives the chain that ends before a dot, nil when it is none that can be told without running it.
func links(found []lexeme) []string {
	var reversed []string
	for at := len(found) - 1; at >= 0; {
		switch found[at].tok {
		case token.RBRACK, token.RPAREN:
			link := "[]"
			if found[at].tok == token.RPAREN {
				link = "()"
			}
			if at = opener(found, at); at < 0 {
				return nil
			}
			reversed = append(reversed, link)
			at--
			continue
		case token.IDENT:
			reversed = append(reversed, found[at].literal)
		default:
			return nil
		}
		if at == 0 || found[at-1].tok != token.PERIOD {
			break
		}
		at -= 2
		if at < 0 {
			return nil
		}
		continue
	}
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return reversed
}

func opener(found []lexeme, at int) int {
	depth := 0
	for ; at >= 0; at-- {
		switch found[at].tok {
		case token.RBRACK, token.RPAREN, token.RBRACE:
			depth++
		case token.LBRACK, token.LPAREN, token.LBRACE:
			if depth--; depth == 0 {
				return at
			}
		}
	}
	return -1
}

// ---- what a chain means

// A kind is a type: one that a cell declared, by its name, or one of package reflect, or both.
type kind struct {
	declared string
	rtype    reflect.Type
	written  ast.Expr // as a cell wrote it
}

func (k kind) isKnown() bool { return k.declared != "" || k.rtype != nil || k.written != nil }

// packageOf gives the path of an imported package, or of one of the standard library that could be imported.
func (s *session) packageOf(name string) string {
	if found, ok := s.compiler.imports[name]; ok {
		return found
	}
	best := ""
	for each := range s.engine.Symbols("") {
		if path.Base(each) == name && (best == "" || len(each) < len(best)) && !strings.Contains(each, "yaegi") {
			best = each
		}
	}
	return best
}

func (s *session) exports(importPath string) map[string]reflect.Value {
	return s.engine.Symbols(importPath)[importPath]
}

// kindOf follows a chain.
func (s *session) kindOf(links []string) kind {
	now, rest := s.kindOfName(links[0]), links[1:]
	if !now.isKnown() && len(links) > 1 {
		symbol, ok := s.exports(s.packageOf(links[0]))[links[1]]
		if !ok {
			return kind{}
		}
		now, rest = kind{rtype: symbol.Type()}, links[2:]
	}
	for _, link := range rest {
		switch link {
		case "[]":
			now = s.element(now)
		case "()":
			now = s.result(now)
		default:
			now = s.member(now, link)
		}
	}
	return now
}

func (s *session) kindOfName(name string) kind {
	if each := s.compiler.declared[name]; each != nil {
		if function, ok := each.unit.declare.(*ast.FuncDecl); ok {
			return kind{written: function.Type}
		}
		if each.unit.isType(name) {
			return kind{declared: name}
		}
	}
	if !s.engine.has(name) {
		return kind{}
	}
	found := kind{declared: s.engine.declaredType(name)}
	if value := s.engine.variable(name); value.IsValid() {
		found.rtype = value.Type()
		if value.Kind() == reflect.Interface && !value.IsNil() {
			found.rtype = value.Elem().Type()
		}
	}
	return found
}

// variable gives a variable's or a constant's value.
func (e *engine) variable(name string) reflect.Value {
	return e.Globals()[name]
}

// declaredType gives the name of a variable's type, or of what it points to, where cells declared it.
func (e *engine) declaredType(name string) string {
	each := open(e.symbol(name).Elem().FieldByName("typ"))
	for depth := 0; depth < 3 && !each.IsNil(); depth++ {
		if each.Elem().FieldByName("path").String() == "main" {
			return each.Elem().FieldByName("name").String()
		}
		if !strings.HasPrefix(each.Elem().FieldByName("str").String(), "*") {
			return ""
		}
		each = open(each.Elem().FieldByName("val"))
	}
	return ""
}

// kindOfType gives the type that is written so.
func (s *session) kindOfType(written ast.Expr) kind {
	found := kind{written: written}
	for {
		star, ok := written.(*ast.StarExpr)
		if !ok {
			break
		}
		written = star.X
	}
	switch each := written.(type) {
	case *ast.Ident:
		if s.compiler.declared[each.Name] != nil {
			found.declared = each.Name
		}
	case *ast.SelectorExpr:
		if owner, ok := each.X.(*ast.Ident); ok {
			if symbol, ok := s.exports(s.packageOf(owner.Name))[each.Sel.Name]; ok {
				found.rtype = symbol.Type()
			}
		}
	}
	return found
}

// structOf gives the fields that a declared type was written with.
func (s *session) structOf(name string) *ast.StructType {
	each := s.compiler.declared[name]
	if each == nil {
		return nil
	}
	var found *ast.StructType
	ast.Inspect(each.unit.declare, func(node ast.Node) bool {
		if spec, ok := node.(*ast.TypeSpec); ok && spec.Name.Name == name {
			found, _ = spec.Type.(*ast.StructType)
		}
		return true
	})
	return found
}

func (s *session) element(of kind) kind {
	switch each := of.written.(type) {
	case *ast.ArrayType:
		return s.kindOfType(each.Elt)
	case *ast.MapType:
		return s.kindOfType(each.Value)
	}
	if of.rtype == nil {
		return kind{}
	}
	switch of.rtype.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		element := of.rtype.Elem()
		return kind{rtype: element, declared: typeNames(element)}
	}
	return kind{}
}

func (s *session) result(of kind) kind {
	if function, ok := of.written.(*ast.FuncType); ok {
		if function.Results == nil || len(function.Results.List) == 0 {
			return kind{}
		}
		return s.kindOfType(function.Results.List[0].Type)
	}
	if of.rtype == nil || of.rtype.Kind() != reflect.Func || of.rtype.NumOut() == 0 {
		return kind{}
	}
	return kind{rtype: of.rtype.Out(0)}
}

func (s *session) member(of kind, name string) kind {
	if of.declared != "" {
		if each := s.compiler.declared[of.declared+"."+name]; each != nil {
			return kind{written: each.unit.declare.(*ast.FuncDecl).Type}
		}
		if fields := s.structOf(of.declared); fields != nil {
			for _, field := range fields.Fields.List {
				for _, each := range field.Names {
					if each.Name == name {
						return s.kindOfType(field.Type)
					}
				}
			}
		}
	}
	return memberOf(of.rtype, name)
}

func memberOf(rtype reflect.Type, name string) kind {
	if rtype == nil {
		return kind{}
	}
	if method, ok := rtype.MethodByName(name); ok {
		return kind{rtype: withoutReceiver(rtype, method)}
	}
	base := rtype
	if rtype.Kind() == reflect.Pointer {
		base = rtype.Elem()
	} else if method, ok := reflect.PointerTo(rtype).MethodByName(name); ok {
		return kind{rtype: withoutReceiver(reflect.PointerTo(rtype), method)}
	}
	if base.Kind() == reflect.Struct {
		if field, ok := base.FieldByName(name); ok {
			return kind{rtype: field.Type, declared: typeNames(field.Type)}
		}
	}
	return kind{}
}

func withoutReceiver(owner reflect.Type, method reflect.Method) reflect.Type {
	whole := method.Type
	if owner.Kind() == reflect.Interface {
		return whole
	}
	in := make([]reflect.Type, 0, whole.NumIn())
	for index := 1; index < whole.NumIn(); index++ {
		in = append(in, whole.In(index))
	}
	out := make([]reflect.Type, 0, whole.NumOut())
	for index := 0; index < whole.NumOut(); index++ {
		out = append(out, whole.Out(index))
	}
	return reflect.FuncOf(in, out, whole.IsVariadic())
}
