package main

import "go/ast"

type nameSet map[string]bool

func (s nameSet) add(names ...string) {
	for _, name := range names {
		if name != "_" {
			s[name] = true
		}
	}
}

func (s nameSet) meets(other nameSet) bool {
	for name := range s {
		if other[name] {
			return true
		}
	}
	return false
}

// usedNames gives every name in a tree: too many rather than too few.
func usedNames(nodes ...ast.Node) nameSet {
	used := nameSet{}
	for _, node := range nodes {
		ast.Inspect(node, func(each ast.Node) bool {
			if name, ok := each.(*ast.Ident); ok {
				used.add(name.Name)
			}
			return true
		})
	}
	return used
}

// defined gives the names that a unit brings into the session; a method is told as Type.method.
func (u *unit) defined() []string {
	switch declare := u.declare.(type) {
	case *ast.FuncDecl:
		if owner := receiver(declare); owner != "" {
			return []string{owner + "." + declare.Name.Name}
		}
		if declare.Name.Name == "init" {
			return nil
		}
		return []string{declare.Name.Name}
	case *ast.GenDecl:
		var names []string
		for _, each := range declare.Specs {
			names = append(names, specNames(each)...)
		}
		return names
	}
	if assign := u.define(); assign != nil {
		var names []string
		for _, left := range assign.Lhs {
			if name, ok := left.(*ast.Ident); ok && name.Name != "_" {
				names = append(names, name.Name)
			}
		}
		return names
	}
	return nil
}

func specNames(spec ast.Spec) []string {
	var names []string
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		names = append(names, spec.Name.Name)
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.Name != "_" {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// receiver gives the name of a method's type, "" for a function.
func receiver(function *ast.FuncDecl) string {
	if function.Recv == nil || len(function.Recv.List) == 0 {
		return ""
	}
	kind := function.Recv.List[0].Type
	for {
		switch each := kind.(type) {
		case *ast.StarExpr:
			kind = each.X
		case *ast.ParenExpr:
			kind = each.X
		case *ast.IndexExpr:
			kind = each.X
		case *ast.IndexListExpr:
			kind = each.X
		case *ast.Ident:
			return each.Name
		default:
			return ""
		}
	}
}

// define gives the `:=` that a unit is, nil for anything else.
func (u *unit) define() *ast.AssignStmt {
	if len(u.run) == 1 {
		if assign, ok := u.run[0].(*ast.AssignStmt); ok && assign.Tok.String() == ":=" {
			return assign
		}
	}
	return nil
}

// isType tells whether a unit declares a type of this name.
func (u *unit) isType(name string) bool { return u.typeSpec(name) != nil }

// typeSpec gives the declaration of a type of this name, nil when the unit has none.
func (u *unit) typeSpec(name string) *ast.TypeSpec {
	declare, ok := u.declare.(*ast.GenDecl)
	if !ok {
		return nil
	}
	for _, each := range declare.Specs {
		if spec, ok := each.(*ast.TypeSpec); ok && spec.Name.Name == name {
			return spec
		}
	}
	return nil
}

// nodes gives the trees of a unit.
func (u *unit) nodes() []ast.Node {
	if u.declare != nil {
		return []ast.Node{u.declare}
	}
	nodes := make([]ast.Node, len(u.run))
	for index, each := range u.run {
		nodes[index] = each
	}
	return nodes
}

// typeParameters gives the names of generic functions' parameters that are types.
func typeParameters(declarations ...ast.Decl) []string {
	var names []string
	for _, each := range declarations {
		function, ok := each.(*ast.FuncDecl)
		if !ok || function.Type.TypeParams == nil {
			continue
		}
		for _, field := range function.Type.TypeParams.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// introducedNames gives the names that a tree gives a meaning to, in whatever scope.
func introducedNames(nodes ...ast.Node) nameSet {
	found := nameSet{}
	addAll := func(expressions ...ast.Expr) {
		for _, each := range expressions {
			if name, ok := each.(*ast.Ident); ok {
				found.add(name.Name)
			}
		}
	}
	for _, node := range nodes {
		ast.Inspect(node, func(each ast.Node) bool {
			switch each := each.(type) {
			case *ast.AssignStmt:
				addAll(each.Lhs...)
			case *ast.RangeStmt:
				addAll(each.Key, each.Value)
			case *ast.ValueSpec:
				found.add(specNames(each)...)
			case *ast.TypeSpec:
				found.add(each.Name.Name)
			case *ast.FuncDecl:
				found.add(each.Name.Name)
			case *ast.Field:
				for _, name := range each.Names {
					found.add(name.Name)
				}
			}
			return true
		})
	}
	return found
}
