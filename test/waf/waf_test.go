// Package waf_test holds policy, the first rules engine and redaction to their promises together.
//
// Input: requests and responses as the listener and the origin leg would hand them over. Output: none but failures.
// Promises: the proposals of policy.Explain, read back as configuration, let exactly the explained request pass.
// Non-goals: the wire.
package waf_test

import (
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
	"github.com/lunette-waf/lunette/internal/rules"
)

// text is a body of a known text.
type text struct{ *strings.Reader }

func (text) Trailer() exchange.Header { return nil }
func (text) Close() error             { return nil }

type call struct{ method, target, mime, body, field, value string }

func (c call) exchange() *exchange.Exchange {
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Client: &exchange.Client{Addr: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:443")}}
	r := &x.Request
	r.Method, r.Target, r.Scheme, r.Authority, r.Proto = c.method, c.target, "https", "shop.test", exchange.HTTP11
	r.Path, r.Query, r.HasQuery = strings.Cut(c.target, "?")
	r.Header = exchange.Header{{Name: "Host", Value: "shop.test"}, {Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Accept", Value: "*/*"}}
	r.Body = exchange.NoBody
	if c.mime != "" {
		r.Header.Add("Content-Type", c.mime)
		r.Header.Add("Content-Length", "100")
		r.Body, r.Length = text{strings.NewReader(c.body)}, int64(len(c.body))
	}
	if c.field != "" {
		r.Header.Add(c.field, c.value)
	}
	return x
}

func stage(t testing.TB, f *rules.Factory, cfg policy.Config, s rules.Settings) *policy.Stage {
	t.Helper()
	m, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Mask = m.Part
	if cfg.Budget == 0 {
		cfg.Budget = -1 // a busy machine is no subject of these tests
	}
	e, err := f.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	p, err := policy.New(cfg, policy.Use(e))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask takes c through the request's part.
func ask(t testing.TB, p *policy.Stage, c call) (policy.Decision, exchange.WAF) {
	t.Helper()
	x := c.exchange()
	tx := p.Begin(x)
	d := tx.Request(t.Context())
	if b, err := io.ReadAll(x.Request.Body); !d.Stop() && (err != nil || string(b) != c.body) {
		t.Errorf("origin gets %q, %v", b, err)
	}
	tx.End()
	return d, x.WAF
}

// exclusions reads what Explain proposes as the configuration would.
func exclusions(t *testing.T, explained string) (out []rules.Exclusion) {
	t.Helper()
	_, rest, ok := strings.Cut(explained, "\nwaf:\n")
	if !ok {
		t.Fatalf("no proposal in\n%s", explained)
	}
	part, _, _ := strings.Cut(rest, "\n\n")
	var c struct {
		WAF struct {
			Exclusions []struct {
				Rule   int
				Target string
				Path   string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions([]byte("waf:\n"+part), &c, yaml.Strict()); err != nil {
		t.Fatalf("%v in\n%s", err, explained)
	}
	for _, e := range c.WAF.Exclusions {
		out = append(out, rules.Exclusion{Rules: []int{e.Rule}, Target: e.Target, Path: e.Path})
	}
	return out
}

const (
	form  = "application/x-www-form-urlencoded"
	sqli  = "1'+OR+'1'='1'+UNION+SELECT+password+FROM+users--+"
	multi = "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n"
)

func TestExplainedExclusionLetsTheRequestPass(t *testing.T) {
	f := rules.NewFactory()
	plain := stage(t, f, policy.Config{}, rules.Settings{})
	for _, c := range []struct{ this, other call }{
		{call{method: "GET", target: "/search?q=" + sqli}, call{method: "GET", target: "/search?r=" + sqli}},
		{call{method: "GET", target: "/search?q=" + sqli}, call{method: "GET", target: "/find?q=" + sqli}},
		{call{method: "GET", target: "/a%20b/?q=" + sqli}, call{method: "GET", target: "/a%20b/?r=" + sqli}},
		{call{method: "GET", target: "/x?" + sqli}, call{method: "GET", target: "/y?" + sqli}},
		{call{method: "POST", target: "/edit", mime: form, body: "html=%3Cscript%3Ealert(1)%3C/script%3E"}, call{method: "POST", target: "/edit", mime: form, body: "name=%3Cscript%3Ealert(1)%3C/script%3E"}},
		{call{method: "POST", target: "/api", mime: "application/json", body: `{"a":[{"b":"<script>alert(1)</script>"}]}`}, call{method: "POST", target: "/api", mime: "application/json", body: `{"c":"<script>alert(1)</script>"}`}},
		{call{method: "POST", target: "/api", mime: "text/xml", body: `<a>&lt;script&gt;alert(1)&lt;/script&gt;</a>`}, call{method: "POST", target: "/b", mime: "text/xml", body: `<a>&lt;script&gt;alert(1)&lt;/script&gt;</a>`}},
		{call{method: "POST", target: "/up", mime: "multipart/form-data; boundary=b", body: multi}, call{method: "POST", target: "/up", mime: "multipart/form-data; boundary=b", body: strings.Replace(multi, `"t"`, `"u"`, 1)}},
		{call{method: "GET", target: "/", field: "Cookie", value: "a=1' OR '1'='1' UNION SELECT 1"}, call{method: "GET", target: "/", field: "Cookie", value: "b=1' OR '1'='1' UNION SELECT 1"}},
		{call{method: "GET", target: "/", field: "X-Note", value: "${jndi:ldap://x.test/a}"}, call{method: "GET", target: "/", field: "X-Other", value: "${jndi:ldap://x.test/a}"}},
		{call{method: "GET", target: "/?file=../../../../etc/passwd"}, call{method: "GET", target: "/?f=../../../../etc/passwd"}},
		{call{method: "GET", target: "/?cmd=;cat%20/etc/passwd"}, call{method: "GET", target: "/?c=;cat%20/etc/passwd"}},
		{call{method: "GET", target: "/db.sql"}, call{method: "GET", target: "/other.sql"}},
		{call{method: "TRACK", target: "/"}, call{method: "TRACK", target: "/a"}},
		{call{method: "POST", target: "/json", mime: "application/json", body: `{"a":`}, call{method: "POST", target: "/b", mime: "application/json", body: `{"a":`}},
		{call{method: "POST", target: "/multi", mime: "multipart/form-data; boundary=b", body: "x\r\n" + strings.Replace(multi, "<script>alert(1)</script>", "hello", 1)}, call{method: "POST", target: "/b", mime: "multipart/form-data; boundary=b", body: "x\r\n" + strings.Replace(multi, "<script>alert(1)</script>", "hello", 1)}},
		{call{method: "POST", target: "/bin", mime: "application/x-odd", body: "x"}, call{method: "POST", target: "/b", mime: "application/x-odd", body: "x"}},
	} {
		d, w := ask(t, plain, c.this)
		if !d.Stop() {
			t.Errorf("%+v passes: %+v", c.this, w)
			continue
		}
		said := policy.Explain(&w, policy.Explained{Path: strings.Split(c.this.target, "?")[0]})
		mended := stage(t, f, policy.Config{}, rules.Settings{Exclusions: exclusions(t, said)})
		if d, w := ask(t, mended, c.this); d.Stop() {
			t.Errorf("%+v is still blocked, after\n%s\nby %+v", c.this, said, w.Matches)
		}
		if d, _ := ask(t, mended, c.other); !d.Stop() {
			t.Errorf("%+v passes as well, after\n%s", c.other, said)
		}
	}
}

func TestRecord(t *testing.T) {
	p := stage(t, rules.NewFactory(), policy.Config{}, rules.Settings{})
	d, w := ask(t, p, call{method: "GET", target: "/", field: "Cookie", value: "session=1' OR '1'='1' UNION SELECT verysecret"})
	if d.Reason.Code != reason.WAFBlockedRequest || d.Answer.Status != 403 || w.Mode != "block" || w.Verdict != "block" || w.Phase != "request_body" || w.Score < w.Threshold || w.Spent <= 0 {
		t.Errorf("%+v %+v", d, w)
	}
	for _, m := range w.Matches {
		if strings.Contains(m.Part, "verysecret") {
			t.Errorf("a cookie is not masked: %+v", m)
		}
	}
	if _, w := ask(t, p, call{method: "POST", target: "/", mime: form, body: "a=b"}); w.Verdict != "pass" || w.Inspected != 3 || w.Of != 3 {
		t.Errorf("%+v", w)
	}
}

func TestDetectChangesNothing(t *testing.T) {
	p := stage(t, rules.NewFactory(), policy.Config{Mode: policy.Detect, RequestLimit: 2}, rules.Settings{Detect: true})
	for _, c := range []call{
		{method: "GET", target: "/?q=" + sqli},
		{method: "POST", target: "/", mime: "application/json", body: "{"},
		{method: "POST", target: "/", mime: form, body: "q=" + sqli, field: "X-Note", value: "${jndi:ldap://x.test/a}"},
	} {
		if d, w := ask(t, p, c); d.Stop() || w.Verdict != "detect" {
			t.Errorf("%+v: %+v %+v", c, d, w)
		}
	}
}

func TestLeak(t *testing.T) {
	p := stage(t, rules.NewFactory(), policy.Config{}, rules.Settings{})
	for page, stop := range map[string]bool{
		"<b>Warning</b>: You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version": true,
		"<p>Welcome</p>": false,
	} {
		x := call{method: "GET", target: "/"}.exchange()
		tx := p.Begin(x)
		r := &exchange.Response{Status: 200, Proto: exchange.HTTP11, Header: exchange.Header{{Name: "Content-Type", Value: "text/html"}}, Length: exchange.Chunked, Body: text{strings.NewReader(page)}}
		if tx.Request(t.Context()).Stop() {
			t.Fatal("the request is blocked")
		}
		d := tx.Response(t.Context(), r)
		tx.End()
		if d.Stop() != stop || stop && (d.Reason.Code != reason.WAFBlockedResponse || x.WAF.Phase != "response_body") {
			t.Errorf("%q: %+v %+v", page, d, x.WAF)
		}
	}
}

// A rule set that takes too long is stopped, and the exchange ends or passes as set.
func TestBudget(t *testing.T) {
	f := rules.NewFactory()
	for _, open := range []bool{false, true} {
		p := stage(t, f, policy.Config{Budget: time.Nanosecond, FailOpen: open}, rules.Settings{})
		d, w := ask(t, p, call{method: "GET", target: "/"})
		if d.Stop() == open || d.Stop() && d.Reason.Code != reason.WAFTimeout || w.Verdict != "error" {
			t.Errorf("open %v: %+v %+v", open, d, w)
		}
	}
}

func TestConcurrent(t *testing.T) {
	f := rules.NewFactory()
	p := stage(t, f, policy.Config{Memory: 10}, rules.Settings{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if d, _ := ask(t, p, call{method: "POST", target: "/", mime: form, body: "q=" + sqli}); !d.Stop() {
					t.Error("passes")
				}
				if d, w := ask(t, p, call{method: "POST", target: "/", mime: form, body: "q=" + strings.Repeat("harmless+", 100)}); d.Stop() {
					t.Errorf("blocked: %+v", w)
				}
			}
		})
	}
	wg.Wait()
}
