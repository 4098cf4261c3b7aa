package rules_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// timed opens an engine whose collections go by *now; text is its rules, without the Core Rule Set.
func timed(t *testing.T, text string, now *time.Time) *transaction.Engine {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "own.conf", text)
	src, err := factory.Source(rules.Settings{NoCore: true, Files: []string{filepath.Join(dir, "own.conf")}})
	if err != nil {
		t.Fatal(err)
	}
	program, faults := compile.Compile(src.Directives, src.Options)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	src.Config.Store = persist.New(persist.Config{Now: func() time.Time { return *now }})
	e, err := transaction.New(program, src.Config)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// passes takes a request for target through its phases and reports whether rules let it pass.
func passes(e *transaction.Engine, target string) bool {
	x := get(target)
	in := e.Begin(x)
	defer in.End(&x.WAF)
	answer, _ := in.RequestHead(time.Time{})
	return answer == nil
}

// deprecatevar takes its amount off once for each period, whole ones only, and what is left counts on.
func TestDeprecatevar(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	e := timed(t, `SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},deprecatevar:ip.n=2/60"
SecRule REQUEST_FILENAME "@streq /hit" "id:2,phase:1,pass,nolog,setvar:ip.n=+1"
SecRule IP:n "@gt 3" "id:3,phase:1,deny,log,msg:'too many'"
`, &now)
	for i := range 5 {
		if got, want := passes(e, "/hit"), i < 3; got != want {
			t.Errorf("hit %d: passes %v", i+1, got)
		}
	}
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{
		{59 * time.Second, false}, // 5 of them
		{time.Second, true},       // 3
		{59 * time.Second, true},
		{time.Second, true}, // 1
	} {
		if now = now.Add(c.after); passes(e, "/look") != c.want {
			t.Errorf("at %v: passes %v", now, !c.want)
		}
	}
	for i := range 3 {
		if got, want := passes(e, "/hit"), i < 2; got != want {
			t.Errorf("hit %d on top of what is left: passes %v", i+1, got)
		}
	}
}

// SecCollectionTimeout says how long a record outlives its last change; of two the last one holds, and setvar:ip.timeout still changes one record.
func TestCollectionTimeout(t *testing.T) {
	for _, c := range []struct {
		name, text string
		goes       time.Duration
	}{
		{"without", "", time.Hour},
		{"shorter", "SecCollectionTimeout 10\nSecCollectionTimeout 60\n", time.Minute},
		{"longer", "SecCollectionTimeout 7200\n", 2 * time.Hour},
		{"by setvar", "SecCollectionTimeout 60\n" + `SecRule REQUEST_FILENAME "@streq /set" "id:9,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.timeout=300"` + "\n", 5 * time.Minute},
	} {
		now := time.Unix(1_800_000_000, 0)
		e := timed(t, c.text+`SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecRule IP:seen "@eq 1" "id:2,phase:1,deny,log,msg:'again'"
SecRule REQUEST_FILENAME "@streq /set" "id:3,phase:1,pass,nolog,setvar:ip.seen=1"
`, &now)
		passes(e, "/set")
		if now = now.Add(c.goes - time.Second); passes(e, "/look") {
			t.Errorf("%s: it is gone before its time", c.name)
		}
		if now = now.Add(time.Second); !passes(e, "/look") {
			t.Errorf("%s: it is there after its time", c.name)
		}
	}
}

// args opens rules that deny where ARGS:name is value.
func args(t *testing.T, text, name, value string) *rules.Engine {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "own.conf", text+"\nSecRule ARGS:"+name+" \"@streq "+value+"\" \"id:99,phase:2,deny,log,msg:'found'\"\n")
	return open(t, rules.Settings{NoCore: true, Files: []string{filepath.Join(dir, "own.conf")}})
}

// SecArgumentSeparator splits queries and forms, whatever says that a body is one, and nothing else does then.
func TestArgumentSeparator(t *testing.T) {
	semicolon := args(t, "SecArgumentSeparator ;", "b", "2")
	usual := args(t, `SecArgumentSeparator "&"`, "b", "2")
	for _, c := range []struct {
		name string
		x    func(pairs string) *exchange.Exchange
		body bool
	}{
		{"query", func(pairs string) *exchange.Exchange { return get("/?" + pairs) }, false},
		{"form", func(string) *exchange.Exchange { return post("/", form) }, true},
		{"form by its look", func(string) *exchange.Exchange { return post("/", "text/plain") }, true},
	} {
		for _, pairs := range []string{"a=1;b=2", "a=1&b=2"} {
			for _, e := range []*rules.Engine{semicolon, usual} {
				body := ""
				if c.body {
					body = pairs
				}
				want := strings.Contains(pairs, ";") == (e == semicolon)
				if o := run(e, c.x(pairs), body); has(o.waf, 99) != want {
					t.Errorf("%s %s: found %v", c.name, pairs, !want)
				}
			}
		}
	}
}

