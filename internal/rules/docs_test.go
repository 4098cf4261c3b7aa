package rules_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// manual returns docs/rules.md.
func manual(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// manualRules writes the examples of the manual into one file, and returns its name.
func manualRules(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, part := range strings.Split(manual(t), "```seclang\n")[1:] {
		example, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatal("an example never ends")
		}
		text.WriteString(example)
	}
	dir := t.TempDir()
	write(t, dir, "bad-agents.data", "evilbot\n")
	write(t, dir, "own.conf", text.String())
	return filepath.Join(dir, "own.conf")
}

// The examples of the manual load, together and behind the Core Rule Set, and do what the text says.
func TestManualExamples(t *testing.T) {
	e := open(t, rules.Settings{Files: []string{manualRules(t)}})
	status := func(o outcome) int {
		if o.answer == nil {
			return 0
		}
		if o.answer.Status == 0 {
			return http.StatusForbidden // the reason's own
		}
		return o.answer.Status
	}
	if o := run(e, get("/old-admin/x"), ""); status(o) != http.StatusNotFound {
		t.Errorf("old admin: %v", o.err)
	}
	if o := run(e, get("/", "X-Agent", "EvilBot/1"), ""); o.err != nil || !has(o.waf, 102) {
		t.Errorf("points below the threshold: %v", o.err)
	}
	if o := run(e, get("/staff/x"), ""); o.err != nil {
		t.Errorf("staff from 192.0.2.7: %v", o.err)
	}
	x := get("/staff/x")
	x.Client.Addr = netip.MustParseAddrPort("192.0.2.77:1")
	if o := run(e, x, ""); status(o) != http.StatusForbidden {
		t.Errorf("staff from outside: %d %v", status(o), o.err)
	}
	if o := run(e, post("/up", "image/png"), "\x89PNG\r\n\x1a\n"); o.err != nil {
		t.Errorf("image: %v", o.err)
	}
	if o := run(e, get("/?comment="+strings.TrimPrefix(sqliQuery, "q=")), ""); has(o.waf, 942100) {
		t.Errorf("target taken out: %v %+v", o.err, o.waf.Matches)
	}
}

// The limits of the manual hold back what they say, and let it pass again when it says.
func TestManualLimits(t *testing.T) {
	src, err := factory.Source(rules.Settings{Files: []string{manualRules(t)}})
	if err != nil {
		t.Fatal(err)
	}
	program, faults := compile.Compile(src.Directives, src.Options)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	now := time.Unix(1_800_000_000, 0)
	src.Config.Store = persist.New(persist.Config{Now: func() time.Time { return now }})
	e, err := transaction.New(program, src.Config)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from string, answer int) int {
		x := get("/login")
		x.Client.Addr = netip.MustParseAddrPort(from)
		in := e.Begin(x)
		defer in.End(&x.WAF)
		end, _ := in.RequestHead(time.Time{})
		if end == nil {
			end, _ = in.RequestBody(nil, false, time.Time{})
		}
		if end != nil {
			return end.Status
		}
		_, _ = in.ResponseHead(&exchange.Response{Status: answer, Proto: exchange.HTTP11}, time.Time{})
		return answer
	}
	const alice, bob, carol = "192.0.2.7:1", "192.0.2.8:1", "192.0.2.9:1"
	for i := range 12 {
		want := 200
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		if got := ask(alice, 200); got != want {
			t.Errorf("log-in %d: %d, want %d", i+1, got, want)
		}
		now = now.Add(time.Second)
	}
	if got := ask(bob, 200); got != 200 {
		t.Errorf("another address: %d", got)
	}
	now = now.Add(47 * time.Second) // 59 s after the first
	if got := ask(alice, 200); got != http.StatusTooManyRequests {
		t.Errorf("before the minute is over: %d", got)
	}
	now = now.Add(time.Second)
	if got := ask(alice, 200); got != 200 {
		t.Errorf("after the minute: %d", got)
	}
	for i := range 5 {
		if got := ask(carol, 401); got != 401 {
			t.Errorf("wrong password %d: %d", i+1, got)
		}
	}
	for range 3 { // each try starts the ten minutes anew
		now = now.Add(599 * time.Second)
		if got := ask(carol, 200); got != http.StatusTooManyRequests {
			t.Errorf("after five wrong passwords: %d", got)
		}
	}
	now = now.Add(600 * time.Second)
	if got := ask(carol, 200); got != 200 {
		t.Errorf("after ten quiet minutes: %d", got)
	}
}

