package differential_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/race"
)

// maker makes requests of a vocabulary.
type maker struct {
	v *vocabulary
	r *rand.Rand
}

// request returns the request of a seed, which is its name too.
func (v *vocabulary) request(seed uint64) *request {
	m := maker{v, rand.New(rand.NewPCG(seed, 6))} //nolint:gosec // to be repeated, not to be secret
	r := &request{name: "seed " + strconv.FormatUint(seed, 10), method: "GET", target: m.path()}
	r.header.Add("Host", pick(m.r, "shop.test", "shop.test", "shop.test", "192.0.2.9", "shop.test:8443"))
	r.header.Add("User-Agent", m.often(9, pick(m.r, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "curl/8.5.0", "okhttp/4.12.0", "python-requests/2.32")))
	r.header.Add("Accept", m.often(12, pick(m.r, "*/*", "text/html,application/xhtml+xml;q=0.9", "application/json")))
	for range pick(m.r, 0, 0, 1, 2) {
		r.header.Add(m.fieldName(), field(m.text()))
	}
	if m.r.IntN(3) == 0 {
		r.header.Add("Cookie", m.cookies())
	}
	if m.r.IntN(2) == 0 {
		m.body(r)
	}
	if m.r.IntN(12) == 0 {
		r.method = pick(m.r, "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "POST")
	}
	if r.body != "" || r.method == "POST" {
		r.header.Add("Content-Length", m.often(20, strconv.Itoa(len(r.body))))
	}
	if m.r.IntN(5) == 0 {
		m.answer(r)
	}
	return r
}

// text returns text in some encodings.
func (m *maker) text() string { return encoded(m.r, m.v.text(m.r)) }

// often returns s, or once in n times something else.
func (m *maker) often(n int, s string) string {
	if m.r.IntN(n) == 0 {
		return field(m.text())
	}
	return s
}

func (m *maker) name() string {
	if m.r.IntN(12) == 0 {
		return m.text()
	}
	return pick(m.r, "q", "a", "b", "id", "user", "A", "user[name]", "x.y", "list[]", "json.a", "_method", "file", "page", "")
}

func (m *maker) path() string {
	p := pick(m.r, "/", "/index.php", "/app/x", "/shop/item/42", "/a/b/c.html", "/api/v1/users", "/free/../x", "//double", "/a%20b", "/wp-admin/", "/.git/config", "/a;b=c/d")
	if m.r.IntN(8) == 0 {
		p += strings.NewReplacer("?", "%3F", "#", "%23", " ", "%20").Replace(query(m.r, m.text()))
	}
	if m.r.IntN(3) != 0 {
		p += "?" + m.pairs()
	}
	return p
}

// pairs returns a query or a form.
func (m *maker) pairs() string {
	var b strings.Builder
	for i := range 1 + m.r.IntN(pick(m.r, 2, 2, 4, 8)) {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(query(m.r, m.name()) + pick(m.r, "=", "=", "=", "=", "=", ""))
		b.WriteString(query(m.r, m.text()))
	}
	return b.String()
}

func (m *maker) cookies() string {
	var b strings.Builder
	for i := range 1 + m.r.IntN(3) {
		if i > 0 {
			b.WriteString(pick(m.r, "; ", "; ", ";", ";;"))
		}
		b.WriteString(pick(m.r, "sid", "s_id", "theme", "JSESSIONID", "_ga", m.fieldName(), "") + pick(m.r, "=", "=", "=", "", "==") + strings.ReplaceAll(field(m.text()), ";", pick(m.r, "", "%3b")))
	}
	return b.String()
}

func (m *maker) fieldName() string {
	return pick(m.r, "Referer", "X-Forwarded-For", "X-Custom", "Authorization", "Accept-Language", "Accept-Encoding", "Range", "Content-Encoding", "Origin", "X_Under", "If-None-Match", "Cache-Control",
		"Accept-Charset", "Connection", "Transfer-Encoding", "Content-Type", "Proxy", "X-HTTP-Method-Override", "Via", "Expect", "user-agent", "COOKIE")
}

func (m *maker) body(r *request) {
	r.method = "POST"
	kind := ""
	switch m.r.IntN(8) {
	case 0, 1, 2:
		kind, r.body = pick(m.r, "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8", "application/x-www-form-urlencoded;charset=ibm037", "APPLICATION/X-WWW-FORM-URLENCODED"), m.pairs()
	case 3, 4:
		var b strings.Builder
		m.json(&b, 3)
		kind, r.body = pick(m.r, "application/json", "application/json; charset=utf-8", "application/vnd.api+json", "text/json", "text/plain"), b.String()
	case 5:
		kind, r.body = m.multipart()
	case 6:
		var b strings.Builder
		b.WriteString(pick(m.r, "", `<?xml version="1.0"?>`, `<?xml version="1.0" encoding="UTF-8"?>`+"\n", m.xmlHead()))
		m.xml(&b, 3)
		kind, r.body = pick(m.r, "text/xml", "application/xml; charset=utf-8", "application/soap+xml", "application/atom+xml"), b.String()
	default:
		kind, r.body = pick(m.r, "text/plain", "application/octet-stream", "", "image/png", "application/pdf", "text/html"), m.text()
	}
	if m.r.IntN(40) == 0 && len(r.body) > 2 { // broken off, or with an odd byte
		i := 1 + m.r.IntN(len(r.body)-1)
		r.body = r.body[:i] + pick(m.r, "", "\x00", "\xff", "<", "}", "--") + pick(m.r, "", r.body[i:])
	}
	if kind != "" {
		r.header.Add("Content-Type", m.often(30, kind))
	}
}

// xmlHead returns a declaration, now and then of another version.
func (m *maker) xmlHead() string {
	return `<?xml version="` + pick(m.r, "1.0", "1.0", "1.0", "1.0", "1.1") + `"?>`
}

func (m *maker) json(b *strings.Builder, depth int) {
	kind := m.r.IntN(5)
	if depth == 0 {
		kind = 2 + m.r.IntN(3)
	}
	switch kind {
	case 0, 1:
		b.WriteString(pick(m.r, "{", "{ ", "{\n"))
		for i := range 1 + m.r.IntN(4) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(jsonString(m.r, m.name()) + pick(m.r, ":", ": "))
			m.json(b, depth-1)
		}
		b.WriteByte('}')
	case 2:
		b.WriteByte('[')
		for i := range 1 + m.r.IntN(3) {
			if i > 0 {
				b.WriteByte(',')
			}
			if depth == 0 {
				b.WriteString(jsonString(m.r, m.text()))
				continue
			}
			m.json(b, depth-1)
		}
		b.WriteByte(']')
	case 3:
		b.WriteString(pick(m.r, "1", "-2.5", "true", "false", "null", "1e9", "{}", "[]"))
	default:
		b.WriteString(jsonString(m.r, m.text()))
	}
}

