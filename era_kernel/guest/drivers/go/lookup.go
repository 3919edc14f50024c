package main

import (
	"go/ast"
	"path"
	"reflect"
	"strings"
)

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
