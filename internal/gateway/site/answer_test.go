package site

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

func TestNegotiate(t *testing.T) {
	for accept, want := range map[string]format{
		"":    formatAny,
		"*/*": formatAny,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": formatHTML,
		"application/json":                           formatJSON,
		"application/json, text/plain, */*":          formatJSON,
		"application/problem+json":                   formatProblem,
		"text/plain":                                 formatText,
		"TEXT/Plain;q=0.5, application/JSON; Q=0.25": formatText,
		"text/*":                                formatHTML,
		"text/html;q=0, application/json;q=0.1": formatJSON,
		"text/html;q=0":                         formatAny,
		"text/html;q=0.3;level=1, application/*;q=.4": formatJSON,
		"image/png":                                formatAny,
		"text/html;q=nonsense, text/plain;q=0.9":   formatHTML,
		",,;q=1, /, */":                            formatAny,
		strings.Repeat("a/b,", 1000) + "text/html": formatAny,
	} {
		if got := negotiate(exchange.Header{{Name: "accept", Value: accept}}); got != want {
			t.Errorf("%.60q: %d, want %d", accept, got, want)
		}
	}
}

func TestAnswerFormats(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct{ accept, contentType, body string }{
		{"*/*", "text/plain; charset=utf-8", "502 Bad Gateway\n\nThe site gave no usable answer. Try again in a moment; if it stays so, tell the operator the id below.\n\n" +
			"id: 01JD0000000000000000000000\nreason: tcp.refused\ntime: 2026-11-22T14:00:00Z\n"},
		{"application/json", "application/json", ""},
		{"application/problem+json", "application/problem+json", ""},
		{"text/html", "text/html; charset=utf-8", ""},
	} {
		x := get("hello.test", "/", with("Accept", c.accept))
		r, body := tab.ErrorAnswer(x, nil, 0, reason.TCPRefused, "10.0.0.227:8443")
		if r.Status != 502 || r.Phrase != "Bad Gateway" || r.Length != int64(len(body)) || r.Header.Get("Content-Type") != c.contentType ||
			r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("X-Request-Id") != x.ID {
			t.Errorf("%s: %+v", c.accept, r)
		}
		if c.body != "" && string(body) != c.body {
			t.Errorf("%s: %q", c.accept, body)
		}
		if _, err := http.ParseTime(r.Header.Get("Date")); err != nil {
			t.Errorf("%s: Date: %v", c.accept, err)
		}
		if strings.Contains(string(body), "10.0.0.227") {
			t.Errorf("%s: the page names what stands behind the site:\n%s", c.accept, body)
		}
		if _, err := httpwire.AppendResponse(nil, r, httpwire.ResponseOptions{Method: "GET", Proto: exchange.HTTP11}); err != nil {
			t.Errorf("%s: %v", c.accept, err)
		}
	}
}

func TestAnswerJSON(t *testing.T) {
	x := get("hello.test", "/", with("Accept", "application/json"))
	_, body := (*Pages)(nil).Answer(x, 0, reason.WAFBlockedRequest, "")
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	want := map[string]any{
		"type": "about:blank", "title": "Forbidden", "status": 403.0, "id": x.ID, "reason": "waf.blocked_request", "time": "2026-11-22T14:00:00Z",
		"detail": "The request was blocked to protect the site. If you did nothing unusual, tell the operator the id below.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAnswerHTML(t *testing.T) {
	x := get("hello.test", "/", with("Accept", "text/html"))
	x.ID = `<script>"'&` + "\x00\r\n"
	r, body := (*Pages)(nil).Answer(x, 503, `x.<b>`, "")
	page := string(body)
	for _, want := range []string{
		"<title>503 Service Unavailable</title>", "<dd>&lt;script&gt;&#34;&#39;&amp;\ufffd\ufffd\ufffd</dd>", "<dd>x.&lt;b&gt;</dd>",
		`<time datetime="2026-11-22T14:00:00Z">`, `<html lang="en">`, "<main>", "<h1>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	for _, no := range []string{"http://", "https://", "<script", "url(", "@import", "<link", "<img", "{{"} {
		if strings.Contains(page, no) {
			t.Errorf("%q stands in\n%s", no, page)
		}
	}
	if csp := r.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}
}

