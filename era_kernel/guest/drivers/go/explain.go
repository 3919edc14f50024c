package main

import (
	"go/ast"
	"regexp"
	"strings"
)

// definitionLoop is what yaegi says of `x := y + 1` where there is no y.
const definitionLoop = "constant definition loop"

// undefinedType is what yaegi says of `y{}` where there is no y.
const undefinedType = "undefined type"

// unknownSelector is what yaegi says of `x := y.Z` where y has no Z, with the place of y's type, maybe in an earlier cell.
var unknownSelector = regexp.MustCompile(`undefined selector (\w+)$`)

// explained finds out whether the interpreter stumbled over a name that means nothing: it does not say so of packages in
// types, and of what a variable of the session is made of.
func (b *building) explained(err error, units []unit) error {
	found := err
	if text := err.Error(); strings.Contains(text, definitionLoop) || strings.HasSuffix(text, undefinedType) {
		found = b.undefined(units)
	} else if name := unknownSelector.FindStringSubmatch(err.Error()); name != nil {
		found = b.selected(units, name[1])
	} else if _, ok := err.(abruptError); ok {
		if found = b.undefined(units); found == nil {
			found = b.unknownPackage(units)
		}
	}
	if found == nil {
		return err
	}
	return found
}

// undefined gives the error of the first name that means nothing, nil when there is none.
func (b *building) undefined(units []unit) error {
	known := nameSet{}
	for index := range units {
		if units[index].declare != nil { // those may come in any order
			known.add(units[index].defined()...)
		}
	}
	for index := range units {
		for _, name := range units[index].free {
			if !known[name.Name] && !b.means(name.Name) {
				return &placedError{b.at(name.Pos()), "undefined: " + name.Name}
			}
		}
		known.add(units[index].defined()...)
	}
	return nil
}

// means tells whether a name had a meaning before the cell.
func (b *building) means(name string) bool {
	return name == own || name == "_" || b.imports[name] != "" || b.engine.has(name) || b.engine.isBuiltin(name)
}

// selected gives the error of the first selection of a field or method, nil when there is none.
func (b *building) selected(units []unit, name string) (found error) {
	for index := range units {
		for _, node := range units[index].nodes() {
			ast.Inspect(node, func(each ast.Node) bool {
				if selector, ok := each.(*ast.SelectorExpr); ok && found == nil && selector.Sel.Name == name {
					found = &placedError{b.at(selector.X.Pos()), "undefined selector: " + name}
				}
				return found == nil
			})
		}
	}
	return found
}

func (b *building) unknownPackage(units []unit) error {
	var nodes []ast.Node
	for index := range units {
		nodes = append(nodes, units[index].nodes()...)
	}
	known := introducedNames(nodes...)
	var found error
	for _, node := range nodes {
		ast.Inspect(node, func(each ast.Node) bool {
			selector, ok := each.(*ast.SelectorExpr)
			if !ok || found != nil {
				return found == nil
			}
			name, ok := selector.X.(*ast.Ident)
			if !ok || known[name.Name] || b.means(name.Name) {
				return true
			}
			found = &placedError{b.at(name.Pos()), "undefined: " + name.Name}
			return false
		})
	}
	return found
}
