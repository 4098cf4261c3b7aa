package smuggling_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// compareLog holds a line of the access log, which shows what rules saw, to the canonical reading.
func (m *message) compareLog(t *testing.T, x *telemetry.Record) {
	t.Helper()
	q := x.Request
	path, cut, _ := strings.Cut(q.Path, "… (+")
	if q.Method != m.Method || (cut == "" && path != m.Path) || !strings.HasPrefix(m.Path, path) || q.Query != m.Query || q.Host != m.Authority {
		t.Errorf("logged %s %s %s?%s, a canonical reading has %s %s %s?%s", q.Method, q.Host, q.Path, q.Query, m.Method, m.Authority, m.Path, m.Query)
	}
	if len(q.Headers) != min(len(m.Header), 64) {
		t.Errorf("logged %d fields, a canonical reading has %d", len(q.Headers), len(m.Header))
		return
	}
	for i, f := range q.Headers {
		bounded := strings.Contains(f[1], "[masked ") || strings.Contains(f[1], "… (+") || strings.Contains(f[1], `\x`)
		if f[0] != m.Header[i].Name || !bounded && f[1] != m.Header[i].Value {
			t.Errorf("logged field %q, a canonical reading has %q", f, m.Header[i])
		}
	}
}

// checkOrigin: one request for each that was sent, and nothing in it that rules did not see.
func (r *row) checkOrigin(t *testing.T, origin string, p sitePolicy) {
	byID := map[string][]peer.Received{}
	for _, o := range r.origin {
		byID[o.Get("X-Request-Id")] = append(byID[o.Get("X-Request-Id")], o)
	}
	for i, x := range r.logged {
		got := byID[x.ID]
		delete(byID, x.ID)
		// An origin may refuse what it got, or see only the beginning of a request whose body broke off.
		least, most := 0, 1
		switch {
		case len(x.Attempts) == 0:
			most = 0
		case len(x.Attempts) > 1:
			t.Errorf("%d attempts: %+v", len(x.Attempts), x.Attempts)
		case origin == "tomcat" && x.Request.Path == "*": // answered without its application
		case x.From == "origin" && x.Status < 400:
			least = 1
		}
		if x.From == "lunette" && p.buffers {
			most = 0
		}
		if len(got) < least || len(got) > most {
			t.Errorf("the origin received %d requests for %s %s, want %d to %d: %q", len(got), x.Request.Method, x.Request.Path, least, most, got)
		}
		if len(got) == 1 && i < len(r.want.seen) {
			m := &r.want.seen[i]
			m.compareOrigin(t, origin, r.client, x.ID, got[0])
			if x.From == "origin" && got[0].Body != nil && string(got[0].Body) != m.content {
				t.Errorf("the origin received the body %q, rules saw %q", got[0].Body, m.content)
			}
		}
	}
	for _, stray := range byID {
		t.Errorf("the origin received what the gateway did not see: %q", stray)
	}
}

// compareOrigin holds a request as the origin read it to the canonical reading of what the client sent.
func (m *message) compareOrigin(t *testing.T, origin, client, id string, got peer.Received) {
	t.Helper()
	target := m.Path
	if m.HasQuery {
		target += "?" + m.Query
	}
	if got.Method != m.Method || got.Target != target && !(origin == "tomcat" && got.Target == strings.TrimSuffix(target, "?")) {
		t.Errorf("the origin received %s %s, want %s %s", got.Method, got.Target, m.Method, target)
	}
	pseudonym(got.Header)
	want := m.outgoing(client, id)
	if origin == "nginx" || origin == "node" { // these show the fields as they came
		if !slices.EqualFunc(got.Header, want, func(g [2]string, w exchange.Field) bool { return g[0] == w.Name && loosely(g[1]) == loosely(w.Value) }) {
			t.Errorf("the origin received\n%q, want\n%q", got.Header, want)
		}
		return
	}
	have, should := grouped(fieldsOf(got.Header)), grouped(want)
	for name, v := range should {
		if have[name] != v {
			t.Errorf("the origin received %s %q, want %q", name, have[name], v)
		}
	}
	for name, v := range have {
		if _, ok := should[name]; !ok {
			t.Errorf("the origin received %s %q, which rules did not see", name, v)
		}
	}
}

