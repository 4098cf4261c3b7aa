package crs_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// blocking is the gateway as most run it. Its only site has a name: what names none is no site's.
const blocking = `
listen: [{address: "127.0.0.1:0"}]
drain_timeout: 5s
sites:
  - names: [shop.test]
    origin: {urls: ["http://%s"]}
    waf: {mode: block, paranoia: 1, time_limit: 1m, rules: [reference.conf]}
`

// TestRulesSeeWhatIsRefused holds that a request which is refused for its form comes to the rules as it came on the wire, that its answer is the refusal all
// the same, and that nothing of it gets to the origin.
func TestRulesSeeWhatIsRefused(t *testing.T) {
	g := startWith(t, blocking)
	for _, c := range []struct {
		name, raw string
		status    int
		reason    string
		verdict   string // "" where no rules look
		rule      int
		target    string // "" where rules name one of several
	}{
		{"bare LF", "GET /?q=<script>alert(1)</script> HTTP/1.1\nHost: shop.test\nUser-Agent: a\n\n", 400, "http1.bare_lf", "block", 941100, "ARGS:q"},
		{"fault in the request line, attack in a field behind it", "GET /  HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: sqlmap/1.0\r\n\r\n", 400, "http1.bad_request_line", "block", 913100, "REQUEST_HEADERS:User-Agent"},
		{"two Hosts", "GET /?q=<script>alert(1)</script> HTTP/1.1\r\nHost: shop.test\r\nHost: b.test\r\nUser-Agent: a\r\n\r\n", 400, "http1.bad_host", "block", 941100, "ARGS:q"},
		{"name with an underscore and one with a space", "GET / HTTP/1.1\r\nHost: shop.test\r\nX_Odd: ${jndi:ldap://x.test/a}\r\nBad Name: 1\r\nUser-Agent: a\r\n\r\n", 400, "http1.bad_header", "block", 944150, "REQUEST_HEADERS:X_Odd"},
		{"version", "GET / JUNK/1.0\r\nHost: shop.test\r\nUser-Agent: a\r\n\r\n", 400, "http1.bad_request_line", "block", 920430, "REQUEST_PROTOCOL"},
		{"request line of its own kind", "GET \\index.html HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: a\r\n\r\n", 400, "http1.bad_target", "pass", 920100, "REQUEST_LINE"},
		{"length and coding", "POST / HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "http1.cl_and_te", "block", 920181, ""},
		{"method that the site does not let pass", "TRACE /?q=<script>alert(1)</script> HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: a\r\n\r\n", 405, "client.bad_request", "block", 911100, "REQUEST_METHOD"},
		{"path that the site does not let pass", "GET /..%2f..%2fetc/passwd HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: a\r\n\r\n", 400, "client.path_refused", "block", 930110, "REQUEST_URI_RAW"},
		{"good form", "GET /?q=<script>alert(1)</script> HTTP/1.0\r\nHost: shop.test\r\nUser-Agent: a\r\nConnection: close\r\n\r\n", 403, "waf.blocked_request", "block", 941100, "ARGS:q"},
		{"no site", "GET /?q=<script>alert(1)</script> HTTP/1.1\nHost: none.test\n\n", 400, "http1.bare_lf", "", 0, ""},
		{"no Host", "GET /?q=<script>alert(1)</script> HTTP/1.1\r\n\r\n", 400, "http1.bad_host", "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := g.exchange([]byte(c.raw))
			if o.err != nil || o.record == nil {
				t.Fatal(&o, o.err)
			}
			if o.status != c.status || o.record.Status != c.status || o.record.Reason != c.reason {
				t.Errorf("answered %d, recorded %d %s; want %d %s", o.status, o.record.Status, o.record.Reason, c.status, c.reason)
			}
			if len(o.record.Attempts) > 0 {
				t.Error("it went to the origin")
			}
			w := o.record.WAF
			if w == nil {
				if c.verdict != "" {
					t.Error("rules did not look")
				}
				return
			}
			if w.Verdict != c.verdict || w.Verdict == "block" && w.Score < w.Threshold {
				t.Errorf("verdict %s, score %d of %d; want %s", w.Verdict, w.Score, w.Threshold, c.verdict)
			}
			ids, _ := said(o.record)
			i := slices.Index(ids, c.rule)
			if i < 0 || c.target != "" && !strings.EqualFold(w.Rules[i].Target, c.target) {
				t.Errorf("rule %d does not match %s\n%s", c.rule, c.target, &o)
			}
		})
	}
}

// TestRefusedHeadInPieces holds that a fault early in a head does not hide what comes in a later packet, and that a client which never ends its head is answered all the same.
func TestRefusedHeadInPieces(t *testing.T) {
	g := startWith(t, blocking)
	for _, c := range []struct {
		name   string
		pieces []string
		rules  bool
	}{
		{"ended", []string{"GET / ODD/1.0\r\n", "Host: shop.test\r\nUser-Agent: sql", "map/1.0\r\n\r\n"}, true},
		{"never ended", []string{"GET / ODD/1.0\r\n", "Host: shop.test\r\nUser-Agent: sqlmap/1.0\r\n"}, true},
		{"only a line", []string{"GET / ODD/1.0\r\n"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, written, err := g.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			defer g.log.forget(conn.LocalAddr().String())
			_ = conn.SetDeadline(time.Now().Add(patience))
			for _, p := range c.pieces {
				if _, err := conn.Write([]byte(p)); err != nil {
					t.Fatal(err)
				}
			}
			if status, err := readAnswer(conn, "GET"); status != 400 || err != nil {
				t.Errorf("answered %d, %v", status, err)
			}
			o := outcome{}
			select {
			case o.record = <-written:
			case <-time.After(patience):
				t.Fatal("nothing in the access log")
			}
			if (o.record.WAF != nil) != c.rules {
				t.Fatalf("rules looked: %v", !c.rules)
			}
			if c.rules && !slices.ContainsFunc(o.record.WAF.Rules, func(r rule) bool { return r.ID == 913100 }) {
				t.Errorf("rules did not see the last field\n%s", &o)
			}
		})
	}
}
