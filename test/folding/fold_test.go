// Package folding_test holds that folding at compile time changes nothing: rules are compiled with it and without, and the same requests must
// come to the same verdict, the same matched rules and the same TX variables.
//
// Input: random texts of rules, in which few variables and markers meet, and the Core Rule Set. Output: none but failures, with the rules and
// what became of them.
// Promises: the same seeds on every run; a run in which hardly anything is folded fails.
// Non-goals: whether either result is right (the differential tests against Coraza).
package folding_test

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// texts is how many random texts are compiled; more find what is rarer.
var texts = flag.Uint("folding.texts", 600, "compile so many random texts of rules") //nolint:gochecknoglobals // flags of a test are so

// core is the embedded Core Rule Set.
type core struct{}

func (core) Read(name string) ([]byte, error)      { return fs.ReadFile(coreruleset.FS, name) }
func (core) Glob(pattern string) ([]string, error) { return fs.Glob(coreruleset.FS, pattern) }

// outcome is what an exchange comes to: nothing of it may depend on folding.
type outcome struct {
	Status int
	Reason string
	Rules  []int
	Score  int
	TX     map[string]string
}

// run takes one request through an engine.
func run(e *transaction.Engine, x *exchange.Exchange, body string) (o outcome) {
	in := e.Begin(x)
	defer func() {
		o.TX = in.TX()
		in.End(&x.WAF)
		o.Rules, o.Score = x.WAF.Rules, x.WAF.Score
	}()
	answer, err := in.RequestHead(time.Time{})
	if err == nil && body != "" {
		answer, err = in.RequestBody(strings.NewReader(body), false, time.Time{})
	} else if err == nil {
		answer, err = in.RequestBody(nil, false, time.Time{})
	}
	if answer != nil {
		o.Status = answer.Status
	}
	if err != nil {
		o.Reason = err.Error()
	}
	return o
}

// request returns a GET of target; fields are names and values in turn.
func request(target string, fields ...string) *exchange.Exchange {
	x := &exchange.Exchange{ID: "0123456789abcdef", Client: &exchange.Client{
		Addr: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:443"),
	}}
	r := &x.Request
	r.Method, r.Target, r.Scheme, r.Authority, r.Proto = "GET", target, "https", "shop.test", exchange.HTTP11
	r.Path, r.Query, r.HasQuery = strings.Cut(target, "?")
	r.Body = exchange.NoBody
	r.Header = exchange.Header{{Name: "Host", Value: "shop.test"}}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return x
}

