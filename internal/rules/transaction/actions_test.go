package transaction_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// What the client is told by each way to end an exchange.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		rule     string
		status   int
		location string
		code     reason.Code
		detail   string
	}{
		{`SecAction "id:1,phase:1,deny"`, 403, "", reason.WAFBlockedRequest, "rule 1"},
		{`SecAction "id:2,phase:2,deny,status:418"`, 418, "", reason.WAFBlockedRequest, "rule 2"},
		{`SecAction "id:3,phase:1,deny,status:200"`, 0, "", reason.WAFBlockedRequest, "rule 3"},
		{`SecAction "id:4,phase:1,drop"`, 0, "", reason.WAFBlockedRequest, "rule 4"},
		{`SecAction "id:5,phase:1,redirect:https://other.test/x"`, 302, "https://other.test/x", reason.WAFBlockedRequest, "rule 5"},
		{`SecAction "id:6,phase:1,status:307,redirect:https://%{REQUEST_HEADERS.host}/x"`, 307, "https://shop.test/x", reason.WAFBlockedRequest, "rule 6"},
		{`SecAction "id:200002,phase:2,deny,status:400"`, 400, "", reason.WAFParseError, "rule 200002"},
		{`SecAction "id:200007,phase:2,deny,status:413"`, 413, "", reason.LimitTooManyArgs, "waf.arguments: rules look at 3000 values of the query"},
		{`SecAction "id:7,phase:3,deny"`, 0, "", reason.WAFBlockedResponse, "rule 7"},
		{`SecAction "id:8,phase:4,deny,status:502"`, 502, "", reason.WAFBlockedResponse, "rule 8"},
	} {
		in := open(t, c.rule+"\n", transaction.Config{}).Begin(get("/"))
		var a *exchange.Response
		var err error
		for _, step := range []func() (*exchange.Response, error){
			func() (*exchange.Response, error) { return in.RequestHead(time.Time{}) },
			func() (*exchange.Response, error) { return in.RequestBody(nil, false, time.Time{}) },
			func() (*exchange.Response, error) {
				return in.ResponseHead(&exchange.Response{Status: 200, Proto: exchange.HTTP11}, time.Time{})
			},
			func() (*exchange.Response, error) { return in.ResponseBody(nil, false, time.Time{}) },
		} {
			if a, err = step(); err != nil {
				break
			}
		}
		in.End(&exchange.WAF{})
		r := reason.Of(err)
		if a == nil || r == nil || a.Status != c.status || a.Header.Get("Location") != c.location || r.Code != c.code || r.Detail != c.detail {
			t.Errorf("%s: %+v, %v", c.rule, a, err)
		}
	}
}

// Detect evaluates everything and ends nothing, whatever rules say.
func TestDetect(t *testing.T) {
	e := open(t, `SecAction "id:1,phase:1,nolog,ctl:ruleEngine=On"
SecAction "id:2,phase:1,deny"
SecAction "id:3,phase:2,deny"
SecAction "id:4,phase:2,allow"
SecAction "id:5,phase:2"
`, transaction.Config{Detect: true})
	o := run(e, get("/"), "")
	if o.answer != nil || o.err != nil || o.waf.Verdict != "detect" || o.waf.Phase != "request_headers" || len(o.waf.Matches) == 0 || o.waf.Matches[0].ID != 2 {
		t.Errorf("%+v", o)
	}
	if d := cmp.Diff([]int{2, 3, 4, 5}, o.waf.Rules); d != "" {
		t.Error(d)
	}
}

// Phase 5 runs whatever ended or allowed the exchange.
func TestLoggingAlwaysRuns(t *testing.T) {
	for _, action := range []string{"deny", "allow", "allow:phase", "allow:request", "pass"} {
		o := run(open(t, `SecAction "id:1,phase:1,`+action+`"`+"\n"+`SecAction "id:2,phase:5"`+"\n", transaction.Config{}), get("/"), "")
		if d := cmp.Diff([]int{1, 2}, o.waf.Rules); d != "" {
			t.Errorf("%s: %s", action, d)
		}
	}
}

