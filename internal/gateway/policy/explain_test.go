package policy_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestExplain(t *testing.T) {
	match := func(id, score int, target string) exchange.Match {
		return exchange.Match{ID: id, Score: score, Target: target, Message: "A message", Severity: "critical", Part: "a \"part\""}
	}
	decided := exchange.Match{ID: 949110, Message: "Inbound Anomaly Score Exceeded", Target: "TX:blocking_inbound_anomaly_score"}
	alone := func(id int, target, data string) exchange.WAF {
		return exchange.WAF{Verdict: "block", Phase: "request_body", Threshold: 5, Matches: []exchange.Match{{ID: id, Message: "A message", Target: target, Part: "1", Data: data}}}
	}
	failed := func(note string) exchange.WAF {
		return exchange.WAF{Verdict: "error", Phase: "request_body", Threshold: 5, Spent: 5001 * time.Millisecond, Matches: []exchange.Match{{Message: "waf.fail_closed: " + note}}}
	}
	var b strings.Builder
	for _, c := range []struct {
		name, path string
		w          exchange.WAF
	}{
		{"one rule", "/search", exchange.WAF{Verdict: "block", Phase: "request_body", Score: 5, Threshold: 5, Matches: []exchange.Match{match(942100, 5, "ARGS:q"), decided}}},
		{"the highest suffice", "/b%20c/", exchange.WAF{Verdict: "detect", Phase: "request_body", Score: 11, Threshold: 5, Matches: []exchange.Match{match(941100, 3, "ARGS:a"), match(942200, 5, "REQUEST_HEADERS:X"), match(932100, 3, "ARGS:b"), decided}}},
		{"names that cannot be written", "/a%25b/c", exchange.WAF{Verdict: "block", Score: 10, Threshold: 5, Matches: []exchange.Match{match(941100, 5, "ARGS:a b"), match(942200, 5, "TX:1"), decided}}},
		{"dot segments", "/a/%2e%2E/b", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(941100, 5, "ARGS:a")}}},
		{"a rule that decides alone", "/x", exchange.WAF{Verdict: "block", Threshold: 5, Matches: []exchange.Match{match(911100, 0, "REQUEST_FILENAME")}}},
		{"a rule that decides alone, and others", "/x", exchange.WAF{Verdict: "block", Score: 8, Threshold: 5, Matches: []exchange.Match{match(911100, 0, "REQUEST_FILENAME"), match(941100, 5, "ARGS:a"), match(942200, 3, "ARGS:b")}}},
		{"a rule that decides alone and scores", "/x", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(911100, 5, "REQUEST_FILENAME")}}},
		{"too many values, an old record", "/x", exchange.WAF{Verdict: "block", Phase: "request_body", Score: 5, Threshold: 5, Matches: []exchange.Match{match(200007, 0, "ARGUMENTS_LIMIT_REACHED"), match(941100, 5, "ARGS:a")}}},
		{"too many leaves", "/x", alone(200007, "ARGUMENTS_LIMIT_REACHED", "waf.leaves: rules look at 10000 values of a body of type JSON")},
		{"too many arguments", "/x", alone(200007, "ARGUMENTS_LIMIT_REACHED", "waf.arguments: rules look at 3000 values of a form")},
		{"too many files", "/x", alone(200007, "ARGUMENTS_LIMIT_REACHED", "rules look at 1000 files of a multipart body")},
		{"too deep", "/x", alone(200002, "REQBODY_ERROR", "waf.depth: JSON: read JSON: nested deeper than 256 at byte 256")},
		{"a body that is no JSON", "/x", alone(200002, "REQBODY_ERROR", "JSON: read JSON: a value that is none at byte 4")},
		{"a count", "/x", exchange.WAF{Verdict: "block", Phase: "request_headers", Score: 5, Threshold: 5, Matches: []exchange.Match{match(920340, 5, "&REQUEST_HEADERS:Content-Type"), decided}}},
		{"what the rule says", "/x", exchange.WAF{Verdict: "block", Phase: "request_body", Score: 5, Threshold: 5, Matches: []exchange.Match{
			{ID: 942190, Score: 5, Message: "A message", Severity: "critical", Target: "ARGS:q", Part: "query { user(id: 1) }", Data: "Matched Data: user( found\x1b within ARGS:q"}, decided}}},
		{"an own rule", "/x", exchange.WAF{Verdict: "block", Threshold: 5, Matches: []exchange.Match{{ID: 113, Message: "Too fast", Target: "REQUEST_FILENAME", Part: "/x", File: "/etc/own.conf", Line: 17}}}},
		{"an own rule, in a record without its place", "/x", exchange.WAF{Verdict: "block", Threshold: 5, Matches: []exchange.Match{{ID: 113, Target: "REQUEST_FILENAME"}}}},
		{"an own rule, and the score", "/x", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{{ID: 113, Target: "ARGS:a", File: "own.conf", Line: 17}, match(941100, 5, "ARGS:a")}}},
		{"an own rule that scores", "/x", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{{ID: 113, Score: 5, Severity: "critical", Message: "Odd", Target: "ARGS:a", File: "own.conf", Line: 17}, decided}}},
		{"a response", "/x", exchange.WAF{Verdict: "block", Phase: "response_body", Score: 4, Threshold: 4, Matches: []exchange.Match{match(951100, 4, "RESPONSE_BODY"), {ID: 959100, Message: "Outbound Anomaly Score Exceeded", Target: "TX:blocking_outbound_anomaly_score"}}}},
		{"no time", "/x", failed("ended, for rules failed: waf.timeout (time for rules is spent in phase 2, after 7 bytes that they looked at, waf.time_limit)")},
		{"too much work", "/x", failed("ended, for rules failed: waf.timeout (work for rules is spent in phase 2, after 7 bytes that they looked at of 6, waf.work_limit)")},
		{"a busy machine", "/x", failed("let pass without inspection, for rules failed: waf.timeout (rules were busy with other large bodies for 30s)")},
		{"another fault", "/x", failed("ended, for rules failed: waf.engine_error (panic in a rule)")},
		{"passed with matches", "/x", exchange.WAF{Verdict: "pass", Threshold: 5, Matches: []exchange.Match{{ID: 131, Message: "Seen", Target: "ARGS:a", Part: "b", File: "own.conf", Line: 3}, {ID: 980170, Message: "Anomaly Scores"}}}},
		{"switched off", "/x", exchange.WAF{Verdict: "pass", Threshold: 5, Matches: []exchange.Match{{Message: "rules were switched off for this request by one of them (ctl:ruleEngine=Off)"}}}},
		{"bytes of the client's", "/\x1b[2J\xff", exchange.WAF{Verdict: "block", Score: 10, Threshold: 5, Matches: []exchange.Match{
			{ID: 941100, Score: 5, Message: "seen \x1b]0;x\a", Severity: "c\x00", Target: "ARGS:x\x1b[31m\a\x00", Part: "\x1b\xff\u202e"}, match(942200, 5, "ARGS:\u202eé\xff"), decided, {Message: "note \x1b[1m"}}}},
		{"a path of letters", "/m%C3%BCller", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(941100, 5, "ARGS:straße"), decided}}},
		{"a body that cannot be read", "/x", exchange.WAF{Verdict: "block", Phase: "request_body", Threshold: 5, Matches: []exchange.Match{match(200002, 0, "REQBODY_ERROR")}}},
		{"too big", "/x", exchange.WAF{Verdict: "block", Phase: "request_body", Threshold: 5, Matches: []exchange.Match{match(941100, 5, "ARGS:a"), {Message: "limit.body_too_big: the request body is longer than the 10 bytes that rules look at"}}}},
		{"failed", "/x", exchange.WAF{Verdict: "error", Phase: "request_body", Threshold: 5, Matches: []exchange.Match{{Message: "waf.fail_open: let pass without inspection, for rules failed: waf.timeout"}}}},
		{"passed", "/x", exchange.WAF{Verdict: "pass", Threshold: 5}},
		{"off", "/x", exchange.WAF{}},
	} {
		b.WriteString("== " + c.name + "\n" + policy.Explain(&c.w, policy.Explained{Path: c.path}) + "\n")
	}
	one := exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(941100, 5, "ARGS:a"), decided}}
	for _, r := range []policy.Explained{
		{Path: "/x", Site: "blog.test", Key: "sites[1]"}, {Path: "/x", Site: "blog.test", Route: "/x", Key: "sites[1].routes[0]"},
		{Path: "/x", Site: "blog.test"}, {Path: "/x", Site: "blog.test", Route: "/x"},
	} {
		b.WriteString("== at " + r.Site + r.Route + " " + r.Key + "\n" + policy.Explain(&one, r) + "\n")
	}
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar }); i >= 0 {
		t.Errorf("control bytes in the text: %q", b.String()[i:])
	}
	if *update {
		if err := os.WriteFile("testdata/explain.golden", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/explain.golden")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