func (m *maker) xml(b *strings.Builder, depth int) {
	escape := strings.NewReplacer("<", "&lt;", "&", "&amp;", ">", "&gt;", `"`, "&quot;").Replace
	text := func() string {
		s := strings.Map(func(c rune) rune {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xfffe || c == 0xffff {
				return -1
			}
			return c
		}, strings.ToValidUTF8(m.text(), "\u00e9"))
		return escape(s)
	}
	name := pick(m.r, "a", "soap:Body", "item", "user")
	b.WriteString("<" + name)
	for i := range m.r.IntN(3) {
		fmt.Fprintf(b, " n%d=\"%s\"", i, text())
	}
	b.WriteByte('>')
	for range m.r.IntN(3) {
		b.WriteString(text())
		if depth > 0 && m.r.IntN(2) == 0 {
			m.xml(b, depth-1)
		} else if m.r.IntN(4) == 0 {
			b.WriteString("<![CDATA[" + strings.ReplaceAll(escape(text()), "]]>", "") + "]]>")
		}
	}
	b.WriteString("</" + name + ">")
}

func (m *maker) multipart() (kind, body string) {
	boundary := pick(m.r, "----WebKitFormBoundaryABC", "b", "boundary42")
	var b strings.Builder
	quoted := func(s string) string {
		return strings.NewReplacer("\r", "", "\n", "", "\"", "%22", "\\", "/", "\x00", "").Replace(s)
	}
	for range 1 + m.r.IntN(4) {
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quoted(m.name()) + "\"")
		if m.r.IntN(3) == 0 {
			b.WriteString("; filename=\"" + quoted(pick(m.r, "cat.jpg", "x.php", "a.b.c", m.text())) + "\"")
			b.WriteString("\r\nContent-Type: " + pick(m.r, "image/jpeg", "text/plain", "application/x-php", "text/plain; charset=utf-7"))
		}
		b.WriteString("\r\n\r\n" + strings.ReplaceAll(m.text(), "--"+boundary, "") + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	kind = "multipart/form-data; boundary=" + boundary
	if m.r.IntN(4) != 0 {
		return kind, b.String()
	}
	return m.odd(kind, boundary, b.String())
}

// odd makes a multipart body into one that parsers read in different ways.
func (m *maker) odd(kind, boundary, s string) (string, string) {
	switch m.r.IntN(9) {
	case 0:
		return kind, strings.ReplaceAll(s, "\r\n", "\n")
	case 1:
		return kind, m.text() + "\r\n" + s
	case 2:
		return kind, s + m.text()
	case 3:
		return kind, strings.Replace(s, "\r\n--"+boundary+"--", "\r\n--"+boundary+" x\r\n--"+boundary+"--", 1)
	case 4:
		return kind, strings.Replace(s, "form-data; ", "form-data;\r\n ", 1)
	case 5:
		return kind, strings.Replace(s, "Content-Disposition: form-data; ", "X-Other: ", 1)
	case 6:
		return kind, strings.Replace(s, "name=\"", "name=\"\\\"", 1)
	case 7:
		return strings.Replace(kind, ";", "", 1), s
	}
	return kind, strings.Replace(s, "form-data;", "attachment;", 1)
}

func (m *maker) answer(r *request) {
	r.reply = &reply{status: pick(m.r, 200, 200, 200, 404, 500, 302, 403)}
	r.reply.header.Add("Content-Type", pick(m.r, "text/html; charset=utf-8", "application/json", "text/plain", "image/png"))
	if m.r.IntN(3) == 0 {
		r.reply.header.Add(pick(m.r, "Location", "X-Powered-By", "Server", "Set-Cookie"), field(m.text()))
	}
	r.reply.body = pick(m.r, "", "<html><p>", "") + m.v.text(m.r) + pick(m.r, "", "</p></html>", url.QueryEscape(m.v.text(m.r)))
}

// TestGenerated runs requests of a grammar, at each level. Under the race detector, where Coraza takes ten times as long, there are fewer.
func TestGenerated(t *testing.T) {
	pairs, y := corePairs(t), newTally()
	v := learn(t, pairs[0].src.Directives)
	count := 900
	switch {
	case soaking() && !race.On:
		count = 6000
	case race.On && !soaking():
		count = 60
	}
	for i, p := range pairs {
		next, left := *seed*1_000_000+uint64(i)*250_000, count //nolint:gosec // an index
		compareAll(y, p, t, func() *request {
			if left == 0 {
				return nil
			}
			left--
			next++
			return v.request(next)
		})
	}
	y.report(t)
}
