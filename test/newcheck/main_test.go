package main

import (
	"bytes"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lunette-waf/lunette/test/checktest"
)

// module is a small one with packages of checks.
func module(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{"session/checks.go", "session/testdata/tls.one.txtar", "handshake/checks.go", "handshake/testdata/tls.two.txtar", "dns/checks.go", "dns/testdata/dns.one.txtar", "dns/there.go", "route/checks.go"} {
		path := filepath.Join(root, "internal", "diagnosis", "check", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestBegin writes Go that is formatted, and a sample that can be read.
func TestBegin(t *testing.T) {
	for _, c := range []struct{ name, in, file, variable string }{
		{"dns.some_new_cause", "", "dns/some_new_cause.go", "var someNewCause = check.Check{"},
		{"tls.other", "session", "session/other.go", "var other = check.Check{"},
		{"network.select", "route", "route/select.go", "var causeSelect = check.Check{"},
		{"tls.0rtt_refused", "handshake", "handshake/0rtt_refused.go", "var cause0rttRefused = check.Check{"},
	} {
		root := module(t)
		var out bytes.Buffer
		if err := begin(root, c.name, c.in, &out); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		path := filepath.Join(root, "internal", "diagnosis", "check", filepath.FromSlash(c.file))
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), path, code, parser.AllErrors); err != nil {
			t.Error(err)
		}
		if tidy, err := format.Source(code); err != nil || !bytes.Equal(tidy, code) || !strings.Contains(string(code), c.variable) {
			t.Errorf("%s is not formatted, or lacks %s: %v\n%s", c.name, c.variable, err, code)
		}
		a, err := txtar.ParseFile(filepath.Join(filepath.Dir(path), "testdata", c.name+".txtar"))
		if err != nil || len(a.Files) != 2 {
			t.Fatalf("%v: %+v", err, a)
		}
		for _, f := range a.Files {
			if _, err := checktest.Parse(string(f.Data)); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
		if !strings.Contains(out.String(), "next:") || strings.Contains(out.String(), "%!") {
			t.Error(out.String())
		}
		if err := begin(root, c.name, c.in, &out); err == nil || !strings.Contains(err.Error(), "taken") {
			t.Errorf("%s a second time: %v", c.name, err)
		}
	}
}

// TestRefused names that are malformed, taken, or of no one package.
func TestRefused(t *testing.T) {
	for name, want := range map[string]string{
		"":                 "is not phase.cause",
		"tls":              "is not phase.cause",
		"tls.":             "is not phase.cause",
		"Tls.cause":        "is not phase.cause",
		"tls.some-cause":   "is not phase.cause",
		"tls.some.cause":   "is not phase.cause",
		"tls._cause":       "is not phase.cause",
		"tls.some__cause":  "is not phase.cause",
		"../x.cause":       "is not phase.cause",
		"dns.some_test":    "choose another ending",
		"dns.on_windows":   "choose another ending",
		"dns.one":          "the name is taken",
		"dns.there":        "there is a file",
		"tls.some_cause":   "handshake and session have checks of this phase: say IN=handshake",
		"quite.some_cause": "no check has this phase yet: say IN=… with one of dns, handshake, route, session",
	} {
		var out bytes.Buffer
		if err := begin(module(t), name, "", &out); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	if err := begin(module(t), "dns.some_cause", "nowhere", nil); err == nil || !strings.Contains(err.Error(), `there is no "nowhere", but dns`) {
		t.Error(err)
	}
	if err := begin(t.TempDir(), "dns.some_cause", "", nil); err == nil || !strings.Contains(err.Error(), "run it in the folder of the module") {
		t.Error(err)
	}
}
