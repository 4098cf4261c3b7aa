package incident

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/store"
)

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "formats", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fields are the members of a struct in JSON, and of structs within it, as paths.
func fields(of reflect.Type, under string, stop []reflect.Type) (out []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		in := f.Type
		for in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice {
			in = in.Elem()
		}
		if f.Anonymous && name == "" {
			out = append(out, fields(in, under, stop)...)
			continue
		}
		out = append(out, under+name)
		if in.Kind() == reflect.Struct && !slices.Contains(stop, in) && !strings.HasPrefix(in.PkgPath(), "time") {
			out = append(out, fields(in, under+name+".", stop)...)
		}
	}
	return out
}

// documented are the fields that the table of a page has: `a.b`, and `.c` beside it for a.c; and within a row of a list its members.
func documented(text string) (out []string) {
	code := regexp.MustCompile("`([a-z_.]+)`")
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.SplitN(line, "|", 4)
		parent := ""
		for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
			name := m[1]
			if strings.HasPrefix(name, ".") {
				name = parent + name
			} else if dot := strings.IndexByte(name, '.'); dot > 0 {
				parent = name[:dot]
			}
			out = append(out, name)
		}
		if of := code.FindStringSubmatch(cells[1]); len(of) > 1 && slices.Contains([]string{"facts", "lacking", "missing"}, of[1]) {
			for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
				out = append(out, of[1]+"."+m[1])
			}
		}
	}
	return out
}

// TestDocumented holds docs/formats/incident.md to the fields of incident.json: each is there, and none that is not written.
func TestDocumented(t *testing.T) {
	stop := []reflect.Type{reflect.TypeFor[Cause](), reflect.TypeFor[fact.Detail](), reflect.TypeFor[finding.Finding]()}
	want := fields(reflect.TypeFor[Document](), "", stop)
	text := page(t, "incident.md")
	has := documented(text)
	for _, f := range want {
		if !slices.Contains(has, f) {
			t.Errorf("incident.md lacks %s", f)
		}
	}
	for _, f := range has {
		if !slices.Contains(want, f) {
			t.Errorf("incident.md tells of %s, which is not written", f)
		}
	}
	if len(want) < 50 {
		t.Errorf("%d fields were looked at", len(want))
	}
	for _, f := range []string{DocumentFile, PacketsFile, HARFile, ReportFile} {
		if !strings.Contains(page(t, "bundle.md"), "| `"+f+"` |") {
			t.Errorf("bundle.md lacks %s", f)
		}
	}
}

// TestStoreDocumented holds docs/formats/store.md to the columns of the store.
func TestStoreDocumented(t *testing.T) {
	folder := t.TempDir()
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(folder, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	have := columns(t, db)
	code := regexp.MustCompile("`([a-z_]+)`")
	var told []string
	table := ""
	for line := range strings.Lines(page(t, "store.md")) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.Contains(line, "---") || strings.Contains(line, "| table |") {
			continue
		}
		if m := code.FindStringSubmatch(cells[1]); m != nil {
			table = m[1]
		}
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			told = append(told, table+"."+m[1])
		}
	}
	slices.Sort(told)
	if !slices.Equal(told, have) || len(have) < 40 {
		t.Errorf("store.md has\n%v, the store\n%v", told, have)
	}
}

func columns(t *testing.T, db *sql.DB) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		out = append(out, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
