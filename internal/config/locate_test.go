package config

import (
	"strings"
	"testing"
)

func TestPlace(t *testing.T) {
	const text = "listen:\n  - {address: \":8080\"}\n  - address: \":8081\"\nadmin: {address: \"127.0.0.1:9\", token: s3cr3t-s3cr3t-s3cr3t}\n" +
		"sites:\n  - names: [a.test]\n    origin: {urls: [\"http://10.0.0.1\"]}\n    routes:\n      - path: /x\n"
	cfg, faults := Parse("l.yaml", t.TempDir(), []byte(text), testNow)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, c := range []struct {
		key          string
		line, column int
	}{
		{"listen[0].address", 2, 15},
		{"listen[1].address", 3, 14},
		{"admin.address", 4, 18},
		{"sites[0].origin.urls[0]", 7, 21},
		{"sites[0].waf.rules[2]", 6, 5},           // not stated: its site
		{"sites[0].routes[0].waf.rules[0]", 9, 9}, // the route's, which has it from the site
		{"via", 1, 1},                             // not stated
	} {
		if line, column := cfg.Place(c.key); line != c.line || column != c.column {
			t.Errorf("%s stands at %d:%d, want %d:%d", c.key, line, column, c.line, c.column)
		}
	}
	got := cfg.Fault("listen[1].address", ":8081 is in use", "see: ss -ltnp").String()
	want := `l.yaml:3:14: error: listen[1].address: :8081 is in use
    3 |   - address: ":8081"
      |              ^^^^^^^
      = see: ss -ltnp
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if s := cfg.Fault("admin.address", "x", "").String(); strings.Contains(s, "s3cr3t") {
		t.Errorf("shows the token:\n%s", s)
	}
	if line, column := new(Config).Place("listen"); line != 0 || column != 0 {
		t.Errorf("a Config without a file has a place: %d:%d", line, column)
	}
	if f := new(Config).Fault("listen", "m", "h"); f.Message != "m" || f.Line != 0 {
		t.Errorf("fault of a Config without a file: %+v", f)
	}
}
