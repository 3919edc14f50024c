package main

import (
	"go/ast"
	"go/token"
	"reflect"
)

// What `go` and `defer` call gets the arguments, and the receiver, of the moment in which they stand (fresh.go says why).

// arguments gives a call's arguments variables of their own, and the statements that make those. The parameters of a function
// literal tell the variables' types.
func (f *freshener) arguments(call *ast.CallExpr) (made []ast.Stmt) {
	if f.off {
		return nil
	}
	types := parameterTypes(call)
	if types == nil && f.isSpread(call.Args) {
		return nil
	}
	for index, each := range call.Args {
		if isConstant(each) {
			continue
		}
		variable := f.name(each.Pos())
		call.Args[index] = at(variable.Name, each.Pos())
		if types == nil {
			made = append(made, defineOne(variable, each))
			continue
		}
		spec := &ast.ValueSpec{Names: []*ast.Ident{variable}, Type: types[index], Values: []ast.Expr{computed(each)}}
		declare := &ast.GenDecl{TokPos: each.Pos(), Tok: token.VAR, Specs: []ast.Spec{spec}}
		made = append(made, &ast.DeclStmt{Decl: declare})
	}
	return made
}

// isSpread tells of a call that may give all arguments: fmt.Println(pair()).
func (f *freshener) isSpread(arguments []ast.Expr) bool {
	if len(arguments) != 1 {
		return false
	}
	inner, ok := unparen(arguments[0]).(*ast.CallExpr)
	return ok && !f.single(inner)
}

func defineOne(variable *ast.Ident, value ast.Expr) ast.Stmt {
	return &ast.AssignStmt{
		Lhs: []ast.Expr{variable}, TokPos: value.Pos(), Tok: token.DEFINE, Rhs: []ast.Expr{computed(value)},
	}
}

// isConstant tells of what needs no variable, or could have none: its type is that of the parameter.
func isConstant(value ast.Expr) bool {
	switch value := value.(type) {
	case *ast.BasicLit, *ast.FuncLit:
		return true
	case *ast.Ident:
		return value.Name == "nil"
	case *ast.ParenExpr:
		return isConstant(value.X)
	case *ast.UnaryExpr:
		return isConstant(value.X)
	case *ast.BinaryExpr:
		return isConstant(value.X) && isConstant(value.Y)
	}
	return false
}

// parameterTypes gives the type of each argument of a function literal that is called; nil for other calls.
func parameterTypes(call *ast.CallExpr) []ast.Expr {
	function, ok := call.Fun.(*ast.FuncLit)
	if !ok {
		return nil
	}
	var types []ast.Expr
	for _, each := range function.Type.Params.List {
		for count := len(each.Names); count > 1; count-- {
			types = append(types, each.Type)
		}
		types = append(types, each.Type)
	}
	if last := len(types) - 1; last >= 0 {
		if more, ok := types[last].(*ast.Ellipsis); ok {
			types = types[:last]
			if call.Ellipsis.IsValid() {
				return sameCount(append(types, &ast.ArrayType{Lbrack: more.Pos(), Elt: more.Elt}), call.Args)
			}
			for len(types) < len(call.Args) {
				types = append(types, more.Elt)
			}
		}
	}
	return sameCount(types, call.Args)
}

func sameCount(types, arguments []ast.Expr) []ast.Expr {
	if len(types) != len(arguments) {
		return nil
	}
	return types
}

// function has what is deferred in a loop be the function of this turn: a literal, which keeps its variables, or what a call
// gives. A literal that recovers stays as it is: yaegi's recover works in literals only.
func (f *freshener) function(call *ast.CallExpr, made *[]ast.Stmt) {
	switch function := call.Fun.(type) {
	case *ast.FuncLit:
		if usedNames(function.Body)["recover"] {
			return
		}
	case *ast.CallExpr:
	default:
		return
	}
	f.keep(call, made)
}

// keep has a call be that of what its function is now.
func (f *freshener) keep(call *ast.CallExpr, made *[]ast.Stmt) {
	variable := f.name(call.Pos())
	*made = append(*made, defineOne(variable, &ast.ParenExpr{Lparen: call.Pos(), X: call.Fun, Rparen: call.Fun.End()}))
	call.Fun = at(variable.Name, call.Pos())
}

// spread has a deferred call give a slice as all further arguments: yaegi's `defer` gives it as one of them.
func (f *freshener) spread(call *ast.CallExpr, made *[]ast.Stmt) {
	if f.off || !call.Ellipsis.IsValid() {
		return
	}
	f.mended++
	literal, ok := call.Fun.(*ast.FuncLit)
	if !ok {
		if _, isName := call.Fun.(*ast.Ident); !isName {
			f.keep(call, made)
		}
		wrap(call)
		return
	}
	parameters := literal.Type.Params.List
	if last, ok := parameters[len(parameters)-1].Type.(*ast.Ellipsis); ok {
		parameters[len(parameters)-1].Type = &ast.ArrayType{Lbrack: last.Pos(), Elt: last.Elt}
		call.Ellipsis = token.NoPos
	}
}

// wrap makes a call one of a function literal that makes it.
func wrap(call *ast.CallExpr) {
	pos := call.Pos()
	inner := *call
	body := &ast.BlockStmt{Lbrace: pos, List: []ast.Stmt{&ast.ExprStmt{X: &inner}}, Rbrace: call.End()}
	call.Fun = &ast.FuncLit{Type: &ast.FuncType{Func: pos, Params: &ast.FieldList{}}, Body: body}
	call.Args, call.Ellipsis = nil, token.NoPos
}

// receiver has a goroutine find the receiver of the method that it calls: `go v.Method()` of a function that calls it
// keeps v, as it keeps all other variables.
func (f *freshener) receiver(call *ast.CallExpr, made *[]ast.Stmt) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !f.isKept(selector.X, made) {
		return
	}
	wrap(call)
}

// isKept tells whether an expression names a variable or a part of one; indices in it get variables of their own.
func (f *freshener) isKept(expression ast.Expr, made *[]ast.Stmt) bool {
	switch expression := expression.(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return f.isKept(expression.X, made)
	case *ast.StarExpr:
		return f.isKept(expression.X, made)
	case *ast.ParenExpr:
		return f.isKept(expression.X, made)
	case *ast.IndexExpr:
		if !f.isKept(expression.X, made) {
			return false
		}
		if !isConstant(expression.Index) {
			variable := f.name(expression.Index.Pos())
			*made = append(*made, defineOne(variable, expression.Index))
			expression.Index = at(variable.Name, expression.Index.Pos())
		}
		return true
	}
	return false
}

// givesOne tells whether a call is known to give one value.
func (b *building) givesOne(call *ast.CallExpr) bool {
	switch function := unparen(call.Fun).(type) {
	case *ast.ArrayType, *ast.MapType, *ast.InterfaceType, *ast.StructType, *ast.FuncType, *ast.StarExpr: // conversions
		return true
	case *ast.Ident:
		if each := b.lookup(function.Name); each != nil {
			declared, ok := each.unit.declare.(*ast.FuncDecl)
			return !ok || declared.Type.Results.NumFields() == 1
		}
		return b.engine.isBuiltin(function.Name)
	case *ast.SelectorExpr:
		if name, ok := function.X.(*ast.Ident); ok {
			path := b.imports[name.Name]
			found := b.engine.Symbols(path)[path][function.Sel.Name]
			return found.IsValid() && (found.Kind() != reflect.Func || found.Type().NumOut() == 1)
		}
	}
	return false
}