// engines compiles text with folding and without.
func engines(t *testing.T, text string, o compile.Options, cfg transaction.Config) (folded, whole *transaction.Engine, p *compile.Program) {
	t.Helper()
	list, faults := seclang.ParseText(core{}, "test.conf", text)
	if len(faults) > 0 {
		t.Fatalf("%+v in\n%s", faults, text)
	}
	o.Files = core{}
	make := func(o compile.Options) (*transaction.Engine, *compile.Program) {
		p, faults := compile.Compile(list, o)
		if len(faults) > 0 {
			t.Fatalf("%+v in\n%s", faults, text)
		}
		e, err := transaction.New(p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return e, p
	}
	folded, p = make(o)
	o.Unfolded = true
	whole, _ = make(o)
	return folded, whole, p
}

// dice makes random rules: few variables and few markers, so that they meet.
type dice struct {
	*rand.Rand
	b    strings.Builder
	id   int
	odd  bool     // rules may read what nearly none reads: it keeps others from being folded
	open []string // markers still to come
}

func (d *dice) pick(words ...string) string { return words[d.IntN(len(words))] }

func (d *dice) tx() string { return d.pick("a", "b", "c", "d", "given", "fixed") }

func (d *dice) value() string {
	return d.pick("0", "1", "2", "+1", "-1", "%{tx."+d.tx()+"}", "+%{tx."+d.tx()+"}", "yes")
}

func (d *dice) setvar() string {
	switch d.IntN(10) {
	case 0:
		return "setvar:!tx." + d.tx()
	case 1:
		return "setvar:tx.%{ARGS.n}=" + d.value()
	case 2:
		return d.pick("setvar:tx.a%{ARGS.n}=1", "setvar:tx.%{ARGS.n}n=1", "setvar:tx.b=%{MATCHED_VAR}", "setvar:tx.c=%{tx.1}")
	}
	return "setvar:tx." + d.tx() + "=" + d.value()
}

// test is the targets and the operator of a rule: most look at TX, some at the request.
func (d *dice) test() string {
	switch d.IntN(9) {
	case 8:
		if d.odd {
			return d.pick(`MATCHED_VAR "@eq 1"`, `HIGHEST_SEVERITY "@lt 5"`, `TX "@eq 1"`, `&TX "@gt 3"`, `TX:1 "@eq 1"`)
		}
		return fmt.Sprintf(`ARGS "@within 1 2 %%{tx.%s}"`, d.tx())
	case 0:
		return fmt.Sprintf(`ARGS:%s "@streq 1"`, d.pick("x", "y", "z"))
	case 1:
		return fmt.Sprintf(`ARGS "@rx ^%s$"`, d.pick("1", "2", "[0-9]"))
	case 2:
		return fmt.Sprintf(`&TX:%s "%s@eq %s"`, d.tx(), d.pick("", "!"), d.pick("0", "1"))
	case 3:
		return fmt.Sprintf(`TX:%s|TX:%s "@ge %%{tx.%s}"`, d.tx(), d.tx(), d.tx())
	case 4:
		return fmt.Sprintf(`TX:/^%s/ "@eq 1"`, d.pick("a", "b", "g"))
	}
	return fmt.Sprintf(`TX:%s "%s@%s %s"`, d.tx(), d.pick("", "!"), d.pick("eq", "lt", "ge", "streq"), d.pick("0", "1", "2", "%{tx."+d.tx()+"}"))
}

func (d *dice) rule() {
	d.id++
	phase, log := d.pick("1", "1", "1", "2", "2", "5"), d.pick("nolog", "nolog", "nolog", "log")
	a := []string{"id:" + strconv.Itoa(d.id), "phase:" + phase, log, "tag:" + d.pick("one", "two")}
	verdict := "pass"
	if d.IntN(10) == 0 {
		a = append(a, d.pick("severity:2", "severity:4", "capture", "multiMatch", "t:length", "t:lowercase"))
	}
	switch d.IntN(16) {
	case 0:
		verdict = d.pick("deny", "allow", "allow:phase", "allow:request")
	case 1:
		a = append(a, "ctl:ruleRemoveByTag="+d.pick("one", "two"))
	case 2:
		a = append(a, fmt.Sprintf("ctl:ruleRemoveById=%d-%d", max(1, d.id-2), d.id+5))
	case 3:
		a = append(a, "skip:"+d.pick("1", "2", "3"))
	case 4:
		a = append(a, fmt.Sprintf("ctl:ruleRemoveTargetById=1-99;TX:%s", d.tx()))
	case 5, 6, 7, 8:
		m := "M" + strconv.Itoa(d.id)
		a = append(a, "skipAfter:"+m)
		d.open = append(d.open, m)
	default:
		a = append(a, d.setvar())
		if d.IntN(2) == 0 {
			a = append(a, d.setvar())
		}
	}
	a = append(a, verdict)
	chain := d.IntN(8) == 0
	if chain {
		a = append(a, "chain")
	}
	if d.IntN(6) == 0 && !chain {
		fmt.Fprintf(&d.b, "SecAction \"%s\"\n", strings.Join(a, ","))
	} else {
		fmt.Fprintf(&d.b, "SecRule %s \"%s\"\n", d.test(), strings.Join(a, ","))
	}
	if chain {
		fmt.Fprintf(&d.b, "SecRule %s \"%s\"\n", d.test(), d.setvar())
	}
	for len(d.open) > 0 && d.IntN(3) == 0 {
		d.marker(d.IntN(len(d.open)))
	}
}

func (d *dice) marker(i int) {
	fmt.Fprintf(&d.b, "SecMarker %s\n", d.open[i])
	d.open = append(d.open[:i], d.open[i+1:]...)
}

// rules returns a random text of rules.
func rules(seed uint64) string {
	d := &dice{Rand: rand.New(rand.NewPCG(seed, 7)), odd: seed%4 == 3}
	for range 3 + d.IntN(14) {
		d.rule()
	}
	for len(d.open) > 0 {
		d.marker(0)
	}
	return d.b.String()
}

// TestFoldingChangesNothing compiles random rules with folding and without: the same requests must come to the same.
func TestFoldingChangesNothing(t *testing.T) {
	n, dropped := uint64(*texts), 0
	targets := []string{"/", "/?x=1", "/?y=1&n=a", "/?z=1&n=b&x=2", "/?x=1&y=1&z=1&n=d"}
	for seed := range n {
		text := rules(seed)
		given := map[string]string{"given": strconv.FormatUint(seed%3, 10)}
		cfg := transaction.Config{Given: given, Detect: seed%4 == 0}
		o := compile.Options{Fixed: map[string]string{"fixed": "2"}, Given: []string{"given"}}
		folded, whole, p := engines(t, text, o, cfg)
		dropped += p.Folded
		for _, target := range targets {
			got, want := run(folded, request(target), ""), run(whole, request(target), "")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %s (-whole +folded):\n%s\n%s\n%s", seed, target, diff, text, p)
			}
		}
	}
	t.Logf("%d rules of %d texts were left out", dropped, n)
	if dropped < int(n) {
		t.Errorf("only %d rules of %d texts were left out: folding is hardly tried", dropped, n)
	}
}