// The exclusions of the manual let pass what they are for, and nothing without them.
func TestManualExclusions(t *testing.T) {
	var list []rules.Exclusion
	line := regexp.MustCompile(`(?m)^    - \{(?:(rule|tag): ([\w-]+),? ?)?(?:target: "([^"]+)",? ?)?(?:path: "([^"]+)")?\}`)
	for _, m := range line.FindAllStringSubmatch(manual(t), -1) {
		x := rules.Exclusion{Target: m[3], Path: m[4]}
		switch m[1] {
		case "rule":
			id, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			x.Rules = []int{id}
		case "tag":
			x.Tag = m[2]
		}
		list = append(list, x)
	}
	if len(list) != 9 {
		t.Fatalf("%d exclusions are read", len(list))
	}
	with := open(t, rules.Settings{Exclusions: list})
	const sqli, js = "1' OR '1'='1' UNION SELECT password FROM users-- ", "<script>alert(1)</script>"
	inner := "\x0a" + string(rune(len(sqli))) + sqli
	message := "\x12" + string(rune(len(inner))) + inner
	grpc := "\x00\x00\x00\x00" + string(rune(len(message))) + message
	for _, c := range []struct {
		name       string
		x          func() *exchange.Exchange
		body       string
		rule       int
		tag        string
		everywhere bool // the exclusion has no path
	}{
		{"one argument", func() *exchange.Exchange { return get("/search?" + sqliQuery) }, "", 942100, "", false},
		{"a family", func() *exchange.Exchange { return post("/editor/a", "application/x-www-form-urlencoded") }, "html_body=" + js, 0, "attack-xss", false},
		{"a cookie", func() *exchange.Exchange { return get("/", "Cookie", "theme="+js) }, "", 0, "attack-xss", true},
		{"a rule", func() *exchange.Exchange { return post("/upload/a", "image/png") }, "\x89PNG", 920420, "", false},
		{"no JSON", func() *exchange.Exchange { return post("/bulk", "application/json") }, "{}\n{}\n", 200002, "", false},
		{"a variable of GraphQL", func() *exchange.Exchange { return post("/graphql", "application/json") },
			`{"query":"query Find($f: String) { search(text: $f) { id } }","variables":{"filter":"` + sqli + `"}}`, 0, "attack-sqli", false},
		{"an argument of GraphQL", func() *exchange.Exchange { return post("/graphql", "application/json") },
			`{"query":"{ search(text: \"` + sqli + `\") { id } }"}`, 0, "attack-sqli", false},
		{"a field of gRPC", func() *exchange.Exchange { return post("/shop.Orders/Search", "application/grpc") }, grpc, 0, "attack-sqli", false},
	} {
		hit := func(o outcome) bool {
			return slices.ContainsFunc(o.waf.Matches, func(m exchange.Match) bool {
				return m.ID != 0 && (m.ID == c.rule || c.tag != "" && slices.Contains(m.Tags, c.tag))
			})
		}
		if o := run(keep, c.x(), c.body); !hit(o) {
			t.Errorf("%s: not found without the exclusion: %+v", c.name, o.waf.Matches)
		}
		if o := run(with, c.x(), c.body); hit(o) {
			t.Errorf("%s: found in spite of the exclusion: %+v", c.name, o.waf.Matches)
		}
		x := c.x()
		x.Request.Target = "/other" + x.Request.Target
		if o := run(with, x, c.body); hit(o) == c.everywhere {
			t.Errorf("%s: found at another path: %v", c.name, hit(o))
		}
	}
}

