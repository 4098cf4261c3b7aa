package config

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Files made to exhaust us are refused, soon and with few words.
func TestHostileFilesAreBounded(t *testing.T) {
	const n = 1 << 18
	nine := func(s string) string { return strings.TrimSuffix(strings.Repeat(s+",", 9), ",") }
	bomb := "a: &a [x]\n"
	for c := 'b'; c <= 'j'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + nine("*"+string(c-1)) + "]\n"
	}
	site := "sites:\n  - &s\n    names: [" + strings.Repeat("a.test,", 2000) + "b.test]\n    origin: {urls: [\"http://10.0.0.1\"]}\n" +
		strings.Repeat("  - *s\n", 2000)
	for name, text := range map[string]string{
		"too large":        strings.Repeat("# comment\n", maxFile/10+1),
		"flow lists":       strings.Repeat("[", n),
		"flow mappings":    strings.Repeat("{a: ", n/4),
		"compact lists":    strings.Repeat("- ", n/2),
		"explicit keys":    strings.Repeat("? ", n/2),
		"anchors in a row": "a: " + strings.Repeat("&a ", n/3),
		"tags in a row":    "a: " + strings.Repeat("!!a ", n/4),
		"colons":           strings.Repeat("a: ", n/3),
		"bare colons":      strings.Repeat(":", n),
		"deep block":       deepBlock(1200),
		"alias bomb":       bomb,
		"alias of a site":  site,
		"alias of itself":  "listen: &l [*l]\n",
		"merge of itself":  "listen: &l\n  <<: *l\n",
		"merge of merges":  "a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b, *b]}\n",
		"keys in a block":  strings.Repeat("a: 1\n", 20000),
		"keys in braces":   "log: {" + strings.Repeat("a: 1,", 20000) + "}\n",
		"keys of brackets": "log: [" + strings.Repeat("a: 1,", 20000) + "]\n",
		"full mappings":    strings.Repeat("- {"+strings.Repeat("a: 1,", 250)+"}\n", 200),
		"many faults":      "sites:\n" + strings.Repeat("  - {a: 1, b: 2, c: 3, d: 4}\n", 10000),
		"one long line":    "listen: \"" + strings.Repeat("x", n) + "\"\n",
		"not UTF-8":        "listen: \xff\n",
		"zero bytes":       strings.Repeat("\x00", n),
		"documents":        strings.Repeat("---\n", n/4),
		"quotes":           strings.Repeat("\"", n),
		"block scalar":     "a: |\n" + strings.Repeat(" x\n", n/3),
		"directives":       strings.Repeat("%YAML 1.2\n", n/10),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			cfg, faults := Parse("x.yaml", t.TempDir(), []byte(text), testNow)
			if cfg != nil || !faults.Failed() {
				t.Fatal("taken")
			}
			if len(faults) > maxFaults || len(faults.String()) > 1<<20 {
				t.Errorf("%d faults in %d bytes", len(faults), len(faults.String()))
			}
			t.Logf("%v, %s", time.Since(begin).Round(time.Millisecond), strings.SplitN(faults.String(), "\n", 2)[0][:min(120, len(strings.SplitN(faults.String(), "\n", 2)[0]))])
		})
	}
}

func deepBlock(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// FuzzParse: no panic, and either a configuration or an error.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/issue.yaml", "testdata/minimal.yaml", "testdata/inherit.yaml", "testdata/bad/anchors.yaml", "testdata/bad/wrong-shapes-below.yaml", "testdata/bad/twice.yaml"} {
		data, err := os.ReadFile(name)
		must(f, err)
		f.Add(data)
	}
	f.Add([]byte("listen: [{address: &a \":1\"}, {address: *a}]\n<<: {sites: [{names: [a.b], origin: {urls: [\"http://h\"]}}]}\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("a: !!binary x\n--- |\n x\n...\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, faults := Parse("fuzz.yaml", dir, data, testNow)
		if (cfg == nil) != faults.Failed() {
			t.Fatalf("config nil: %v, faults:\n%s", cfg == nil, faults)
		}
		_ = faults.String()
		if cfg != nil {
			_ = cfg.Files()
		}
	})
}

// What is bounded is one mapping, not all that stand below one another: a file may have thousands of sites.
func TestManySites(t *testing.T) {
	const n = 2000
	var b strings.Builder
	b.WriteString("listen: [{address: \"127.0.0.1:0\"}]\nsites:\n")
	for i := range n {
		name := strconv.Itoa(i)
		b.WriteString("  - names: [s" + name + ".test]\n    origin:\n      urls: [\"http://10.0.0.1\"]\n      retries: 1\n    waf: {mode: \"off\"}\n    routes:\n" +
			"      - path: /a\n        waf: {mode: detect}\n      -\n        path: /b\n")
	}
	cfg, faults := Parse("x.yaml", t.TempDir(), []byte(b.String()), testNow)
	if faults.Failed() || len(cfg.Sites) != n {
		t.Fatalf("%d sites are refused: %.300s", n, faults)
	}
}