// Texts of XML are arguments where a directive or ctl says so, and with OnlyArgs no longer XML:/*.
func TestXMLArguments(t *testing.T) {
	const ctl = `SecAction "id:1,phase:1,pass,nolog,ctl:parseXmlIntoArgs=`
	for _, c := range []struct {
		name, text string
		args, xml  bool
	}{
		{"without", "", false, true},
		{"directive", "SecParseXmlIntoArgs On", true, true},
		{"directive, only", "SecParseXmlIntoArgs OnlyArgs", true, false},
		{"ctl", ctl + `On"`, true, true},
		{"ctl, only", ctl + `OnlyArgs"`, true, false},
		{"ctl takes it back", "SecParseXmlIntoArgs On\n" + ctl + `Off"`, false, true},
	} {
		e := args(t, c.text+"\n"+`SecRule XML:/* "@streq <x>" "id:2,phase:2,pass,log"`, "xml.a.b", "<x>")
		o := run(e, post("/", "text/xml"), `<a>one<b c="d">&lt;x&gt;</b></a>`)
		if has(o.waf, 99) != c.args || has(o.waf, 2) != c.xml {
			t.Errorf("%s: as argument %v, as XML %v", c.name, has(o.waf, 99), has(o.waf, 2))
		}
	}
	// Names repeat the elements around: they are bounded as those of JSON are.
	e := args(t, "SecParseXmlIntoArgs On", "a", "b")
	deep := strings.Repeat("<"+strings.Repeat("n", 40)+">", 250) + strings.Repeat("x<i/>", 8000)
	if o := run(e, post("/", "text/xml"), deep); o.answer == nil || o.waf.Matches[0].ID != 200007 {
		t.Errorf("long names: %v", o.err)
	}
}

// ctl:responseBodyLimit says how much of an answer rules are shown.
func TestResponseBodyLimit(t *testing.T) {
	for _, limit := range []string{"3", "4"} {
		dir := t.TempDir()
		write(t, dir, "own.conf", `SecAction "id:1,phase:3,pass,nolog,ctl:responseBodyLimit=`+limit+`"
SecRule RESPONSE_BODY "@contains leak" "id:2,phase:4,pass,log"
SecRule OUTBOUND_DATA_ERROR "@eq 1" "id:3,phase:4,pass,log"
`)
		e := open(t, rules.Settings{NoCore: true, Files: []string{filepath.Join(dir, "own.conf")}})
		x := get("/")
		in := e.Begin(x)
		_, _ = in.RequestHead(time.Time{})
		_, _ = in.RequestBody(nil, false, time.Time{})
		_, _ = in.ResponseHead(&exchange.Response{Status: http.StatusOK, Proto: exchange.HTTP11}, time.Time{})
		_, _ = in.ResponseBody(strings.NewReader("leak"), false, time.Time{})
		in.End(&x.WAF)
		if has(x.WAF, 2) != (limit == "4") || has(x.WAF, 3) != (limit == "3") {
			t.Errorf("limit %s: %+v", limit, x.WAF.Matches)
		}
	}
}

// Who includes a recommended configuration gets one fault for each directive that has to go, and none for the others.
func TestRecommendedConfiguration(t *testing.T) {
	_, err := factory.Open(rules.Settings{Files: []string{"testdata/recommended.conf"}})
	if err == nil {
		t.Fatal("it loads")
	}
	golden(t, "testdata/recommended.golden", err.Error()+"\n")
}

// Each directive that the language knows does something, is refused, or is one of those that only name things.
func TestDirectivesAccounted(t *testing.T) {
	works := map[string]bool{}
	for name := range strings.FieldsSeq("SecRule SecAction SecMarker Include SecDataset SecRuleRemoveById SecRuleRemoveByTag SecRuleRemoveByMsg " +
		"SecRuleUpdateTargetById SecRuleUpdateTargetByTag SecRuleUpdateTargetByMsg SecRuleUpdateActionById " +
		"SecCollectionTimeout SecArgumentSeparator SecParseXmlIntoArgs " + // tested above
		"SecComponentSignature SecSensorId") { // names
		works[name] = true
	}
	refused := rules.Refused()
	var silent, both []string
	for _, name := range seclang.DirectiveNames() {
		switch _, no := refused[name]; {
		case !no && !works[name]:
			silent = append(silent, name)
		case no && works[name]:
			both = append(both, name)
		}
		if hint := refused[name]; !works[name] && !strings.Contains(hint, " ") {
			t.Errorf("%s: the hint is %q", name, hint)
		}
		delete(refused, name)
	}
	if d := cmp.Diff([][]string{nil, nil}, [][]string{silent, both}); d != "" {
		t.Errorf("silently ignored, then refused though they work: %s", d)
	}
	if len(refused) > 0 {
		t.Errorf("refused, but not of the language: %v", refused)
	}
}
