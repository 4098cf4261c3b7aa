package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
)

// collectWrites notes, for each package variable that f writes to, one place where it does.
func collectWrites(f *ast.File, uses *types.Info, writes map[types.Object]token.Pos) {
	note := func(e ast.Expr) {
		id := root(e)
		if id == nil {
			return
		}
		if v, ok := uses.Uses[id].(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
			writes[v] = id.Pos()
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					note(e)
				}
			}
		case *ast.IncDecStmt:
			note(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				note(n.Key)
				note(n.Value)
			}
		case *ast.UnaryExpr:
			// &x[i] is how one reads a row of a table without a copy.
			if _, element := n.X.(*ast.IndexExpr); n.Op == token.AND && !element {
				note(n.X)
			}
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && changesFirst(fn.Name) {
				note(n.Args[0])
			}
		}
		return true
	})
}

// changesFirst reports whether the builtin changes its first argument.
func changesFirst(builtin string) bool {
	return builtin == "delete" || builtin == "clear" || builtin == "copy"
}

// root returns the variable that an assignment to e changes: x for x, x.f, x[i], *x and (x).
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
