package audit_test

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/audit"
)

var update = flag.Bool("update", false, "rewrite golden files")

// open returns a Log whose boundaries do not change.
func open(t testing.TB, cfg audit.Config) *audit.Log {
	t.Helper()
	if cfg.Version == "" {
		cfg.Version = "1.2.3"
	}
	if cfg.Boundary == nil {
		cfg.Boundary = func() string { return "0123456789abcdef" }
	}
	l, err := audit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// clean is a request in which no rule found anything.
func clean() *exchange.Exchange {
	x := &exchange.Exchange{
		ID: "01J9ZQ4R8M3V5K7W2X6Y0B1C2D", Start: time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC), Site: "shop.test", Route: "/api",
		Client: &exchange.Client{
			Addr: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:443"), Listener: ":443",
			TLS: &exchange.ClientTLS{Version: 0x304, ServerName: "shop.test"},
		},
	}
	r := &x.Request
	r.Method, r.Target, r.Path, r.Query, r.HasQuery = "GET", "/search?q=shoes&token=abc", "/search", "q=shoes&token=abc", true
	r.Scheme, r.Authority, r.Proto, r.Body = "https", "shop.test", exchange.HTTP11, exchange.NoBody
	r.Header = exchange.Header{
		{Name: "Host", Value: "shop.test"}, {Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Cookie", Value: "sid=5ecr3t; lang=de"},
		{Name: "Authorization", Value: "Basic dXNlcjpwYXNz"}, {Name: "X-A", Value: "1"}, {Name: "x-a", Value: "2"},
	}
	x.Answer = exchange.Answer{
		Status: 200, Origin: true, BytesOut: 5, Duration: 12345 * time.Microsecond, First: 11 * time.Millisecond,
		Header: exchange.Header{{Name: "Content-Type", Value: "text/plain"}, {Name: "Set-Cookie", Value: "sid=n3w; Path=/"}},
	}
	x.WAF = exchange.WAF{Mode: "block", Verdict: "pass", Threshold: 5, Spent: 30 * time.Microsecond}
	return x
}

func sqli(target, part string) exchange.Match {
	return exchange.Match{
		ID: 942100, Message: "SQL Injection Attack Detected via libinjection", Severity: "critical", Score: 5, Target: target, Part: part,
		Data: "Matched Data: s&1 found within " + target + ": " + part, Tags: []string{"attack-sqli", "paranoia-level/1", "OWASP_CRS"},
		Transformations: "t:urlDecodeUni", Paranoia: 1, Scoring: true,
		File: "@owasp_crs/REQUEST-942-APPLICATION-ATTACK-SQLI.conf", Line: 46, Ver: "OWASP_CRS/4.25.0",
	}
}

// blocked is a form with an attack, by the score.
func blocked() *exchange.Exchange {
	x := clean()
	r := &x.Request
	r.Method, r.Target, r.Path, r.Query, r.HasQuery = "POST", "/login", "/login", "", false
	r.Header.Add("Content-Type", "application/x-www-form-urlencoded")
	body := "name=1%27+or+1%3D1&password=hunter2&note=%7B%22pin%22%3A1234%7D&last=x"
	x.Answer = exchange.Answer{
		Status: 403, Reason: reason.WAFBlockedRequest, Detail: "rule 949110", BytesIn: int64(len(body)), BytesOut: 700,
		Duration: 2 * time.Millisecond, First: time.Millisecond, Header: exchange.Header{{Name: "Content-Type", Value: "text/html"}},
	}
	x.WAF = exchange.WAF{
		Mode: "block", Verdict: "block", Phase: "request_body", Score: 5, Threshold: 5, Rules: []int{942100, 949110}, Spent: 80 * time.Microsecond,
		Inspected: int64(len(body)), Of: int64(len(body)),
		Matches: []exchange.Match{sqli("ARGS_POST:name", "1' or 1=1"), {
			ID: 949110, Message: "Inbound Anomaly Score Exceeded (Total Score: 5)", Target: "TX:blocking_inbound_anomaly_score", Part: "5",
			Tags: []string{"anomaly-evaluation"}, File: "@owasp_crs/REQUEST-949-BLOCKING-EVALUATION.conf", Line: 222, Ver: "OWASP_CRS/4.25.0",
		}},
		Audit: exchange.Audit{Asked: true, RequestBody: body},
	}
	return x
}

// detected is an upload that mode detect let pass.
func detected() *exchange.Exchange {
	x := blocked()
	x.Request.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	x.WAF.Mode, x.WAF.Verdict = "detect", "detect"
	x.Answer.Status, x.Answer.Origin, x.Answer.Reason, x.Answer.Detail = 200, true, "", ""
	x.WAF.Audit.RequestBody = "--B\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nfile content\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\na b\r\n--B--\r\n"
	x.WAF.Audit.Files = []exchange.File{{Name: "a.txt", Type: "text/plain", Size: 12}}
	x.WAF.Audit.ResponseBody = `{"ok":true,"session":{"id":"deadbeef"},"items":[1,2]}`
	x.Answer.Header = exchange.Header{{Name: "Content-Type", Value: "application/json"}}
	x.WAF.Audit.Unlogged = []exchange.Match{{ID: 100, Message: "seen", Target: "REQUEST_URI", Part: "/login"}}
	x.WAF.Matches = append(x.WAF.Matches, exchange.Match{ID: 101, Message: "says noauditlog", NoAudit: true, Target: "ARGS"},
		exchange.Match{Message: "waf.skipped_by_limit: only the beginning was inspected", Target: "REQUEST_BODY"})
	return x
}

// golden compares got with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/"+name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s -want +got:\n%s", name, d)
	}
}

// secrets are what no record may hold.
func secrets() []string {
	return []string{"5ecr3t", "dXNlcjpwYXNz", "hunter2", "n3w", "token=abc", "deadbeef", "1234}", "file content"}
}

func noSecrets(t *testing.T, record string) {
	t.Helper()
	for _, s := range secrets() {
		if strings.Contains(record, s) {
			t.Errorf("%q is in\n%s", s, record)
		}
	}
}
