package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/kaptinlin/jsonschema"
)

// The reference is what the tags say; -update (or go generate) writes it.
func TestReferenceIsFresh(t *testing.T) {
	golden(t, "../../docs/configuration.md", Markdown())
}

// Every key says what it is for and either has a default, or says what its absence means, or must be there.
func TestEveryKeyIsDocumented(t *testing.T) {
	keys := 0
	objectOf(reflect.TypeFor[Config]()).walk("", func(path string, f *field) {
		keys++
		if len(f.doc) < 5 || !strings.HasSuffix(f.doc, ".") && !strings.HasSuffix(f.doc, "…") && !strings.HasSuffix(f.doc, "/") {
			t.Errorf("%s: doc is no sentence: %q", path, f.doc)
		}
		mapping := f.object != nil && f.shape == single && !f.pointer
		if ways := count(f.hasDef, f.absent != "", f.need, f.inherit, mapping && !f.need && !f.inherit); ways != 1 {
			t.Errorf("%s: its default is stated in %d ways", path, ways)
		}
		if f.object != nil && f.object.doc == "" {
			t.Errorf("%s: mapping has no doc", path)
		}
		if f.hasDef && f.shape == single {
			if p := outside(f.def, f); p != nil {
				t.Errorf("%s: default: %s", path, p.message)
			}
		}
	})
	if keys < 100 {
		t.Fatalf("only %d keys seen", keys)
	}
}

func count(of ...bool) (n int) {
	for _, b := range of {
		if b {
			n++
		}
	}
	return n
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(Schema())
	must(t, err)
	return s
}

func asJSON(t *testing.T, data []byte) []byte {
	t.Helper()
	var v any
	must(t, yaml.Unmarshal(data, &v))
	out, err := json.Marshal(v)
	must(t, err)
	return out
}

func TestSchemaAcceptsGoodFiles(t *testing.T) {
	s := compiled(t)
	for _, file := range []string{"example.yaml", "testdata/issue.yaml", "testdata/minimal.yaml", "testdata/inherit.yaml"} {
		data, err := os.ReadFile(file)
		must(t, err)
		if res := s.ValidateJSON(asJSON(t, data)); !res.IsValid() {
			t.Errorf("%s: %v", file, res.ToList())
		}
	}
}

// What lies in the shape of a file, an editor must find too. Faults across keys and in files are ours alone.
func TestSchemaRefusesBadFiles(t *testing.T) {
	s := compiled(t)
	for _, name := range []string{"unknown-keys", "missing", "empty-values", "versions", "durations", "sizes", "numbers",
		"booleans", "enums", "addresses", "urls", "names", "wrong-shapes", "wrong-shapes-below", "admin-token", "waf", "routes"} {
		data, err := os.ReadFile(filepath.Join("testdata/bad", name+".yaml"))
		must(t, err)
		if s.ValidateJSON(asJSON(t, data)).IsValid() {
			t.Errorf("%s passes the schema", name)
		}
	}
}

// Each default in the schema is a value that the schema itself takes.
func TestSchemaDefaultsFit(t *testing.T) {
	var doc map[string]any
	must(t, json.Unmarshal(Schema(), &doc))
	seen := 0
	for name, def := range doc["$defs"].(map[string]any) {
		for key, p := range def.(map[string]any)["properties"].(map[string]any) {
			value, ok := p.(map[string]any)["default"]
			if !ok {
				continue
			}
			seen++
			one, err := json.Marshal(map[string]any{"$schema": doc["$schema"], "$defs": doc["$defs"], "allOf": []any{p}})
			must(t, err)
			s, err := jsonschema.NewCompiler().Compile(one)
			must(t, err)
			if !s.Validate(value).IsValid() {
				t.Errorf("%s.%s: default %v does not fit", name, key, value)
			}
		}
	}
	if seen < 50 {
		t.Fatalf("only %d defaults seen", seen)
	}
}
