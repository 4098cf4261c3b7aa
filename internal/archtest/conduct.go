package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func checkInit(t *Tree, report func(Violation)) {
	t.each(func(_ *Package, f *File) {
		for _, d := range f.AST.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				report(Violation{File: f.Path, Line: t.line(fn.Pos()), Name: "init",
					Text: "init() is wiring that nobody sees: write a literal list or a constructor"})
			}
		}
	})
}

// purePackages take bytes and return values: no sockets, no clocks, no goroutines. reason is not listed: it knows the
// error types of net and os.
func purePackages() []string {
	return []string{"fact", "budget", "redact", "exchange", "finding", "tlswire", "tlscrypt", "capture", "!capture/sniff", "!capture/uprobe", "diagnosis/check"}
}

// checkPure holds that bytes in, facts out stays just that. httpwire reads from an io.Reader and is not listed.
func checkPure(t *Tree, report func(Violation)) {
	impure := []string{"net", "net/http", "os", "os/signal", "syscall"}
	clocks := []string{"time.Now", "time.Sleep", "time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.Tick", "time.Since", "time.Until"}
	t.each(func(p *Package, f *File) {
		if f.Test || !may(purePackages(), p.Dir) {
			return
		}
		bad := func(n ast.Node, what string) {
			report(Violation{File: f.Path, Line: t.line(n.Pos()), Name: what,
				Text: fmt.Sprintf("%s in %s, which takes bytes and returns values: let the caller hand it in", what, p.Dir)})
		}
		for _, spec := range f.AST.Imports {
			if slices.Contains(impure, importPath(spec)) {
				bad(spec, "import of "+importPath(spec))
			}
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				bad(n, "go statement")
			case *ast.CallExpr:
				if slices.Contains(clocks, callee(n)) {
					bad(n, callee(n))
				}
			}
			return true
		})
	})
}

// callee returns "pkg.Func" for a call of that shape, else "".
func callee(call *ast.CallExpr) string {
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
		if id, ok := sel.X.(*ast.Ident); ok {
			return id.Name + "." + sel.Sel.Name
		}
	}
	return ""
}

func checkExec(t *Tree, report func(Violation)) {
	t.each(func(p *Package, f *File) {
		if f.Test || !p.product() {
			return
		}
		for _, spec := range f.AST.Imports {
			if importPath(spec) == "os/exec" {
				report(Violation{File: f.Path, Line: t.line(spec.Pos()), Name: "os/exec",
					Text: "product code starts no other program: one binary does it all"})
			}
		}
	})
}

// checkGodebug refuses every way to set GODEBUG: Go removes such settings, and TLS behaviour must be readable in code.
func checkGodebug(t *Tree, report func(Violation)) {
	set := regexp.MustCompile(`(?m)^//go:debug\b|^godebug\b|\bGODEBUG=\w|[sS]etenv\("GODEBUG"`)
	for _, text := range t.Texts {
		if strings.HasSuffix(text.Path, ".md") {
			continue
		}
		for _, at := range set.FindAllIndex(text.Data, -1) {
			report(Violation{File: text.Path, Line: lineOf(text.Data, at[0]), Name: "GODEBUG",
				Text: "behaviour is set in code, never by GODEBUG (docs/decisions/0001-go-line-and-tls-defaults.md)"})
		}
	}
}

// checkSleep refuses time.Sleep in tests but where testing/synctest makes the time.
func checkSleep(t *Tree, report func(Violation)) {
	t.each(func(p *Package, f *File) {
		if !f.Test && !within(p.Dir, "test") || imports(f, "testing/synctest") {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && callee(call) == "time.Sleep" {
				report(Violation{File: f.Path, Line: t.line(n.Pos()), Name: "time.Sleep",
					Text: "a test waits for an event, or lets testing/synctest make the time; it does not sleep"})
			}
			return true
		})
	})
}

func imports(f *File, name string) bool {
	return slices.ContainsFunc(f.AST.Imports, func(s *ast.ImportSpec) bool { return importPath(s) == name })
}

// checkPorts refuses tests that listen on a port of their choice: two of them at once would meet.
func checkPorts(t *Tree, report func(Violation)) {
	listen := []string{"net.Listen", "net.ListenPacket", "tls.Listen"}
	fixed := regexp.MustCompile(`:[1-9][0-9]*$`)
	t.each(func(p *Package, f *File) {
		if !f.Test && !within(p.Dir, "test") {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 || !slices.Contains(listen, callee(call)) {
				return true
			}
			if lit, ok := call.Args[1].(*ast.BasicLit); ok {
				if addr, err := strconv.Unquote(lit.Value); err == nil && fixed.MatchString(addr) {
					report(Violation{File: f.Path, Line: t.line(lit.Pos()), Name: addr,
						Text: "a test listens on 127.0.0.1:0 and asks for the port that it got"})
				}
			}
			return true
		})
	})
}

// checkWords refuses unfinished marks in everything that people read, and paths of one machine but in tests, where
// such a path may be what a request asks for. The patterns are spelled so that they do not match themselves.
func checkWords(t *Tree, report func(Violation)) {
	words := []struct {
		pattern, text string
		inTests       bool
	}{
		{`\b(T[O]DO|F[I]XME|X[X]X|H[A]CK|W[I]P)\b`, "an unfinished mark: finish it, or open an issue", true},
		{`(^|[\s"'(=])/(h[o]me|U[s]ers|w[o]rk|r[o]ot)/\w+`, "a path of one machine: no other has it", false},
	}
	for _, w := range words {
		re := regexp.MustCompile(`(?m)` + w.pattern)
		for _, text := range t.Texts {
			if !w.inTests && strings.HasSuffix(text.Path, "_test.go") {
				continue
			}
			for _, at := range re.FindAllIndex(text.Data, -1) {
				word := strings.Trim(string(text.Data[at[0]:at[1]]), " \t\r\n\"'(=")
				report(Violation{File: text.Path, Line: lineOf(text.Data, at[1]-1), Name: word, Text: strconv.Quote(word) + " is " + w.text})
			}
		}
	}
}

// lineOf returns the 1-based line of an offset.
func lineOf(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }
