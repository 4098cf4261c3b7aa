package seclang

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse reads any text: no panic, bounded time, places inside the text, and what is taken is taken again when it is written back.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, s := range append(sameSamples(), otherSamples()...) {
		f.Add(s.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		start := time.Now()
		ds, faults := ParseText(texts{"b.conf": `SecRule ARGS "b" "id:7"`}, "a.conf", text)
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("took %v", took)
		}
		for _, fault := range faults {
			if fault.File == "a.conf" {
				inside(t, fault.Position, text)
			}
			if fault.Text == "" || strings.ContainsAny(fault.Text+fault.Hint+fault.Source, "\x00\x1b\n\r") {
				t.Fatalf("fault is not printable: %+v", fault)
			}
		}
		for _, d := range ds {
			if d.File == "a.conf" {
				places := append([]Position{d.Position}, positions(d)...)
				for _, at := range places {
					inside(t, at, text)
				}
			}
		}
		if len(faults) > 0 || !faithful(ds) {
			return
		}
		again, faults := ParseText(nil, "c.conf", render(ds))
		if len(faults) > 0 {
			t.Fatalf("rendered text has faults:\n%s%s", show(faults), render(ds))
		}
		if diff := cmp.Diff(ds, again, places()); diff != "" {
			t.Fatalf("rendered text differs:\n%s%s", diff, render(ds))
		}
	})
}

// positions are the places of the parts of d.
func positions(d Directive) []Position {
	var out []Position
	for _, a := range d.Args {
		out = append(out, a.Position)
	}
	if d.Rule == nil {
		return out
	}
	for _, t := range d.Rule.Targets {
		out = append(out, t.Position)
	}
	for _, a := range d.Rule.Actions {
		out = append(out, a.Position)
	}
	if d.Name == "SecRule" {
		out = append(out, d.Rule.Operator.Position)
	}
	return append(out, d.Rule.Position)
}

// faithful reports whether render, which is plain, can write every text of ds: a backslash before a quote would need more than it knows.
func faithful(ds []Directive) bool {
	plain := func(s string) bool { return !strings.ContainsAny(s, "\\\"'`\n") && strings.TrimSpace(s) == s }
	for _, d := range ds {
		for _, a := range d.Args {
			if !plain(a.Text) {
				return false
			}
		}
		if d.Rule == nil {
			continue
		}
		if !plain(d.Rule.Operator.Argument) {
			return false
		}
		for _, t := range d.Rule.Targets {
			if !plain(t.Selector) {
				return false
			}
		}
		for _, a := range d.Rule.Actions {
			if !plain(a.Value) {
				return false
			}
		}
	}
	return true
}

// FuzzValues reads any text as each kind of value: no panic, and the place of what is wrong lies in the text.
func FuzzValues(f *testing.F) {
	for _, s := range []string{
		"%{tx.a} b %{REQUEST_URI}", "tx.a=+%{tx.b}", "!ip.a", "ruleRemoveTargetById=1-9;ARGS:/a/|TX:b", "auditLogParts=+EF", "1-5 7,9",
		"ip=%{REMOTE_ADDR}", "session.a=60/300", "id:1,msg:'a, b',ctl:ruleEngine=Off", "ARGS|!ARGS:'/x|y/'|&TX:a", "ARGS:/a(/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		readers := map[string]func() error{
			"macro":        func() error { _, err := ParseMacro(text); return err },
			"setvar":       func() error { _, err := ParseSetvar(text); return err },
			"ctl":          func() error { _, err := ParseCtl(text); return err },
			"ids":          func() error { _, err := ParseIDs(text); return err },
			"initcol":      func() error { _, err := ParseInitcol(text); return err },
			"expirevar":    func() error { _, err := ParseExpirevar(text); return err },
			"deprecatevar": func() error { _, err := ParseDeprecatevar(text); return err },
		}
		for name, read := range readers {
			err := read()
			if err == nil {
				continue
			}
			var e *SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) || e.Text == "" {
				t.Errorf("%s of %q: %#v", name, text, err)
			}
		}
		at := Position{File: "f", Line: 3, Column: 5}
		_, faults := ParseTargets(at, text)
		_, more := ParseActions(at, text)
		for _, fault := range append(faults, more...) {
			if fault.Line != 3 || fault.Column < 5 || fault.Column > 5+len(text) {
				t.Errorf("%+v is no place of %q", fault, text)
			}
		}
	})
}
