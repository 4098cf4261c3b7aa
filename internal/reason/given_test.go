package reason

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestNotYetGiven holds the table to the code: what no part of the product gives is marked, and nothing else is.
// Comparing with a code gives nothing; the lab's statements of what its faults look like are no product, and checks
// name the reasons that their causes refine.
func TestNotYetGiven(t *testing.T) {
	given := map[string]bool{} // names of constants
	for _, root := range []string{filepath.Join("..", "..", "internal"), filepath.Join("..", "..", "cmd")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch base := filepath.Base(path); {
			case err != nil:
				return err
			case d.IsDir() && (base == "testdata" || base == "lab" || base == "check"):
				return fs.SkipDir
			case d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			inside := f.Name.Name == "reason"
			if base := filepath.Base(path); inside && !strings.HasPrefix(base, "net") {
				return nil // the table itself; net*.go classify
			}
			ast.Walk(uses{inside, given}, f)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(given) < 50 {
		t.Fatalf("only %d codes are given anywhere: the search is broken", len(given))
	}
	names := constants(t)
	for i := range All() {
		switch name := names[i.Code]; {
		case name == "":
			t.Errorf("%s: no constant", i.Code)
		case i.NotYet() && given[name]:
			t.Errorf("%s: marked as not yet given, but something gives it: take it out of notGiven", i.Code)
		case !i.NotYet() && !given[name]:
			t.Errorf("%s: nothing gives it: name it in notGiven, or give it", i.Code)
		}
	}
}

// uses notes the constants of package reason that stand where a code is given.
type uses struct {
	inside bool // the file is of package reason
	given  map[string]bool
}

func (u uses) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.CaseClause: // the list compares
		for _, s := range n.Body {
			ast.Walk(u, s)
		}
		for _, e := range n.List {
			if _, call := e.(*ast.CallExpr); call {
				ast.Walk(u, e)
			}
		}
		return nil
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return nil
		}
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "reason" {
			u.given[n.Sel.Name] = true
		}
	case *ast.Ident:
		if u.inside {
			u.given[n.Name] = true
		}
	}
	return u
}

// constants returns the names of the codes' constants.
func constants(t *testing.T) map[Code]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[Code]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok {
			for i, v := range spec.Values {
				names[Code(strings.Trim(v.(*ast.BasicLit).Value, `"`))] = spec.Names[i].Name
			}
		}
		return !ok
	})
	return names
}
