package smuggling_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/test/peer"
)

// stream is one HTTP/2 request, frame by frame. Every text that must not become a request or a field of its own holds
// the word "smuggled".
type stream struct {
	name    string
	rfc     string
	pass    bool     // forwarded; else refused, and the origin sees nothing
	begun   bool     // the fault lies behind the head: the origin may get the beginning, as rules saw it, and never an end
	fields  []string // name, value, …; a pseudo-header replaces the usual one where it has the same name, "-" leaves that out
	raw     bool     // fields as they are, nothing usual before them
	data    []string // DATA frames; nil: none
	trailer []string
	want    func(peer.Received) string // what is wrong with what the origin got, "" for nothing
}

func streams() []stream {
	const inject = "/ HTTP/1.1\r\nHost: a.test\r\n\r\nGET /smuggled HTTP/1.1\r\nX: "
	body := "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
	usual := []string{":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", "/h2"}
	with := func(more ...string) []string { return append(usual[:8:8], more...) }
	return []stream{
		{name: "plain", rfc: "8.3.1", pass: true},
		{name: "request in :path", rfc: "8.3.1", fields: []string{":path", inject}},
		{name: "LF in :path", rfc: "8.3.1", fields: []string{":path", "/\nX-Smuggled: 1"}},
		{name: "space in :path", rfc: "8.3.1", fields: []string{":path", "/smuggled HTTP/1.1"}},
		{name: "NUL in :path", rfc: "8.3.1", fields: []string{":path", "/smuggled\x00"}},
		{name: "fragment in :path", rfc: "8.3.1", fields: []string{":path", "/smuggled#a"}},
		{name: "byte above ASCII in :path", rfc: "8.3.1", fields: []string{":path", "/smuggled\xe9"}},
		{name: "relative :path", rfc: "8.3.1", fields: []string{":path", "smuggled"}},
		{name: "URI as :path", rfc: "8.3.1", fields: []string{":path", "http://b.test/smuggled"}},
		{name: "empty :path", rfc: "8.3.1", fields: []string{":path", ""}},
		{name: "no :path", rfc: "8.3.1", fields: []string{":path", "-"}},
		{name: "asterisk with GET", rfc: "8.3.1", fields: []string{":path", "*"}},
		{name: "two :path", rfc: "8.3", raw: true, fields: with(":path", "/smuggled")},
		{name: "request in :method", rfc: "8.3.1", fields: []string{":method", "GET /smuggled HTTP/1.1\r\nX:"}},
		{name: "space in :method", rfc: "8.3.1", fields: []string{":method", "GET /smuggled"}},
		{name: "empty :method", rfc: "8.3.1", fields: []string{":method", ""}},
		{name: "two :method", rfc: "8.3", raw: true, fields: with(":method", "POST")},
		{name: "CONNECT", rfc: "8.5", raw: true, fields: []string{":method", "CONNECT", ":authority", "smuggled.test:443"}},
		{name: "extended CONNECT that nobody offered", rfc: "RFC 8441 4", fields: []string{":method", "CONNECT", ":protocol", "websocket"}},
		{name: "field in :authority", rfc: "8.3.1", fields: []string{":authority", "a.test\r\nX-Smuggled: 1"}},
		{name: "path in :authority", rfc: "8.3.1", fields: []string{":authority", "a.test/smuggled"}},
		{name: "list in :authority", rfc: "8.3.1", fields: []string{":authority", "a.test, smuggled.test"}},
		{name: "userinfo in :authority", rfc: "8.3.1", fields: []string{":authority", "smuggled@a.test"}},
		{name: "empty :authority", rfc: "8.3.1", fields: []string{":authority", ""}},
		{name: "host that differs from :authority", rfc: "8.3.1", fields: []string{"host", "smuggled.test"}},
		{name: "http as :scheme over TLS", rfc: "8.3.1", fields: []string{":scheme", "http"}},
		{name: "URI in :scheme", rfc: "8.3.1", fields: []string{":scheme", "https://b.test/smuggled?"}},
		{name: "unknown pseudo-header", rfc: "8.3", fields: []string{":smuggled", "1"}},
		{name: "pseudo-header behind a field", rfc: "8.3", raw: true, fields: []string{":method", "GET", ":scheme", "https", ":authority", "a.test", "x", "y", ":path", "/smuggled"}},
		{name: "response's pseudo-header", rfc: "8.3", fields: []string{":status", "200"}},
		{name: "pseudo-header in the trailer", rfc: "8.1", begun: true, fields: []string{":method", "POST"}, data: []string{"x"}, trailer: []string{":path", "/smuggled"}},
		{name: "upper case in a name", rfc: "8.2.1", fields: []string{"X-Smuggled", "1"}},
		{name: "colon in a name", rfc: "8.2.1", fields: []string{"x:smuggled", "1"}},
		{name: "space in a name", rfc: "8.2.1", fields: []string{"x smuggled", "1"}},
		{name: "field in a name", rfc: "8.2.1", fields: []string{"x: y\r\nsmuggled", "1"}},
		{name: "empty name", rfc: "8.2.1", fields: []string{"", "smuggled"}},
		{name: "CR LF in a value", rfc: "8.2.1", fields: []string{"x", "y\r\nX-Smuggled: 1"}},
		{name: "request in a value", rfc: "8.2.1", fields: []string{"x", "y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"}},
		{name: "LF in a value", rfc: "8.2.1", fields: []string{"x", "y\nX-Smuggled: 1"}},
		{name: "NUL in a value", rfc: "8.2.1", fields: []string{"x", "smuggled\x00"}},
		{name: "space around a value", rfc: "8.2.1", fields: []string{"x", " smuggled"}},
		{name: "connection", rfc: "8.2.2", fields: []string{"connection", "keep-alive"}},
		{name: "transfer-encoding", rfc: "8.2.2", fields: []string{":method", "POST", "transfer-encoding", "chunked"}, data: []string{body}},
		{name: "transfer-encoding and content-length", rfc: "8.2.2", fields: []string{":method", "POST", "transfer-encoding", "chunked", "content-length", "5"}, data: []string{"0\r\n\r\n"}},
		{name: "upgrade", rfc: "8.2.2", fields: []string{"upgrade", "websocket"}},
		{name: "keep-alive", rfc: "8.2.2", fields: []string{"keep-alive", "timeout=5"}},
		{name: "proxy-connection", rfc: "8.2.2", fields: []string{"proxy-connection", "keep-alive"}},
		{name: "te other than trailers", rfc: "8.2.2", fields: []string{"te", "gzip"}},
		{name: "te: trailers", rfc: "8.2.2", pass: true, fields: []string{"te", "trailers"},
			want: func(r peer.Received) string { return differs("TE", r.Get("TE"), "trailers") }},
		{name: "content-length above the content", rfc: "8.1.1", begun: true, fields: []string{":method", "POST", "content-length", "9"}, data: []string{"hello"}},
		{name: "content-length below the content", rfc: "8.1.1", begun: true, fields: []string{":method", "POST", "content-length", "1"}, data: []string{"hello"}},
		{name: "content-length without content", rfc: "8.1.1", begun: true, fields: []string{":method", "POST", "content-length", "9"}},
		{name: "content-length 0 with content", rfc: "8.1.1", fields: []string{":method", "POST", "content-length", "0"}, data: []string{"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"}},
		{name: "two content-lengths", rfc: "8.1.1", fields: []string{":method", "POST", "content-length", "5", "content-length", "6"}, data: []string{"hello"}},
		{name: "list of content-lengths", rfc: "8.1.1", fields: []string{":method", "POST", "content-length", "5, 5"}, data: []string{"hello"}},
		{name: "content-length with a plus", rfc: "8.1.1", fields: []string{":method", "POST", "content-length", "+5"}, data: []string{"hello"}},
		{name: "content-length in the trailer", rfc: "RFC 9110 6.5.1", pass: true, fields: []string{":method", "POST", "trailer", "content-length"}, data: []string{"hello"},
			trailer: []string{"content-length", "0"}, want: func(r peer.Received) string { return differs("Content-Length", r.Get("Content-Length"), "") }},
		{name: "content in frames", rfc: "8.1", pass: true, fields: []string{":method", "POST", "content-length", "10"}, data: []string{"hello", "", "world"},
			want: func(r peer.Received) string { return differsBody(r, "helloworld") }},
		{name: "a request as content", rfc: "8.1", pass: true, fields: []string{":method", "POST"}, data: []string{body, "more"},
			want: func(r peer.Received) string { return differsBody(r, body+"more") }},
		{name: "a request as content of GET", rfc: "8.1", pass: true, data: []string{"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"}},
		{name: "cookie crumbs", rfc: "8.2.3", pass: true, fields: []string{"cookie", "a=b", "cookie", "c=d"},
			want: func(r peer.Received) string { return differs("Cookie", r.Get("Cookie"), "a=b; c=d") }},
		{name: "expect", rfc: "RFC 9110 10.1.1", pass: true, fields: []string{":method", "POST", "expect", "100-continue", "content-length", "2"}, data: []string{"ok"},
			want: func(r peer.Received) string { return differs("Expect", r.Get("Expect"), "") }},
		{name: "expect of something else", rfc: "RFC 9110 10.1.1", fields: []string{":method", "POST", "expect", "smuggled"}, data: []string{"ok"}},
		{name: "forged fields", rfc: "RFC 7239 8.1", pass: true, fields: []string{"x-forwarded-for", "smuggled", "x_forwarded_for", "smuggled", "client-cert", "smuggled", "proxy-status", "smuggled"},
			want: func(r peer.Received) string {
				if strings.Contains(fmt.Sprint(r.Header), "smuggled") {
					return fmt.Sprint(r.Header)
				}
				return ""
			}},
	}
}