// ourName is the name by which a gateway calls itself in Via: chosen anew by each process.
var ourName = regexp.MustCompile(`^([12]\.[01]) lunette-[0-9a-f]{8}$`)

func pseudonym(h [][2]string) {
	for i := range h {
		if strings.EqualFold(h[i][0], "Via") {
			h[i][1] = ourName.ReplaceAllString(h[i][1], "$1 lunette-test")
		}
	}
}

func fieldsOf(h [][2]string) (out []exchange.Field) {
	for _, f := range h {
		out = append(out, exchange.Field{Name: f[0], Value: f[1]})
	}
	return out
}

// grouped joins values by the lower case of their names, for origins that show fields so.
func grouped(h []exchange.Field) map[string]string {
	out := map[string]string{}
	for _, f := range h {
		name := strings.ToLower(f.Name)
		if v, ok := out[name]; ok {
			out[name] = v + ", " + loosely(f.Value)
		} else {
			out[name] = loosely(f.Value)
		}
	}
	return out
}

// loosely makes values comparable whose bytes above ASCII every origin's log spells in its own way.
func loosely(v string) string {
	var b strings.Builder
	odd := false
	for _, c := range v {
		if c < 0x80 {
			b.WriteRune(c)
		} else if !odd {
			b.WriteByte('?')
		}
		odd = c >= 0x80
	}
	return b.String()
}

// notForwarded are the fields of a request that belong to the client's connection, or that we write ourselves.
func notForwarded() []string {
	return []string{
		"Host", "Content-Length", "Transfer-Encoding", // written anew
		"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE", "HTTP2-Settings", "Proxy-Authorization", "Expect", // of one connection
		"X-Request-Id", // ours takes its place
	}
}

// outgoing is the contract in one place: the fields that the origin must get for m, in their order.
func (m *message) outgoing(client, id string) []exchange.Field {
	host := m.Authority
	if host == "" {
		host = "a.test" // the site's own name: HTTP/1.0 without Host
	}
	out := []exchange.Field{{Name: "Host", Value: host}}
	for _, f := range m.Header {
		drop := slices.ContainsFunc(notForwarded(), func(name string) bool { return strings.EqualFold(name, f.Name) })
		if !drop && (!strings.EqualFold(f.Name, "Trailer") || m.Length == exchange.Chunked) {
			out = append(out, f)
		}
	}
	_, port, ok := strings.Cut(m.Authority[strings.LastIndexByte(m.Authority, ']')+1:], ":")
	if !ok {
		port = "80"
	}
	out = append(out, exchange.Field{Name: "X-Forwarded-For", Value: client}, exchange.Field{Name: "X-Forwarded-Proto", Value: "http"})
	forwarded := "for=" + client
	if m.Authority != "" {
		out = append(out, exchange.Field{Name: "X-Forwarded-Host", Value: m.Authority})
		quoted := m.Authority
		if strings.ContainsAny(quoted, ":[") {
			quoted = strconv.Quote(quoted)
		}
		forwarded += ";host=" + quoted
	}
	out = append(out,
		exchange.Field{Name: "X-Forwarded-Port", Value: port},
		exchange.Field{Name: "Forwarded", Value: forwarded + ";proto=http"},
		exchange.Field{Name: "Via", Value: strings.TrimPrefix(m.Proto.String(), "HTTP/") + " lunette-test"},
		exchange.Field{Name: "X-Request-Id", Value: id})
	switch {
	case m.Length == exchange.Chunked:
		out = append(out, exchange.Field{Name: "Transfer-Encoding", Value: "chunked"})
	case m.Length > 0 || m.Method == "POST" || m.Method == "PUT" || m.Method == "PATCH":
		out = append(out, exchange.Field{Name: "Content-Length", Value: strconv.FormatInt(m.Length, 10)})
	}
	if m.Upgrade != "" {
		out = append(out, exchange.Field{Name: "Upgrade", Value: m.Upgrade}, exchange.Field{Name: "Connection", Value: "Upgrade"})
	}
	return out
}
