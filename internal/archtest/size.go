package archtest

import (
	"fmt"
	"go/ast"
)

// Limits of size. The aims (150, 40) are for people; these are refused.
const (
	maxFileLines     = 800
	maxFunctionLines = 110
	maxMethods       = 5
)

func checkFileLength(t *Tree, report func(Violation)) {
	t.each(func(_ *Package, f *File) {
		lines := f.Lines
		if f.Test {
			lines -= t.tableLines(f.AST)
		}
		if lines > maxFileLines {
			report(Violation{File: f.Path, Name: f.Path,
				Text: fmt.Sprintf("%d lines, %d is the most: split it by theme", lines, maxFileLines)})
		}
	})
}

func checkFunctionLength(t *Tree, report func(Violation)) {
	t.each(func(_ *Package, f *File) {
		for _, d := range f.AST.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			lines := t.line(fn.End()) - t.line(fn.Pos()) + 1
			if f.Test {
				lines -= t.tableLines(fn.Body)
			}
			if lines > maxFunctionLines {
				report(Violation{File: f.Path, Line: t.line(fn.Pos()), Name: fn.Name.Name,
					Text: fmt.Sprintf("function %s has %d lines, %d is the most: name its parts", fn.Name.Name, lines, maxFunctionLines)})
			}
		}
	})
}

// each calls visit for every file that people wrote.
func (t *Tree) each(visit func(*Package, *File)) {
	for _, p := range t.Packages {
		for _, f := range p.Files {
			if !f.Generated {
				visit(p, f)
			}
		}
	}
}

// tableLines counts the lines inside composite literals: the tables of a test are data, not code.
// A function literal in a table is code again and is not looked into for further tables.
func (t *Tree) tableLines(root ast.Node) int {
	total := 0
	ast.Inspect(root, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		total += t.line(lit.Rbrace) - t.line(lit.Lbrace)
		ast.Inspect(lit, func(n ast.Node) bool {
			fn, ok := n.(*ast.FuncLit)
			if ok {
				total -= t.line(fn.Body.Rbrace) - t.line(fn.Body.Lbrace)
			}
			return !ok
		})
		return false
	})
	return total
}

func checkInterfaces(t *Tree, report func(Violation)) {
	for _, p := range t.Packages {
		methods := interfaceSizes(p)
		for _, f := range p.Files {
			if f.Generated {
				continue
			}
			ast.Inspect(f.AST, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok {
					return true
				}
				if size := methods[spec.Name.Name]; size > maxMethods {
					report(Violation{File: f.Path, Line: t.line(spec.Pos()), Name: spec.Name.Name,
						Text: fmt.Sprintf("interface %s has %d methods, %d is the most: its consumers need less", spec.Name.Name, size, maxMethods)})
				}
				return true
			})
		}
	}
}

// interfaceSizes counts the methods of the interfaces that p declares. An embedded interface counts with its methods
// where p declares it, and as one where another package does.
func interfaceSizes(p *Package) map[string]int {
	own := map[string]*ast.InterfaceType{}
	for _, f := range p.Files {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if it, ok := spec.Type.(*ast.InterfaceType); ok {
					own[spec.Name.Name] = it
				}
			}
			return true
		})
	}
	sizes := map[string]int{}
	for name := range own {
		sizes[name] = interfaceSize(own, name, nil)
	}
	return sizes
}

// interfaceSize counts one interface; seen holds the names on the way, as a cycle must not hang the test.
func interfaceSize(own map[string]*ast.InterfaceType, name string, seen []string) int {
	for _, s := range seen {
		if s == name {
			return 0
		}
	}
	size := 0
	for _, m := range own[name].Methods.List {
		switch embedded, isName := m.Type.(*ast.Ident); {
		case len(m.Names) > 0:
			size += len(m.Names)
		case isName && own[embedded.Name] != nil:
			size += interfaceSize(own, embedded.Name, append(seen, name))
		default:
			if _, union := m.Type.(*ast.BinaryExpr); !union {
				size++
			}
		}
	}
	return size
}
