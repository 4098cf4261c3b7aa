//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// crs is the embedded rule set as seclang reads it.
type crs struct{}

func (crs) Read(name string) ([]byte, error)      { return fs.ReadFile(coreruleset.FS, name) }
func (crs) Glob(pattern string) ([]string, error) { return fs.Glob(coreruleset.FS, pattern) }

// words gathers what the Core Rule Set looks for: the literal parts of its expressions, the words of @pm and of its data files.
func words() ([]string, error) {
	names, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil {
		return nil, err
	}
	list, faults := seclang.Parse(crs{}, names)
	if len(faults) > 0 {
		return nil, fmt.Errorf("read rules: %v", faults[0])
	}
	var out []string
	for _, d := range list {
		if d.Rule == nil {
			continue
		}
		switch o := d.Rule.Operator; o.ID {
		case seclang.OpRx:
			if re, err := syntax.Parse("(?s)"+o.Argument, syntax.Perl); err == nil {
				out = literals(out, re)
			}
		case seclang.OpPm:
			out = append(out, strings.Fields(o.Argument)...)
		}
	}
	files, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.data")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := fs.ReadFile(coreruleset.FS, f)
		if err != nil {
			return nil, err
		}
		for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
			if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
				out = append(out, line)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func literals(out []string, re *syntax.Regexp) []string {
	if re.Op == syntax.OpLiteral && len(re.Rune) > 1 {
		return append(out, strings.ToLower(string(re.Rune)))
	}
	for _, sub := range re.Sub {
		out = literals(out, sub)
	}
	return out
}

// soup is n bytes of random words with random signs between them.
func soup(r *rand.Rand, list []string, n int) string {
	const signs = " \t'\"`()<>;:,.=+-*/\\|&%#@!?[]{}$^~_0123456789"
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(list[r.IntN(len(list))])
		for range r.IntN(3) {
			b.WriteByte(signs[r.IntN(len(signs))])
		}
	}
	return b.String()[:n]
}

// shape puts n bytes of soup into a request.
type shape struct {
	name string
	make func(r *rand.Rand, list []string, n int) message
}

// message is a request to inspect.
type message struct {
	query, mime, body string
	fields            [][2]string
}

func shapes() []shape {
	return []shape{
		{"one value of a form", func(r *rand.Rand, list []string, n int) message {
			return message{mime: "application/x-www-form-urlencoded", body: "q=" + url.QueryEscape(soup(r, list, n))}
		}},
		{"one value of the query", func(r *rand.Rand, list []string, n int) message {
			return message{query: "q=" + url.QueryEscape(soup(r, list, n))}
		}},
		{"400 values", func(r *rand.Rand, list []string, n int) message {
			var b strings.Builder
			for i := range 400 {
				fmt.Fprintf(&b, "&f%d=%s", i, url.QueryEscape(soup(r, list, n/400)))
			}
			return message{mime: "application/x-www-form-urlencoded", body: b.String()[1:]}
		}},
		{"JSON of 400 values", func(r *rand.Rand, list []string, n int) message {
			var b strings.Builder
			for i := range 400 {
				fmt.Fprintf(&b, ",%q:%q", fmt.Sprint("f", i), printable(soup(r, list, n/400)))
			}
			return message{mime: "application/json", body: "{" + b.String()[1:] + "}"}
		}},
		{"one value of JSON", func(r *rand.Rand, list []string, n int) message {
			return message{mime: "application/json", body: fmt.Sprintf("{\"a\":%q}", printable(soup(r, list, n)))}
		}},
		{"20 fields and 20 cookies", func(r *rand.Rand, list []string, n int) message {
			m := message{}
			var c strings.Builder
			for i := range 20 {
				m.fields = append(m.fields, [2]string{fmt.Sprint("X-F", i), oneLine(soup(r, list, n/40))})
				fmt.Fprintf(&c, "; c%d=%s", i, strings.ReplaceAll(oneLine(soup(r, list, n/40)), ";", ","))
			}
			m.fields = append(m.fields, [2]string{"Cookie", c.String()[2:]}, [2]string{"Referer", "https://shop.test/" + oneLine(soup(r, list, 200))})
			return m
		}},
	}
}

// printable leaves what Go's %q and JSON write alike.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
}

func oneLine(s string) string { return printable(s) }