// coreRules is the whole Core Rule Set as one text, behind the few rules that it expects.
func coreRules(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for n := 1; n <= 4; n++ {
		fmt.Fprintf(&b, "SecDefaultAction \"phase:%d,log,auditlog,pass\"\n", n)
	}
	b.WriteString("SecAction \"id:1,phase:1,pass,nolog,t:none,setvar:tx.crs_setup_version=4250\"\n")
	names, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil || len(names) == 0 {
		t.Fatalf("list core rule set: %v, %d files", err, len(names))
	}
	for _, name := range names {
		text, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	return b.String()
}

// inCore finds the data files of the Core Rule Set from any folder.
type inCore struct{}

func (inCore) Read(name string) ([]byte, error) {
	return fs.ReadFile(coreruleset.FS, "@owasp_crs/"+name[strings.LastIndexByte(name, '/')+1:])
}

func (inCore) Glob(string) ([]string, error) { return nil, nil }

// TestFoldingKeepsTheCore runs requests through the whole Core Rule Set, folded and not.
func TestFoldingKeepsTheCore(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles all patterns twice")
	}
	list, faults := seclang.ParseText(inCore{}, "core.conf", coreRules(t))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var both [2]*transaction.Engine
	for i := range both {
		fixed := map[string]string{"blocking_paranoia_level": "1", "detection_paranoia_level": "2"}
		p, faults := compile.Compile(list, compile.Options{Files: inCore{}, Fixed: fixed, Unfolded: i == 1})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		e, err := transaction.New(p, transaction.Config{Detect: true})
		if err != nil {
			t.Fatal(err)
		}
		both[i] = e
	}
	matched := 0
	for _, c := range []struct {
		target, body string
		fields       []string
	}{
		{"/", "", nil},
		{"/?id=1%27%20or%20%271%27=%271", "", nil},
		{"/?q=%3Cscript%3Ealert(1)%3C/script%3E", "", []string{"User-Agent", "sqlmap/1.0"}},
		{"/../../etc/passwd", "", []string{"Accept", ""}},
		{"/?file=../../../../etc/passwd&x=/bin/sh", "", []string{"Range", "bytes=5-1", "Content-Encoding", "gzip"}},
		{"/?a=;cat+/etc/passwd", "", []string{"Content-Type", "text/plain; charset=utf-7", "Content-Length", "x"}},
		{"/a.bak?x=http://192.0.2.9/a", "", []string{"Cookie", "a=<?php+system(1)?>"}},
		{"/?a=1%0d%0aSet-Cookie:x", "", []string{"Transfer-Encoding", "chunked", "Content-Length", "5"}},
		{"/", "a=%24%7Bjndi%3Aldap%3A%2F%2Fx%7D&b=union+select+1,2,3+from+users", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"/", `{"a":"x' or 1=1--","b":["<svg onload=alert(1)>","java.lang.Runtime"]}`, []string{"Content-Type", "application/json"}},
	} {
		fields := append([]string{"Accept", "*/*", "User-Agent", "Mozilla/5.0"}, c.fields...)
		got, want := run(both[0], request(c.target, fields...), c.body), run(both[1], request(c.target, fields...), c.body)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-whole +folded):\n%s", c.target, diff)
		}
		matched += len(got.Rules)
	}
	if matched < 20 {
		t.Errorf("%d rules matched in all: too few to compare", matched)
	}
}
