package policy_test

import (
	"flag"
	"os"
	"strings"
	"testing"
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
	var b strings.Builder
	for _, c := range []struct {
		name, path string
		w          exchange.WAF
	}{
		{"one rule", "/search", exchange.WAF{Verdict: "block", Phase: "request_body", Score: 5, Threshold: 5, Matches: []exchange.Match{match(942100, 5, "ARGS:q"), decided}}},
		{"the highest suffice", "/b%20c/", exchange.WAF{Verdict: "detect", Phase: "request_body", Score: 11, Threshold: 5, Matches: []exchange.Match{match(1, 3, "ARGS:a"), match(2, 5, "REQUEST_HEADERS:X"), match(3, 3, "ARGS:b"), decided}}},
		{"names that cannot be written", "/a%25b/c", exchange.WAF{Verdict: "block", Score: 10, Threshold: 5, Matches: []exchange.Match{match(1, 5, "ARGS:a b"), match(2, 5, "TX:1"), decided}}},
		{"dot segments", "/a/%2e%2E/b", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(1, 5, "ARGS:a")}}},
		{"a rule that decides alone", "/x", exchange.WAF{Verdict: "block", Threshold: 5, Matches: []exchange.Match{match(100001, 0, "REQUEST_FILENAME")}}},
		{"a rule that decides alone, and others", "/x", exchange.WAF{Verdict: "block", Score: 8, Threshold: 5, Matches: []exchange.Match{match(100001, 0, "REQUEST_FILENAME"), match(1, 5, "ARGS:a"), match(2, 3, "ARGS:b")}}},
		{"a rule that decides alone and scores", "/x", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(100001, 5, "REQUEST_FILENAME")}}},
		{"too many arguments", "/x", exchange.WAF{Verdict: "block", Phase: "request_body", Score: 5, Threshold: 5, Matches: []exchange.Match{match(200007, 0, "ARGUMENTS_LIMIT_REACHED"), match(1, 5, "ARGS:a")}}},
		{"bytes of the client's", "/\x1b[2J\xff", exchange.WAF{Verdict: "block", Score: 10, Threshold: 5, Matches: []exchange.Match{
			{ID: 1, Score: 5, Message: "seen \x1b]0;x\a", Severity: "c\x00", Target: "ARGS:x\x1b[31m\a\x00", Part: "\x1b\xff\u202e"}, match(2, 5, "ARGS:\u202eé\xff"), decided, {Message: "note \x1b[1m"}}}},
		{"a path of letters", "/m%C3%BCller", exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(1, 5, "ARGS:straße"), decided}}},
		{"a body that cannot be read", "/x", exchange.WAF{Verdict: "block", Phase: "request_body", Threshold: 5, Matches: []exchange.Match{match(200002, 0, "REQBODY_ERROR")}}},
		{"too big", "/x", exchange.WAF{Verdict: "block", Phase: "request_body", Threshold: 5, Matches: []exchange.Match{match(1, 5, "ARGS:a"), {Message: "limit.body_too_big: the request body is longer than the 10 bytes that rules look at"}}}},
		{"failed", "/x", exchange.WAF{Verdict: "error", Phase: "request_body", Threshold: 5, Matches: []exchange.Match{{Message: "waf.fail_open: let pass without inspection, for rules failed: waf.timeout"}}}},
		{"passed", "/x", exchange.WAF{Verdict: "pass", Threshold: 5}},
		{"off", "/x", exchange.WAF{}},
	} {
		b.WriteString("== " + c.name + "\n" + policy.Explain(&c.w, policy.Explained{Path: c.path}) + "\n")
	}
	one := exchange.WAF{Verdict: "block", Score: 5, Threshold: 5, Matches: []exchange.Match{match(1, 5, "ARGS:a"), decided}}
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