func differs(what, got, want string) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("%s %q, want %q", what, got, want)
}

// differsBody compares content; Apache's log has none.
func differsBody(r peer.Received, want string) string {
	if r.Body == nil {
		return ""
	}
	return differs("content", string(r.Body), want)
}

// h2Client speaks frames.
type h2Client struct {
	c   *tls.Conn
	fr  *http2.Framer
	enc *hpack.Encoder
	buf bytes.Buffer
}

func dialH2(t *testing.T, address, to string) *h2Client {
	t.Helper()
	raw := dialFrom(t, address, to)
	x := &h2Client{c: tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "a.test", NextProtos: []string{"h2"}})}
	t.Cleanup(func() { _ = raw.Close() })
	if _, err := io.WriteString(x.c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	x.fr = http2.NewFramer(x.c, x.c)
	x.fr.AllowIllegalWrites = true
	x.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	x.enc = hpack.NewEncoder(&x.buf)
	if err := x.fr.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *h2Client) headers(id uint32, fields []string, end bool) {
	x.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = x.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = x.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: x.buf.Bytes(), EndStream: end, EndHeaders: true})
}

// send writes a whole stream; errors show when reading.
func (x *h2Client) send(id uint32, s *stream) {
	fields := s.fields
	if !s.raw {
		fields = nil
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/h2"}} {
			for i := 0; i < len(s.fields); i += 2 {
				if s.fields[i] == f[0] {
					f[1] = s.fields[i+1]
				}
			}
			if f[1] != "-" {
				fields = append(fields, f[0], f[1])
			}
		}
		for i := 0; i < len(s.fields); i += 2 {
			if n := s.fields[i]; n != ":method" && n != ":scheme" && n != ":authority" && n != ":path" {
				fields = append(fields, n, s.fields[i+1])
			}
		}
	}
	x.headers(id, fields, s.data == nil)
	for i, d := range s.data {
		_ = x.fr.WriteData(id, i == len(s.data)-1 && s.trailer == nil, []byte(d))
	}
	if s.trailer != nil {
		x.headers(id, s.trailer, true)
	}
}

