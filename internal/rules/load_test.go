package rules_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestCustomRules(t *testing.T) {
	e := open(t, rules.Settings{Files: []string{"testdata/custom.conf"}})
	for _, c := range []struct {
		name, target, header, value string
		status, rule                int
	}{
		{"deny with a status", "/old-admin/x", "X-A", "b", 404, 100001},
		{"one word passes", "/?a=abracadabra", "X-A", "b", 0, 100002},
		{"two words block", "/?a=abracadabra&b=hocuspocus", "X-A", "b", 403, 100002},
		{"included", "/", "X-Robot", "yes", 429, 100005},
		{"redirect", "/moved", "X-A", "b", 301, 100004},
		{"target taken out", "/?freetext=1%27%20OR%20%271%27=%271", "X-A", "b", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := run(e, get(c.target, c.header, c.value), "")
			status := 0
			if o.answer != nil {
				status = o.answer.Status
			}
			if status != c.status || c.rule != 0 && !has(o.waf, c.rule) || has(o.waf, 942100) {
				t.Fatalf("status %d, want %d with rule %d: %v %+v", status, c.status, c.rule, o.err, o.waf)
			}
			if status == 301 && o.answer.Header.Get("Location") != "https://new.test/" {
				t.Errorf("location %+v", o.answer.Header)
			}
			if c.rule == 100002 {
				checkScore(t, o.waf)
			}
		})
	}
	if o := run(e, post("/transfer", form), "a=b"); o.answer == nil || !has(o.waf, 100003) {
		t.Errorf("the chain did not match: %+v", o)
	}
	if o := run(e, post("/transfer", form, "X-Token", "t"), "a=b"); o.answer != nil {
		t.Errorf("the chain matched: %+v", o)
	}
}

// A rule that ends an exchange by itself comes first in the record, logged or not; one that compares the score comes last.
func TestDecidingRuleComesFirst(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.conf", `SecRule REQUEST_FILENAME "@streq /no" "id:100100,phase:2,deny,nolog,status:404,msg:'closed'"`+"\n")
	e := open(t, rules.Settings{Files: []string{filepath.Join(dir, "a.conf")}})
	x := post("/no?"+sqliQuery, "image/png")
	if o := run(e, x, "x"); o.answer == nil || o.answer.Status != 404 || o.waf.Matches[0].ID != 100100 || !has(o.waf, 920420) {
		t.Errorf("%v %+v", o.err, o.waf.Matches)
	}
	o := run(e, get("/?"+sqliQuery), "")
	if n := len(o.waf.Matches); n < 2 || o.waf.Matches[0].Score == 0 || o.waf.Matches[n-1].ID != 949110 {
		t.Errorf("%v %+v", o.err, o.waf.Matches)
	}
}

func TestWithoutCoreRules(t *testing.T) {
	e := open(t, rules.Settings{NoCore: true, Files: []string{"testdata/more.conf"}})
	if o := run(e, get("/?"+sqliQuery), ""); o.answer != nil || len(o.waf.Matches) != 0 {
		t.Errorf("%+v", o)
	}
	if o := run(e, get("/", "X-Robot", "yes"), ""); o.answer == nil || o.answer.Status != 429 {
		t.Errorf("%+v", o)
	}
	if o := run(e, post("/api", "application/json"), "{"); o.answer == nil || !has(o.waf, 200002) {
		t.Errorf("a body that cannot be read: %+v", o)
	}
	if n, _ := e.Rules(); n > 20 {
		t.Errorf("%d rules", n)
	}
}

