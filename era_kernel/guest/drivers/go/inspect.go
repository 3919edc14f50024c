package main

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

func inspection(text string) interface{} {
	data := map[string]string{}
	if text != "" {
		data["text/plain"] = text
	}
	return map[string]interface{}{"status": "ok", "found": text != "", "data": data, "metadata": struct{}{}}
}

func nothingToInspect(position) interface{} { return inspection("") }

// inspect answers an inspection request: a variable's type and value, a declaration, a package's documentation.
func (s *session) inspect(at position) interface{} {
	offset := at.offset()
	for offset < len(at.Code) {
		char, size := utf8.DecodeRuneInString(at.Code[offset:])
		if !unicode.IsLetter(char) && !unicode.IsDigit(char) && char != '_' {
			break
		}
		offset += size
	}
	c := chainAt(strings.TrimRight(at.Code[:offset], " \t("))
	if c.dead || c.quote != "" || c.word == "" {
		return inspection("")
	}
	links := append(append([]string(nil), c.links...), c.word)
	if len(links) == 1 {
		return inspection(s.aboutName(c.word, at.DetailLevel))
	}
	return inspection(s.aboutMember(links))
}

func (s *session) aboutName(name string, detail int) string {
	if each := s.compiler.declared[name]; each != nil {
		return s.declaration(each, detail)
	}
	if name == "main" && s.compiler.declared[mainName] != nil {
		return s.declaration(s.compiler.declared[mainName], detail)
	}
	if value := s.engine.variable(name); value.IsValid() {
		kind := kindName(value.Type())
		if declared := s.engine.declaredType(name); declared != "" {
			if kind = declared; value.Kind() == reflect.Pointer {
				kind = "*" + declared
			}
		}
		return "var " + name + " " + kind + "\n\n" + clipped(renderBare(value))
	}
	if path := s.packageOf(name); path != "" {
		return packageDoc(path)
	}
	return packageMember("builtin", name, "")
}

const maxShown = 4000

func clipped(text string) string {
	if len(text) > maxShown {
		return strings.ToValidUTF8(text[:maxShown], "") + "..."
	}
	return text
}

// declaration gives a cell's declaration: a function without its body, unless details are asked for.
func (s *session) declaration(each *declared, detail int) string {
	text := each.unit.text
	if function, ok := each.unit.declare.(*ast.FuncDecl); ok && detail == 0 {
		if at := strings.Index(text, "{"); function.Body != nil && at > 0 {
			text = strings.TrimSpace(signature(function))
		}
	}
	return ownNames.Replace(text) + "\n\n" + "declared in cell " + render(each.cell)
}

func (s *session) aboutMember(links []string) string {
	last := len(links) - 1
	owner, name := links[:last], links[last]
	if len(owner) == 1 && !s.kindOfName(owner[0]).isKnown() {
		path := s.packageOf(owner[0])
		if symbol, ok := s.exports(path)[name]; ok {
			if text := packageMember(path, name, ""); text != "" {
				return text
			}
			return owner[0] + "." + name + ": " + symbolKind(symbol)
		}
		return ""
	}
	of := s.kindOf(owner)
	if of.declared != "" {
		if each := s.compiler.declared[of.declared+"."+name]; each != nil {
			return s.declaration(each, 0)
		}
	}
	found := s.member(of, name)
	if found.rtype == nil && found.written != nil {
		return name + " " + printed(found.written)
	}
	if found.rtype == nil {
		return ""
	}
	base := of.rtype
	if base != nil && base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if base != nil && base.PkgPath() != "" && base.PkgPath() != "main" {
		if text := packageMember(base.PkgPath(), name, base.Name()); text != "" {
			return text
		}
	}
	return name + " " + kindName(found.rtype)
}

func symbolKind(symbol reflect.Value) string {
	if symbol.Kind() == reflect.Pointer && symbol.IsNil() {
		return "type " + symbol.Type().Elem().String()
	}
	return symbol.Type().String()
}

// ---- documentation, from the standard library's sources, where they are installed

func parsedPackage(path string) *doc.Package {
	folder := filepath.Join(build.Default.GOROOT, "src", filepath.FromSlash(path))
	isSource := func(info fs.FileInfo) bool {
		matches, err := build.Default.MatchFile(folder, info.Name())
		return !strings.HasSuffix(info.Name(), "_test.go") && err == nil && matches || path == "builtin"
	}
	packages, err := parser.ParseDir(token.NewFileSet(), folder, isSource, parser.ParseComments)
	if err != nil {
		return nil
	}
	for name, each := range packages {
		if name != "main" {
			mode := doc.Mode(0)
			if path == "builtin" {
				mode = doc.AllDecls
			}
			return doc.New(each, path, mode)
		}
	}
	return nil
}

func packageDoc(path string) string {
	text := "package " + path[strings.LastIndex(path, "/")+1:] + " // import \"" + path + "\""
	if found := parsedPackage(path); found != nil {
		text += "\n\n" + found.Doc
	}
	return clipped(text)
}

// packageMember gives the declaration and documentation of a package's name, or of a method or field of its type
// `owner`; "" when there are no sources, or it is not in them.
func packageMember(path, name, owner string) string {
	found := parsedPackage(path)
	if found == nil {
		return ""
	}
	for _, kind := range found.Types {
		if kind.Name == name && owner == "" {
			return told(kind.Decl, kind.Doc)
		}
		if owner == "" {
			if text := functionDoc(kind.Funcs, name) + valueDoc(append(kind.Consts, kind.Vars...), name); text != "" {
				return text
			}
		}
		if owner == kind.Name {
			return functionDoc(kind.Methods, name)
		}
	}
	return functionDoc(found.Funcs, name) + valueDoc(append(found.Consts, found.Vars...), name)
}

func functionDoc(functions []*doc.Func, name string) string {
	for _, each := range functions {
		if each.Name == name {
			return clipped(signature(each.Decl) + "\n\n" + each.Doc)
		}
	}
	return ""
}

func valueDoc(values []*doc.Value, name string) string {
	for _, each := range values {
		for _, other := range each.Names {
			if other == name {
				return told(each.Decl, each.Doc)
			}
		}
	}
	return ""
}

func told(declare *ast.GenDecl, text string) string {
	return clipped(printed(declare) + "\n\n" + text)
}

func signature(function *ast.FuncDecl) string {
	bare := *function
	bare.Body, bare.Doc = nil, nil
	return printed(&bare)
}

func printed(node ast.Node) string {
	var text bytes.Buffer
	if printer.Fprint(&text, token.NewFileSet(), node) != nil {
		return ""
	}
	return text.String()
}