// outcome reads until stream id is over: its status, "reset", or "closed" for the whole connection.
func (x *h2Client) outcome(id uint32) string {
	status := ""
	for {
		f, err := x.fr.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return "closed"
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id && status == "" {
				return "reset"
			}
			if f.StreamID == id {
				return status
			}
		case *http2.MetaHeadersFrame:
			if v := f.PseudoValue("status"); f.StreamID == id && v != "" && v[0] != '1' {
				status = v
			}
			if f.StreamID == id && f.StreamEnded() {
				return status
			}
		case *http2.DataFrame:
			if f.StreamID == id && f.StreamEnded() {
				return status
			}
		}
	}
}

// overHTTP2 sends every stream on a connection of its own, and one request behind it.
func overHTTP2(t *testing.T, o *peer.Server) {
	cert := peer.NewCA(t).Issue(peer.Issue{Names: []string{"a.test"}})
	p := sitePolicy{name: "http2", path: "lenient", waf: "{mode: off}", network: 7}
	yaml := strings.Replace(p.yaml(o.Addr), `{address: "127.0.0.1:0"}`, `{address: "127.0.0.1:0", tls: true}`, 1)
	yaml = strings.Replace(yaml, "    default: true\n", "    default: true\n    certificate: {file: "+cert.File+", key: "+cert.Key+"}\n", 1)
	g := start(t, yaml)
	before := len(o.Received(t))
	all := streams()
	got := make([]string, len(all))
	for i := range all {
		x := dialH2(t, p.address(i), g.addr)
		x.send(1, &all[i])
		got[i] = x.outcome(1)
		behind := &stream{fields: []string{":path", fmt.Sprintf("/behind/%d", i)}}
		x.send(3, behind)
		if x.outcome(3) == "closed" { // the whole connection was at fault
			x = dialH2(t, p.address(i), g.addr)
			x.send(1, behind)
			if s := x.outcome(1); s != "200" {
				t.Errorf("%s: the request behind it, on a new connection, got %s", all[i].name, s)
			}
		}
		_ = x.c.Close()
	}
	end := dialH2(t, p.address(len(all)), g.addr)
	end.send(1, &stream{fields: []string{":path", "/end-http2"}})
	end.outcome(1)
	o.Await(t, "/end-http2")
	records := g.records()
	received := byClient(o.Received(t)[before:])
	for i, s := range all {
		t.Run(strings.ReplaceAll(s.name, "/", "_"), func(t *testing.T) {
			s.check(t, got[i], received[p.address(i)])
			ids := map[string]bool{}
			for _, x := range records[p.address(i)] {
				ids[x.ID+x.Request.Method+x.Request.Path] = true
			}
			for _, r := range received[p.address(i)] {
				if !ids[r.Get("X-Request-Id")+r.Method+r.Target] {
					t.Errorf("the origin received what the gateway did not see: %q", r)
				}
			}
		})
	}
	if stray := received[""]; len(stray) > 0 {
		t.Errorf("the origin received requests that nobody sent: %q", stray)
	}
}

func (s *stream) check(t *testing.T, outcome string, received []peer.Received) {
	var own []peer.Received
	behind := 0
	for _, r := range received {
		switch {
		case strings.HasPrefix(r.Target, "/behind/"):
			behind++
		default:
			own = append(own, r)
		}
	}
	if behind != 1 {
		t.Errorf("the origin received the request behind it %d times", behind)
	}
	switch {
	case s.begun && len(own) == 1 && outcome == "reset": // as the canonical reading of the head has it, which the caller compares
		if c := string(own[0].Body); own[0].Target != "/h2" || !strings.HasPrefix(strings.Join(s.data, ""), c) {
			t.Errorf("the origin received the beginning %q", own)
		}
	case !s.pass && (outcome == "" || outcome[0] == '2' || outcome[0] == '5' && outcome != "501" || len(own) > 0):
		t.Errorf("outcome %s, the origin received %q; want a refusal and nothing", outcome, own)
	case s.pass && (len(own) != 1 || own[0].Target != "/h2" || outcome != "200"):
		t.Errorf("outcome %s, the origin received %q; want it once", outcome, own)
	case s.pass && s.want != nil && s.want(own[0]) != "":
		t.Errorf("the origin received %s", s.want(own[0]))
	}
}
