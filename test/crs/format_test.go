package crs_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4/tests"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// file is one file of the rule set's own regression tests: those of one rule.
type file struct {
	path  string // below the tests package
	Rule  int    `yaml:"rule_id"`
	Tests []test `yaml:"tests"`

	Meta, Author any // of no account here
}

// test is a request, or several in a row, and what must come of each.
type test struct {
	ID     int     `yaml:"test_id"`
	Desc   string  `yaml:"desc"`
	Stages []stage `yaml:"stages"`
}

type stage struct {
	Input  input  `yaml:"input"`
	Output output `yaml:"output"`
}

// input is a request. A nil field is one that the file does not state.
type input struct {
	Method  *string `yaml:"method"`
	URI     *string `yaml:"uri"`
	Version *string `yaml:"version"`
	Headers fields  `yaml:"headers"`
	Data    *string `yaml:"data"`
	Encoded string  `yaml:"encoded_request"` // the whole request in base64, instead of all of the above
	Auto    *bool   `yaml:"autocomplete_headers"`

	DestAddr string `yaml:"dest_addr"` // where the reference set-up listens; we listen elsewhere
	Port     int    `yaml:"port"`
}

// output is what is demanded. What is not stated is not looked at.
type output struct {
	Status int   `yaml:"status"`
	Error  bool  `yaml:"expect_error"` // the server may end the connection without an answer
	Retry  bool  `yaml:"retry_once"`   // because of how the reference runner reads its log; a record needs none
	Log    words `yaml:"log"`
}

// words is what must and must not be said of the request.
type words struct {
	IDs     []int  `yaml:"expect_ids"`
	NotIDs  []int  `yaml:"no_expect_ids"`
	Regexp  string `yaml:"match_regex"`
	NotLike string `yaml:"no_match_regex"`
}

// fields are header fields in the order of the file, values as they are spelled there.
type fields []field

type field struct{ name, value string }

// UnmarshalYAML implements yaml.NodeUnmarshaler: a Go map would lose the order.
func (f *fields) UnmarshalYAML(n ast.Node) error {
	if a, ok := n.(*ast.AnchorNode); ok {
		n = a.Value
	}
	m, ok := n.(*ast.MappingNode)
	if !ok {
		if _, ok := n.(*ast.NullNode); ok {
			return nil
		}
		return fmt.Errorf("headers are a %s", n.Type())
	}
	for _, v := range m.Values {
		var name, value string
		if err := yaml.NodeToValue(v.Key, &name); err != nil {
			return err
		}
		if _, null := v.Value.(*ast.NullNode); !null {
			if err := yaml.NodeToValue(v.Value, &value); err != nil {
				return err
			}
		}
		*f = append(*f, field{name, value})
	}
	return nil
}

// get returns the index of the field called name, without regard to case, or -1.
func (f fields) get(name string) int {
	for i := range f {
		if strings.EqualFold(f[i].name, name) {
			return i
		}
	}
	return -1
}

// add appends a field unless there is one of this name.
func (f *fields) add(name, value string) {
	if f.get(name) < 0 {
		*f = append(*f, field{name, value})
	}
}

// load reads every file. Keys that this runner does not know fail the test: they may demand something.
func load(t testing.TB) (files []file, count int) {
	t.Helper()
	err := fs.WalkDir(tests.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		b, err := fs.ReadFile(tests.FS, path)
		if err != nil {
			return err
		}
		f := file{path: path}
		if err := yaml.UnmarshalWithOptions(b, &f, yaml.Strict()); err != nil && len(strings.TrimSpace(string(b))) > 0 {
			return fmt.Errorf("read %s: %w", path, err)
		}
		files, count = append(files, f), count+len(f.Tests)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, count
}

// raw returns a request that is given as a whole.
func (in *input) raw() ([]byte, error) { return base64.StdEncoding.DecodeString(in.Encoded) }