func TestCustomPages(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	page := write("502.html", "<a title='{{id}}'>{{status}} {{ reason }} {{phrase}} {{other}} {{{status}}} {{time}} {{")
	tab := table(t, Config{Sites: []SiteConfig{{Names: []string{"a.test"}, ErrorPages: map[int]string{502: page, 404: write("404.html", "")}}}})
	for _, c := range []struct {
		accept      string
		status      int
		contentType string
		body        string // "" for any
	}{
		{"text/html", 502, "text/html; charset=utf-8", "<a title='x&#39;y'>502 tcp.refused Bad Gateway {{other}} {502} 2026-11-22T14:00:00Z {{"},
		{"*/*", 502, "text/html; charset=utf-8", ""},
		{"application/json", 502, "application/json", ""},
		{"text/plain", 502, "text/plain; charset=utf-8", ""},
		{"*/*", 504, "text/plain; charset=utf-8", ""},
	} {
		x := get("a.test", "/", with("Accept", c.accept))
		x.ID = "x'y"
		m, _ := tab.Match(x)
		r, body := tab.ErrorAnswer(x, &m, c.status, reason.TCPRefused, "")
		if r.Header.Get("Content-Type") != c.contentType || c.body != "" && string(body) != c.body {
			t.Errorf("%s %d: %v %s", c.accept, c.status, r.Header, body)
		}
		if c.contentType == "text/html; charset=utf-8" && r.Header.Has("Content-Security-Policy") {
			t.Error("a custom page got the built-in page's policy, which takes its images away")
		}
	}
	for name, files := range map[string]map[int]string{
		"too large": {500: write("large.html", strings.Repeat("x", MaxPage+1))}, "not UTF-8": {500: write("latin1.html", "\xe4")},
		"missing": {500: filepath.Join(dir, "none.html")}, "no error": {302: page}, "a folder": {500: dir},
	} {
		if _, err := LoadPages(files); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if p, err := LoadPages(map[int]string{500: write("max.html", strings.Repeat("x", MaxPage))}); err != nil || p.custom(500) == nil {
		t.Errorf("a page of the largest size: %v", err)
	}
}

func TestRefusal(t *testing.T) {
	tab := shop(t)
	x := get("hello.test", "/", method("TRACE"))
	m, f := tab.Match(x)
	r, _ := tab.Refusal(x, &m, f)
	if r.Status != 405 || r.Header.Get("Allow") != defaultAllow || r.Header.Get("Proxy-Status") != `lunette; error=http_request_error; details="client.bad_request"` {
		t.Errorf("%+v", r)
	}
}

// TestAnswerKeepsTheInsideIn: what a detail may name is for the log; no part of an answer says it.
func TestAnswerKeepsTheInsideIn(t *testing.T) {
	const inside = "127.0.0.1:19001 resolver 10.255.255.53:53 CN=Other CA, wanted shop.internal, rule 100001"
	for info := range reason.All() {
		for _, accept := range []string{"text/html", "application/json", "*/*"} {
			r, body := (*Pages)(nil).Answer(get("a.test", "/", with("Accept", accept)), 0, info.Code, inside)
			all := fmt.Sprint(r.Header) + string(body)
			for word := range strings.FieldsSeq(inside) {
				if strings.Contains(all, word) && word != "rule" && word != "wanted" && word != "resolver" {
					t.Errorf("%s %s: %q is in the answer: %s", info.Code, accept, word, all)
				}
			}
		}
	}
}

// TestEveryReasonHasAnAnswer: whatever ends a request, the client gets a whole answer with a status that says error.
func TestEveryReasonHasAnAnswer(t *testing.T) {
	for info := range reason.All() {
		r, body := (*Pages)(nil).Answer(get("a.test", "/", with("Accept", "text/html")), 0, info.Code, "")
		if r.Status < 400 || r.Status > 599 || r.Phrase == "Error" || len(body) == 0 {
			t.Errorf("%s: %d %q, %d bytes", info.Code, r.Status, r.Phrase, len(body))
		}
		if _, err := httpwire.AppendResponse(nil, r, httpwire.ResponseOptions{}); err != nil {
			t.Errorf("%s: %v", info.Code, err)
		}
	}
}