// The record of matches says what, where, in which form and how much.
func TestRecord(t *testing.T) {
	rules := `SecAction "id:1,phase:1,nolog,setvar:tx.critical_anomaly_score=5,setvar:tx.inbound_anomaly_score_pl1=0"
SecRule ARGS "@rx select" "id:2,phase:2,t:none,t:urlDecodeUni,t:lowercase,t:removeNulls,capture,msg:'Found %{MATCHED_VAR_NAME}',logdata:'in %{MATCHED_VAR}: %{TX.0}',severity:CRITICAL,tag:'attack',tag:'paranoia-level/1',setvar:'tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}'"
SecRule ARGS:a "@rx ." "id:3,phase:2,msg:'A chain',logdata:'%{MATCHED_VAR_NAME}',chain"
  SecRule ARGS:b "@rx ." "setvar:'tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}'"
SecRule TX:inbound_anomaly_score_pl1 "@ge 5" "id:4,phase:2,msg:'Books'"
`
	o := run(open(t, rules, transaction.Config{}), get("/?a=%2553ELECT&b=1&a=x&a=xselectx"), "")
	want := []exchange.Match{
		{ID: 2, Message: "Found ARGS:a", Severity: "critical", Score: 10, Target: "ARGS:a", Part: "select", Data: "in select: select", Tags: []string{"attack", "paranoia-level/1"},
			Transformations: "t:urlDecodeUni,t:lowercase", Paranoia: 1, Scoring: true},
		{ID: 3, Message: "A chain", Score: 5, Target: "ARGS:b", Part: "1", Data: "ARGS:b", Scoring: true},
		{ID: 4, Message: "Books", Target: "TX:inbound_anomaly_score_pl1", Part: "15"},
	}
	if d := cmp.Diff(want, o.waf.Matches, cmpopts.IgnoreFields(exchange.Match{}, "File", "Line")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// However many rules and values match, the record stays small; the ids of more are kept.
func TestRecordIsBounded(t *testing.T) {
	var rules, query strings.Builder
	for i := range 600 {
		fmt.Fprintf(&rules, "SecRule ARGS \"@rx x\" \"id:%d,phase:2\"\n", i+1)
	}
	for i := range 300 {
		fmt.Fprintf(&query, "&a%d=x%s", i, strings.Repeat("y", 1000))
	}
	rules.WriteString(`SecAction "id:1000,phase:2,deny,nolog"` + "\n")
	o := run(open(t, rules.String(), transaction.Config{}), get("/?"+query.String()[1:]), "")
	if len(o.waf.Matches) != 256 || len(o.waf.Rules) != 512 || !strings.HasSuffix(o.waf.Matches[1].Part, "y… (+489 bytes)") || len(o.waf.Matches[1].Part) > 540 || o.waf.Matches[0].ID != 1000 {
		t.Errorf("%d matches, %d rules, first %+v", len(o.waf.Matches), len(o.waf.Rules), o.waf.Matches[0])
	}
}

// What costs time to tell is told of the first 64 matches, and of the rule that ends the exchange; of the others nothing that another
// rule has captured.
func TestRecordDetail(t *testing.T) {
	var query strings.Builder
	for i := range 100 {
		fmt.Fprintf(&query, "&a%03d=X%d", i, i)
	}
	var rules strings.Builder
	for i := range 2 {
		fmt.Fprintf(&rules, "SecRule ARGS_GET \"@rx x(\\d+)\" \"id:%d,phase:1,pass,log,capture,t:lowercase,msg:'found %%{TX.1}',logdata:'%%{TX.0}'\"\n", i+1)
	}
	rules.WriteString(`SecRule ARGS_GET:a007 "@rx x(\d+)" "id:3,phase:2,deny,log,capture,t:lowercase,msg:'end',logdata:'%{TX.0}'"` + "\n")
	o := run(open(t, rules.String(), transaction.Config{}), get("/?"+query.String()[1:]), "")
	if len(o.waf.Matches) != 201 {
		t.Fatalf("%d matches", len(o.waf.Matches))
	}
	if m := o.waf.Matches[0]; m.ID != 3 || m.Data != "x7" || m.Transformations != "t:lowercase" {
		t.Errorf("the rule that ends: %+v", m)
	}
	for i, m := range o.waf.Matches[1:] {
		message, data, changed := "found ", "", ""
		if i < 100 {
			message = "found 0"
		}
		if i < 64 {
			data, changed = fmt.Sprint("x", i), "t:lowercase"
		}
		if m.Message != message || m.Data != data || m.Transformations != changed || m.Target != fmt.Sprintf("ARGS_GET:a%03d", i%100) || m.Part == "" {
			t.Errorf("%d: %+v", i, m)
		}
	}
}

// Persistent collections outlive the exchange, each key for itself, and variables run out of time.
func TestPersistentCollections(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	store := persist.New(persist.Config{Now: func() time.Time { return now }})
	e := open(t, `SecAction "id:1,phase:1,nolog,initcol:ip=%{REMOTE_ADDR},initcol:global=all,setvar:ip.n=+1,setvar:global.n=+1,expirevar:ip.n=60"
SecRule REQUEST_COOKIES:sid "@rx ^(\w+)$" "id:2,phase:1,nolog,capture,setsid:%{TX.1},setvar:session.seen=+1"
SecRule IP:n "@ge 3" "id:3,phase:1"
SecRule GLOBAL:n "@eq 4" "id:4,phase:1"
SecRule SESSION:seen "@eq 2" "id:5,phase:1"
SecRule SESSIONID "@streq abc" "id:6,phase:1"
SecRule &IP:n "@eq 1" "id:7,phase:1,setvar:tx.n=%{ip.n}"
`, transaction.Config{Store: store})
	ask := func(addr, cookie string) outcome {
		x := get("/", "Cookie", "sid="+cookie)
		x.Client.Addr = addrPort(addr)
		return run(e, x, "")
	}
	for i, c := range []struct {
		addr, cookie string
		rules        []int
		n            string
	}{
		{"192.0.2.1", "abc", []int{6, 7}, "1"},
		{"192.0.2.1", "abc", []int{5, 6, 7}, "2"},
		{"192.0.2.1", "xyz", []int{3, 7}, "3"},
		{"192.0.2.2", "other", []int{4, 7}, "1"},
	} {
		o := ask(c.addr, c.cookie)
		if d := cmp.Diff(c.rules, o.waf.Rules); d != "" || o.tx["n"] != c.n {
			t.Errorf("%d: n is %q, want %q\n%s", i, o.tx["n"], c.n, d)
		}
	}
	now = now.Add(61 * time.Second)
	if o := ask("192.0.2.1", "new"); o.tx["n"] != "1" {
		t.Errorf("after a minute n is %q", o.tx["n"])
	}
}

// What Coraza cannot do, or does otherwise than SecLang says.
func TestBeyondCoraza(t *testing.T) {
	for _, c := range []struct {
		name, rules, target string
		want                []int
	}{
		{"a removed variable is absent", `SecAction "id:1,phase:1,nolog,setvar:tx.a=1,setvar:!tx.a"` + "\n" + `SecRule &TX:a "@eq 0" "id:2,phase:1"`, "/", []int{2}},
		{"an assigned sign is text", `SecRule ARGS:a "@rx ^(.*)$" "id:1,phase:1,nolog,capture,setvar:tx.a=%{tx.1}"` + "\n" + `SecRule TX:a "@streq -1" "id:2,phase:1"`, "/?a=-1", []int{2}},
		{"keys as expressions with capitals", `SecRule ARGS:/^Ab/ "@rx ." "id:1,phase:1"`, "/?Abc=1", []int{1}},
		{"names by key", `SecRule ARGS_NAMES:Abc "@streq Abc" "id:1,phase:1"`, "/?Abc=1", []int{1}},
		{"authentication", `SecRule AUTH_TYPE "@streq Basic" "id:1,phase:1"`, "/", []int{1}},
		{"the whole request", `SecRule FULL_REQUEST "@rx ^GET /x HTTP/1.1\r\nHost: shop.test\r\n(?s:.*)\r\n\r\n$" "id:1,phase:2"`, "/x", []int{1}},
		{"environment", `SecAction "id:1,phase:1,nolog,setenv:a=%{REQUEST_METHOD}"` + "\n" + `SecRule ENV:a "@streq GET" "id:2,phase:1"`, "/", []int{2}},
	} {
		o := run(open(t, c.rules+"\n", transaction.Config{}), get(c.target, "Authorization", "Basic eDp5"), "")
		if d := cmp.Diff(c.want, o.waf.Rules); d != "" || o.err != nil {
			t.Errorf("%s: %v\n%s", c.name, o.err, d)
		}
	}
}

// Rules see responses, and the outbound score counts for them.
func TestResponse(t *testing.T) {
	e := open(t, `SecRule RESPONSE_STATUS "@streq 500" "id:1,phase:3"
SecRule RESPONSE_HEADERS:server|RESPONSE_CONTENT_TYPE|RESPONSE_PROTOCOL|STATUS_LINE "@rx ." "id:2,phase:3,setvar:'tx.h=%{tx.h} %{MATCHED_VAR}'"
SecRule RESPONSE_BODY "@contains error" "id:3,phase:4,setvar:tx.blocking_outbound_anomaly_score=4"
SecRule RESPONSE_CONTENT_LENGTH "@eq 8" "id:4,phase:4,deny"
`, transaction.Config{Outbound: 3, Inbound: 9})
	x := get("/")
	in := e.Begin(x)
	_, _ = in.RequestHead(time.Time{})
	_, _ = in.RequestBody(nil, false, time.Time{})
	_, _ = in.ResponseHead(&exchange.Response{Status: 500, Proto: exchange.HTTP11, Phrase: "No", Header: exchange.Header{{Name: "Server", Value: "s"}, {Name: "Content-Type", Value: "text/html; charset=utf-8"}}}, time.Time{})
	a, err := in.ResponseBody(strings.NewReader("an error"), false, time.Time{})
	tx := in.TX()
	in.End(&x.WAF)
	if a == nil || err == nil || x.WAF.Score != 4 || x.WAF.Threshold != 3 || x.WAF.Phase != "response_body" || tx["h"] != "tx.h s text/html HTTP/1.1 HTTP/1.1 500 No" {
		t.Errorf("%v %v %+v %q", a, err, x.WAF, tx["h"])
	}
	if d := cmp.Diff([]int{1, 2, 3, 4}, x.WAF.Rules); d != "" {
		t.Error(d)
	}
}
