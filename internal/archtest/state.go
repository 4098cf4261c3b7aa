package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"strings"
)

// checkState refuses package variables that hold state: those that some function of the package (tests included)
// writes to or takes the address of, and those whose type exists to be changed. Tables and sentinel errors that
// nobody writes to pass. What cannot be seen without types (a method that changes its receiver) is not found.
func checkState(t *Tree, report func(Violation)) {
	for _, p := range t.Packages {
		if !p.product() {
			continue
		}
		uses := resolve(t, p)
		writes := map[types.Object]token.Pos{}
		for _, f := range p.Files {
			collectWrites(f.AST, uses, writes)
		}
		for _, f := range p.Files {
			if f.Test || f.Generated {
				continue
			}
			packageVars(f.AST, func(spec *ast.ValueSpec, i int) {
				name := spec.Names[i]
				if why := stateful(spec, i, embedded(f.AST, spec)); why != "" {
					report(Violation{File: f.Path, Line: t.line(name.Pos()), Name: name.Name,
						Text: fmt.Sprintf("package variable %s %s: make it a field of a value that New returns", name.Name, why)})
				} else if at, written := writes[uses.Defs[name]]; written {
					report(Violation{File: f.Path, Line: t.line(name.Pos()), Name: name.Name,
						Text: fmt.Sprintf("package variable %s is written to at %s: make it a field of a value that New returns", name.Name, t.fset.Position(at))})
				}
			})
		}
	}
}

// resolve tells which identifier names which object. Imports stay empty, so types are mostly unknown, but names are
// resolved as the compiler does it, shadowing included.
func resolve(t *Tree, p *Package) *types.Info {
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: emptyImporter{}, Error: func(error) {}, DisableUnusedImportCheck: true}
	byName := map[string][]*ast.File{}
	for _, f := range p.Files {
		byName[f.AST.Name.Name] = append(byName[f.AST.Name.Name], f.AST)
	}
	for name, files := range byName {
		// Errors were expected: nothing that is imported exists here.
		_, _ = conf.Check(name, t.fset, files, info)
	}
	return info
}

// emptyImporter gives every import an empty package.
type emptyImporter struct{}

var _ types.Importer = emptyImporter{}

func (emptyImporter) Import(name string) (*types.Package, error) {
	if name == "unsafe" {
		return types.Unsafe, nil
	}
	pkg := types.NewPackage(name, path.Base(name))
	pkg.MarkComplete()
	return pkg, nil
}

// packageVars calls visit for every named variable at package level.
func packageVars(f *ast.File, visit func(spec *ast.ValueSpec, i int)) {
	for _, d := range f.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR {
			continue
		}
		for _, s := range gen.Specs {
			spec := s.(*ast.ValueSpec)
			for i, name := range spec.Names {
				if name.Name != "_" {
					visit(spec, i)
				}
			}
		}
	}
}

// embedded reports whether a //go:embed line fills the variable.
func embedded(f *ast.File, spec *ast.ValueSpec) bool {
	docs := []*ast.CommentGroup{spec.Doc}
	for _, d := range f.Decls {
		if gen, ok := d.(*ast.GenDecl); ok && len(gen.Specs) == 1 && gen.Specs[0] == spec {
			docs = append(docs, gen.Doc)
		}
	}
	for _, g := range docs {
		if g == nil {
			continue
		}
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

// stateful says why the declaration alone shows state, or "". A sync.Pool is memory, not state: nothing is found in
// it that was put there on purpose; sync.OnceValue is a constant that is computed late.
func stateful(spec *ast.ValueSpec, i int, embedded bool) string {
	var value ast.Expr
	if i < len(spec.Values) {
		value = spec.Values[i]
	}
	typ := spec.Type
	if lit, ok := value.(*ast.CompositeLit); ok && typ == nil {
		typ = lit.Type
	}
	if ptr, ok := value.(*ast.UnaryExpr); ok && ptr.Op == token.AND {
		if lit, ok := ptr.X.(*ast.CompositeLit); ok {
			typ = lit.Type
		}
	}
	switch name := types.ExprString(orNil(typ)); {
	case name == "sync.Pool":
		return ""
	case strings.HasPrefix(name, "sync."), strings.HasPrefix(name, "atomic."):
		return "has type " + name
	}
	if call, ok := value.(*ast.CallExpr); ok {
		if fn, ok := call.Fun.(*ast.Ident); ok && (fn.Name == "make" || fn.Name == "new") {
			return "is made empty, to be filled"
		}
	}
	if len(spec.Values) == 0 && !embedded {
		return "is declared without a value, to be filled"
	}
	return ""
}

func orNil(e ast.Expr) ast.Expr {
	if e == nil {
		return ast.NewIdent("?")
	}
	return e
}
