package wiretable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, text string) ([]Case, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "table.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(name)
}

func TestRead(t *testing.T) {
	cases, err := read(t, "# comment\n= one | RFC 9112 3 | accept\n\"GET /\\r\\n\" \"x\"*3 \"\\x00\"\n> path /a b\n> query \"\"\n"+
		"= two | RFC 9112 3 | refuse http1.bad_cl\n\"a\"\n\"b\"*2\n")
	if err != nil || len(cases) != 2 {
		t.Fatal(cases, err)
	}
	one, two := cases[0], cases[1]
	if string(one.Raw) != "GET /\r\nxxx\x00" || one.Refuse != "" || one.Want("path", "") != "/a b" || one.Want("query", "none") != "" || one.Want("body", "none") != "none" {
		t.Errorf("%+v", one)
	}
	if string(two.Raw) != "abb" || two.Refuse != "http1.bad_cl" || two.Line != 6 || two.RFC != "RFC 9112 3" {
		t.Errorf("%+v", two)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no case yet":       "\"GET\"\n",
		"no section":        "= a | somewhere | accept\n",
		"no verdict":        "= a | RFC 9112 3\n",
		"odd verdict":       "= a | RFC 9112 3 | perhaps\n",
		"refuse, but why":   "= a | RFC 9112 3 | refuse\n",
		"accept with code":  "= a | RFC 9112 3 | accept http1.bad_cl\n",
		"same name twice":   "= a | RFC 9112 3 | accept\n= a | RFC 9112 3 | accept\n",
		"no Go string":      "= a | RFC 9112 3 | accept\nGET /\n",
		"string not closed": "= a | RFC 9112 3 | accept\n\"GET\n",
		"huge count":        "= a | RFC 9112 3 | accept\n\"x\"*99999999999\n",
		"odd value":         "= a | RFC 9112 3 | accept\n> path \"a\n",
	} {
		if _, err := read(t, text); err == nil || !strings.Contains(err.Error(), "table.txt:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.txt")); err == nil {
		t.Error("a table that is not there was read")
	}
}
