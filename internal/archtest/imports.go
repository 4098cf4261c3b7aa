package archtest

import (
	"fmt"
	"path"
	"strings"
)

// checkImports holds the import law for packages of this module.
func checkImports(t *Tree, report func(Violation)) {
	table := law()
	for _, p := range t.Packages {
		r, ok := lawOf(table, p.Dir)
		if !ok {
			report(Violation{File: p.Files[0].Path, Line: 1, Name: p.Dir,
				Text: fmt.Sprintf("package %s has no row in the import law: add one with its reason to internal/archtest/law.go", p.Dir)})
			continue
		}
		for _, f := range p.Files {
			for _, spec := range f.AST.Imports {
				dir, ours := strings.CutPrefix(importPath(spec), t.Module+"/")
				if !ours || within(dir, p.Dir) || within(dir, rowDir(r)) && within(p.Dir, rowDir(r)) {
					continue
				}
				if may(r.may, dir) || f.Test && may(testExtra(), dir) {
					continue
				}
				report(Violation{File: f.Path, Line: t.line(spec.Pos()), Name: dir,
					Text: fmt.Sprintf("%s may not import %s: %s", p.Dir, dir, r.why)})
			}
		}
	}
}

// lawOf returns the row for the folder dir.
func lawOf(table []row, dir string) (row, bool) {
	for _, r := range table {
		if within(dir, rowDir(r)) {
			return r, true
		}
	}
	return row{}, false
}

// rowDir returns the folder that a row stands for.
func rowDir(r row) string { return folder(r.pkg) }

// folder turns an entry of the law into a folder of the module.
func folder(entry string) string {
	if rest, ok := strings.CutPrefix(entry, "/"); ok {
		return rest
	}
	return path.Join("internal", entry)
}

// within reports whether dir is parent or lies below it.
func within(dir, parent string) bool {
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

// may reports whether the list allows dir; a later "!x" takes x out again.
func may(list []string, dir string) bool {
	ok := false
	for _, entry := range list {
		if rest, not := strings.CutPrefix(entry, "!"); not {
			ok = ok && !within(dir, folder(rest))
			continue
		}
		ok = ok || entry == "*" || within(dir, folder(entry))
	}
	return ok
}

// checkModules holds who may import which module that is not ours.
func checkModules(t *Tree, report func(Violation)) {
	table := modules()
	for _, p := range t.Packages {
		for _, f := range p.Files {
			for _, spec := range f.AST.Imports {
				name := importPath(spec)
				if standard(name) || within(name, t.Module) {
					continue
				}
				if text := judgeModule(table, p, f, name); text != "" {
					report(Violation{File: f.Path, Line: t.line(spec.Pos()), Name: name, Text: text})
				}
			}
		}
	}
}

// judgeModule returns what is wrong with f importing name, or "".
func judgeModule(table []module, p *Package, f *File, name string) string {
	for _, m := range table {
		if !within(name, m.path) {
			continue
		}
		for _, who := range m.who {
			if who == "test" && (f.Test || within(p.Dir, "test")) || who != "test" && within(p.Dir, folder(who)) {
				return ""
			}
		}
		return fmt.Sprintf("%s may not import %s, only %s may: keep a dependency behind one package", p.Dir, m.path, strings.Join(m.who, ", "))
	}
	return fmt.Sprintf("%s is not on the list of dependencies: add it to internal/archtest/law.go and say why in docs/decisions/0002-dependencies.md", name)
}

// standard reports whether name is a package of the standard library: its first element has no dot.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".")
}
