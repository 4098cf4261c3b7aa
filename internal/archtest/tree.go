package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Tree is a module's source, parsed.
type Tree struct {
	Module   string     // module path of go.mod
	Packages []*Package // by Dir
	Texts    []Text     // go.mod, scripts, Makefile, Markdown, YAML and the Go files, as bytes
	Broken   []Violation

	fset *token.FileSet
}

// Package is the Go files of one folder, tests included.
type Package struct {
	Dir   string // relative to the root, with slashes; "." for the root
	Files []*File
}

// File is one parsed Go file.
type File struct {
	Path      string // relative to the root, with slashes
	Test      bool   // named *_test.go
	Generated bool   // carries the standard "Code generated … DO NOT EDIT." line
	Lines     int
	AST       *ast.File
}

// Text is one file as bytes.
type Text struct {
	Path string
	Data []byte
}

// Load reads the module at root. Folders called testdata, bin, dist, node_modules and those that begin with a dot
// (except .ci) are left out, as are modules inside the module.
func Load(root string) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet()}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("load module: %w", err)
	}
	if t.Module = modulePath(mod); t.Module == "" {
		return nil, fmt.Errorf("load module: go.mod of %s has no module line", root)
	}
	packages := map[string]*Package{}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed while we walk
			return nil
		case err != nil:
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			return enter(root, rel)
		}
		return t.add(packages, root, rel)
	})
	if err != nil {
		return nil, fmt.Errorf("load module: %w", err)
	}
	for _, p := range packages {
		t.Packages = append(t.Packages, p)
	}
	slices.SortFunc(t.Packages, func(a, b *Package) int { return strings.Compare(a.Dir, b.Dir) })
	return t, nil
}

// enter says whether the walk goes into the folder rel.
func enter(root, rel string) error {
	base := path.Base(rel)
	switch {
	case rel == ".":
		return nil
	case slices.Contains([]string{"testdata", "bin", "dist", "node_modules"}, base):
		return fs.SkipDir
	case strings.HasPrefix(base, ".") && base != ".ci":
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(rel), "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// add reads one file: Go source into its package, anything that people read into Texts.
func (t *Tree) add(packages map[string]*Package, root, rel string) error {
	isGo := path.Ext(rel) == ".go"
	if !isGo && !isText(rel) {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(rel)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Texts = append(t.Texts, Text{rel, data})
	if !isGo {
		return nil
	}
	f, err := parser.ParseFile(t.fset, rel, data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Broken = append(t.Broken, Violation{File: rel, Name: rel, Text: "does not parse: " + err.Error()})
		return nil
	}
	dir := path.Dir(rel)
	if packages[dir] == nil {
		packages[dir] = &Package{Dir: dir}
	}
	packages[dir].Files = append(packages[dir].Files, &File{
		Path: rel, Test: strings.HasSuffix(rel, "_test.go"), Generated: ast.IsGenerated(f),
		Lines: bytes.Count(data, []byte("\n")), AST: f,
	})
	return nil
}

// isText says whether rel is a file that people read or a shell runs.
func isText(rel string) bool {
	switch path.Base(rel) {
	case "Makefile", "go.mod", "run":
		return true
	}
	return slices.Contains([]string{".md", ".sh", ".yml", ".yaml", ".conf"}, path.Ext(rel))
}

// modulePath returns the path of go.mod's module line, or "".
func modulePath(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if rest, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// line returns the 1-based line of pos.
func (t *Tree) line(pos token.Pos) int { return t.fset.Position(pos).Line }

// importPath returns the path of an import.
func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

// product says whether p is part of the binary rather than of its tests.
func (p *Package) product() bool {
	return p.Dir == "cmd" || strings.HasPrefix(p.Dir, "cmd/") || strings.HasPrefix(p.Dir, "internal/")
}

func checkParse(t *Tree, report func(Violation)) {
	for _, v := range t.Broken {
		report(v)
	}
}