func TestLoadFaults(t *testing.T) {
	dir := t.TempDir()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "quote.conf", "SecRule ARGS \"@rx a\" \"id:1,phase:2,pass\"\nSecDataset a `\nx\n")
	write(t, dir, "loop.conf", "Include loop.conf\n")
	write(t, dir, "long.conf", "SecAction \"id:1,phase:1,pass,msg:'"+strings.Repeat("x", 70000)+"'\"\n")
	write(t, dir, "later.conf", "# first\nSecRuleUpdateTargetById 1234567 \"!ARGS:x\"\n")
	write(t, dir, "taken.conf", "\nSecAction \"id:942100,phase:1,pass\"\n")
	write(t, dir, "odd.conf", `SecRule ARGS:a "@streq b" "phase:2,deny"
SecRule ARGS:a "@streq b" "id:1,phase:2,deny,status:999,chain"
SecRule ARGS:b "@streq c" "t:none"
SecAction "id:2,phase:1,deny,status:'99'"
SecAction "id:3,phase:1,drop,status:599"
SecAction "id:4,phase:1,pass,initcol:ip=%{REMOTE_ADDR}"
`)
	var got strings.Builder
	for _, s := range []rules.Settings{
		{Files: []string{"testdata/broken.conf"}},
		{Files: []string{filepath.Join(dir, "quote.conf"), filepath.Join(dir, "loop.conf"), filepath.Join(dir, "long.conf"), filepath.Join(dir, "none.conf")}},
		{Files: []string{filepath.Join(dir, "later.conf")}},
		{Files: []string{filepath.Join(dir, "taken.conf")}},
		{Files: []string{filepath.Join(dir, "odd.conf")}},
		{Paranoia: 5}, {Inbound: -1}, {Outbound: -1},
		{Exclusions: []rules.Exclusion{
			{}, {Rules: []int{1}}, {Rules: []int{942100}, Tag: "a"}, {Target: "ARG:q"}, {Target: "ARGS:a b"}, {Path: "x"}, {Path: "/%41"}, {Tag: "a b"},
			{Tag: `x" "id:1`, Path: "/"}, {Target: "ARGS:x,deny"},
			{Rules: []int{200007}}, {Target: "REQUEST_COOKIE:s"}, {Target: "NONSENSE"},
		}},
		{Exclusions: []rules.Exclusion{{Tag: "attack-sqli"}, {Target: "ARGS:/(/", Path: "/"}}},
		{Exclusions: []rules.Exclusion{{Rules: []int{942100}, Target: "ARGS:/(/"}}},
	} {
		e, err := factory.Open(s)
		if err == nil {
			e.Close()
			t.Errorf("loaded: %+v", s)
			continue
		}
		var le *rules.LoadError
		if !errors.As(err, &le) {
			t.Errorf("%T: %v", err, err)
		}
		got.WriteString(strings.NewReplacer(dir, "DIR", wd, "WD").Replace(err.Error()) + "\n\n")
	}
	golden(t, "testdata/faults.golden", got.String())
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Sites share one program whatever their mode and thresholds, one for each paranoia level; the last to close frees it.
func TestSharing(t *testing.T) {
	f := rules.NewFactory()
	var wg sync.WaitGroup
	engines := make([]*rules.Engine, 8)
	for i := range engines {
		wg.Go(func() {
			var err error
			// Rules of its own compile at once; that sites share the Core Rule Set TestSharedPrograms holds.
			if engines[i], err = f.Open(rules.Settings{NoCore: true, Files: []string{"testdata/more.conf"}, Detect: i%2 == 0, Paranoia: 1 + i%2, Inbound: 5 + i}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := f.Sets(); n != 2 {
		t.Errorf("%d programs for two paranoia levels", n)
	}
	x := get("/?q=%3Cscript%3Ealert(1)%3C/script%3E")
	in := engines[1].Begin(x)
	for _, e := range engines {
		e.Close()
		e.Close() // twice is once
	}
	if n := f.Sets(); n != 0 {
		t.Errorf("%d sets after the last Close", n)
	}
	in.End(&x.WAF)
}

// A changed data file is seen at the next load, also while the old rules are still in use.
func TestDataFileReload(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "words.data", "abracadabra\n")
	write(t, dir, "a.conf", `SecRule ARGS "@pmFromFile words.data" "id:100100,phase:2,deny,log,msg:'word'"`+"\n")
	s := rules.Settings{Files: []string{filepath.Join(dir, "a.conf")}}
	old := open(t, s)
	write(t, dir, "words.data", "simsalabim\n")
	renewed := open(t, s)
	for _, c := range []struct {
		e    *rules.Engine
		word string
		deny bool
	}{{old, "abracadabra", true}, {old, "simsalabim", false}, {renewed, "abracadabra", false}, {renewed, "simsalabim", true}} {
		if o := run(c.e, get("/?a="+c.word), ""); (o.answer != nil) != c.deny {
			t.Errorf("%s: denied %v, want %v", c.word, o.answer != nil, c.deny)
		}
	}
}