// What the manual shows of faults is what those lines give.
func TestManualFaults(t *testing.T) {
	_, block, _ := strings.Cut(manual(t), "### Faults")
	_, block, _ = strings.Cut(block, "```text\n")
	block, _, _ = strings.Cut(block, "```")
	var text strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^ +\d+ \| (Sec.*)$`).FindAllStringSubmatch(block, -1) {
		text.WriteString(m[1] + "\n")
	}
	dir := t.TempDir()
	write(t, dir, "own.conf", text.String())
	_, err := factory.Open(rules.Settings{Files: []string{filepath.Join(dir, "own.conf")}})
	var faults *rules.LoadError
	if !errors.As(err, &faults) || len(faults.Faults) != strings.Count(block, ": error: ") {
		t.Fatalf("faults: %v", err)
	}
	for _, f := range faults.Faults {
		about := ""
		if f.Rule != 0 {
			about = fmt.Sprintf("rule %d: ", f.Rule)
		}
		if shown := fmt.Sprintf("own.conf:%d:%d: error: %s%s\n", f.Line, f.Column, about, f.Text); !strings.Contains(block, shown) {
			t.Errorf("the manual does not show %s", shown)
		}
		if f.Hint != "" && !strings.Contains(block, "= "+f.Hint+"\n") {
			t.Errorf("the manual does not show the hint %s", f.Hint)
		}
	}
}

// What a spent budget says is what the manual says.
func TestManualBudget(t *testing.T) {
	e := open(t, rules.Settings{Work: 1 << 20})
	o := run(e, post("/", "application/x-www-form-urlencoded"), "a="+strings.Repeat("select from where ", 50_000))
	if o.err == nil || !strings.HasPrefix(o.err.Error(), "waf.timeout (work for rules is spent in phase 2, after ") {
		t.Errorf("%v", o.err)
	}
	for _, word := range []string{"`waf.timeout`", "work for rules is spent in phase 2, after "} {
		if !strings.Contains(manual(t), word) {
			t.Errorf("the manual does not say %s", word)
		}
	}
}

// The manual names every directive, operator, transformation, action and option of ctl that there is.
func TestManualNames(t *testing.T) {
	text := manual(t)
	names := append(transform.Names(), seclang.DirectiveNames()...)
	for o := range seclang.Operators {
		if o != seclang.OpAlways {
			names = append(names, "@"+o.String())
		}
	}
	for a := range seclang.Actions {
		if a != seclang.ActNone {
			names = append(names, a.String())
		}
	}
	for o := range seclang.CtlOptions {
		if o != seclang.CtlNone && !strings.HasPrefix(o.String(), "ruleRemove") {
			names = append(names, o.String())
		}
	}
	for _, name := range names {
		if strings.HasPrefix(name, "normalise") {
			continue
		}
		if !regexp.MustCompile("[`:]" + regexp.QuoteMeta(name) + "[`:= ]").MatchString(text) {
			t.Errorf("the manual does not name %s", name)
		}
	}
}

// What the manual says opens a collection opens it: the second request finds what the first one left.
func TestManualCollections(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `([A-Z]+)` \\| `([a-z]+:[^`]+)`").FindAllStringSubmatch(manual(t), -1)
	if len(rows) != 5 {
		t.Fatalf("%d collections", len(rows))
	}
	for _, row := range rows {
		dir := t.TempDir()
		write(t, dir, "own.conf", `SecAction "id:1,phase:1,pass,nolog,`+row[2]+`"
SecAction "id:2,phase:1,pass,nolog,setvar:`+strings.ToLower(row[1])+`.n=+1"
SecRule `+row[1]+`:n "@ge 2" "id:3,phase:1,deny,log,msg:'again'"
`)
		e := open(t, rules.Settings{NoCore: true, Site: t.Name() + row[1], Files: []string{filepath.Join(dir, "own.conf")}})
		ask := func() outcome { return run(e, get("/login?user=anna", "Cookie", "session=s1"), "") }
		if o := ask(); o.err != nil {
			t.Errorf("%s: the first request: %v", row[1], o.err)
		}
		if o := ask(); o.err == nil {
			t.Errorf("%s: the second request finds nothing", row[1])
		}
	}
}

// Beyond the bounds that the manual states, requests are refused by the rules that it names.
func TestManualBounds(t *testing.T) {
	const mp = "multipart/form-data; boundary=B"
	var files strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&files, "--B\r\nContent-Disposition: form-data; name=\"f%d\"; filename=\"%d.txt\"\r\n\r\nx\r\n", i, i)
	}
	many := strings.Repeat("&a=1", 3001)[1:]
	for _, c := range []struct {
		name string
		x    *exchange.Exchange
		body string
		rule int
	}{
		{"query", get("/?" + many), "", 200007},
		{"form", post("/", "application/x-www-form-urlencoded"), many, 200007},
		{"leaves", post("/", "application/json"), "[1" + strings.Repeat(",1", 10_000) + "]", 200007},
		{"leaves that are allowed", post("/", "application/json"), "[1" + strings.Repeat(",1", 9_000) + "]", 0},
		{"depth", post("/", "application/json"), strings.Repeat("[", 257) + strings.Repeat("]", 257), 200002},
		{"files", post("/", mp), files.String() + "--B--\r\n", 200003},
		{"entities", post("/", "text/xml"), `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, 200002},
	} {
		o := run(keep, c.x, c.body)
		if o.err == nil && c.rule != 0 || c.rule == 0 && o.err != nil {
			t.Errorf("%s: %v", c.name, o.err)
		}
		if c.rule != 0 && (len(o.waf.Matches) == 0 || o.waf.Matches[0].ID != c.rule) {
			t.Errorf("%s: not rule %d: %v %+v", c.name, c.rule, o.err, o.waf.Matches)
		}
	}
}
