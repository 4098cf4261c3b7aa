package httpwire

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

func TestAppendRequest(t *testing.T) {
	for _, c := range []struct {
		name string
		r    exchange.Request
		o    RequestOptions
		want string
	}{
		{"query", exchange.Request{Method: "GET", Path: "/a", Query: "b", HasQuery: true}, RequestOptions{},
			"GET /a?b HTTP/1.1\nHost: o.test\n\n"},
		{"empty query", exchange.Request{Method: "GET", Path: "/a", HasQuery: true}, RequestOptions{},
			"GET /a? HTTP/1.1\nHost: o.test\n\n"},
		{"absolute-form becomes origin-form", exchange.Request{Method: "GET", Target: "http://a.test/b", Path: "/b"}, RequestOptions{},
			"GET /b HTTP/1.1\nHost: o.test\n\n"},
		{"HTTP/1.0 and HTTP/2 become HTTP/1.1", exchange.Request{Method: "GET", Path: "/", Proto: exchange.HTTP2}, RequestOptions{},
			"GET / HTTP/1.1\nHost: o.test\n\n"},
		{"asterisk", exchange.Request{Method: "OPTIONS", Path: "*"}, RequestOptions{},
			"OPTIONS * HTTP/1.1\nHost: o.test\n\n"},
		{"Host, Expect and framing are ours", exchange.Request{Method: "PUT", Path: "/", Length: 5, Header: exchange.Header{
			{Name: "Host", Value: "client.test"}, {Name: "content-length", Value: "6"}, {Name: "Transfer-Encoding", Value: "chunked"},
			{Name: "Expect", Value: "100-continue"}, {Name: "X", Value: "y"}}}, RequestOptions{},
			"PUT / HTTP/1.1\nHost: o.test\nX: y\nContent-Length: 5\n\n"},
		{"empty POST", exchange.Request{Method: "POST", Path: "/"}, RequestOptions{},
			"POST / HTTP/1.1\nHost: o.test\nContent-Length: 0\n\n"},
		{"chunked with Trailer", exchange.Request{Method: "POST", Path: "/", Length: exchange.Chunked, Header: exchange.Header{{Name: "Trailer", Value: "X"}}},
			RequestOptions{Expect: true}, "POST / HTTP/1.1\nHost: o.test\nTrailer: X\nTransfer-Encoding: chunked\nExpect: 100-continue\n\n"},
		{"Trailer without trailers", exchange.Request{Method: "POST", Path: "/", Length: 1, Header: exchange.Header{{Name: "Trailer", Value: "X"}}},
			RequestOptions{}, "POST / HTTP/1.1\nHost: o.test\nContent-Length: 1\n\n"},
		{"hop-by-hop fields stay behind", exchange.Request{Method: "GET", Path: "/", Header: exchange.Header{
			{Name: "Connection", Value: "close"}, {Name: "Keep-Alive", Value: "5"}, {Name: "Proxy-Connection", Value: "close"}, {Name: "TE", Value: "gzip"},
			{Name: "Upgrade", Value: "h2c"}, {Name: "HTTP2-Settings", Value: "AA"}, {Name: "A", Value: "b"}}}, RequestOptions{},
			"GET / HTTP/1.1\nHost: o.test\nA: b\n\n"},
		{"Connection cannot drop what the origin must see", exchange.Request{Method: "GET", Path: "/", Header: exchange.Header{
			{Name: "Connection", Value: "Cookie, Authorization, Host, Content-Type, X-Forwarded-For, X-Auth, Proxy-Authorization"},
			{Name: "Cookie", Value: "a"}, {Name: "Authorization", Value: "b"}, {Name: "Content-Type", Value: "c"},
			{Name: "X-Forwarded-For", Value: "d"}, {Name: "X-Auth", Value: "e"}, {Name: "Proxy-Authorization", Value: "f"}}}, RequestOptions{},
			"GET / HTTP/1.1\nHost: o.test\nCookie: a\nAuthorization: b\nContent-Type: c\nX-Forwarded-For: d\nX-Auth: e\n\n"},
		{"Proxy-Authorization goes on unless named", exchange.Request{Method: "GET", Path: "/", Header: exchange.Header{{Name: "Proxy-Authorization", Value: "f"}}},
			RequestOptions{}, "GET / HTTP/1.1\nHost: o.test\nProxy-Authorization: f\n\n"},
		{"upgrade", exchange.Request{Method: "GET", Path: "/", Upgrade: "websocket", Header: exchange.Header{{Name: "Upgrade", Value: "WebSocket"}}},
			RequestOptions{Close: true, Trailers: true}, "GET / HTTP/1.1\nHost: o.test\nTE: trailers\nUpgrade: websocket\nConnection: Upgrade, TE, close\n\n"},
		{"Expect without a body", exchange.Request{Method: "GET", Path: "/"}, RequestOptions{Expect: true},
			"GET / HTTP/1.1\nHost: o.test\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Authority = "o.test"
			out, err := AppendRequestWith([]byte("before"), &c.r, c.o)
			if got := strings.ReplaceAll(string(out), "\r\n", "\n"); err != nil || got != "before"+c.want {
				t.Errorf("%v\n got %q\nwant %q", err, got, c.want)
			}
		})
	}
}

// TestAppendRequestRefuses shows that nothing unfit leaves, wherever it came from (HTTP/2, a setting, a rule).
func TestAppendRequestRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*exchange.Request){
		"method with CRLF":        func(r *exchange.Request) { r.Method = "GET / HTTP/1.1\r\nX: " },
		"empty method":            func(r *exchange.Request) { r.Method = "" },
		"path with space":         func(r *exchange.Request) { r.Path = "/a b" },
		"path with CRLF":          func(r *exchange.Request) { r.Path = "/ HTTP/1.1\r\nX: y" },
		"path with NUL":           func(r *exchange.Request) { r.Path = "/\x00" },
		"path with question mark": func(r *exchange.Request) { r.Path = "/a?b" },
		"path with fragment":      func(r *exchange.Request) { r.Path = "/a#b" },
		"path not rooted":         func(r *exchange.Request) { r.Path = "a" },
		"empty path":              func(r *exchange.Request) { r.Path = "" },
		"asterisk with GET":       func(r *exchange.Request) { r.Path = "*" },
		"query with LF":           func(r *exchange.Request) { r.Query, r.HasQuery = "a\nb", true },
		"query without its mark":  func(r *exchange.Request) { r.Query = "a" },
		"query above ASCII":       func(r *exchange.Request) { r.Query, r.HasQuery = "\xe9", true },
		"no authority":            func(r *exchange.Request) { r.Authority = "" },
		"authority with CRLF":     func(r *exchange.Request) { r.Authority = "a\r\nX: y" },
		"authority with userinfo": func(r *exchange.Request) { r.Authority = "u@a.test" },
		"until close":             func(r *exchange.Request) { r.Length = exchange.UntilClose },
		"upgrade with CRLF":       func(r *exchange.Request) { r.Upgrade = "websocket\r\nX: y" },
		"upgrade to h2c":          func(r *exchange.Request) { r.Upgrade = "h2c" },
		"upgrade with a body":     func(r *exchange.Request) { r.Upgrade, r.Length = "websocket", 1 },
		"name with colon":         func(r *exchange.Request) { r.Header[0].Name = "X:" },
		"name with CRLF":          func(r *exchange.Request) { r.Header[0].Name = "X: y\r\nZ" },
		"pseudo-header":           func(r *exchange.Request) { r.Header[0].Name = ":path" },
		"empty name":              func(r *exchange.Request) { r.Header[0].Name = "" },
		"value with CR":           func(r *exchange.Request) { r.Header[0].Value = "a\rb" },
		"value with LF":           func(r *exchange.Request) { r.Header[0].Value = "a\nTransfer-Encoding: chunked" },
		"value with NUL":          func(r *exchange.Request) { r.Header[0].Value = "0123456789\x000123456789" },
		"value with DEL":          func(r *exchange.Request) { r.Header[0].Value = "\x7f" },
	} {
		t.Run(name, func(t *testing.T) {
			r := exchange.Request{Method: "GET", Path: "/", Authority: "a.test", Header: exchange.Header{{Name: "X", Value: "y"}}}
			if _, err := AppendRequest(nil, &r); err != nil {
				t.Fatalf("unspoilt: %v", err)
			}
			spoil(&r)
			out, err := AppendRequest([]byte("before"), &r)
			if e := reason.Of(err); e == nil || !strings.Contains(e.Detail, "(RFC ") || string(out) != "before" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func TestAppendResponse(t *testing.T) {
	length := exchange.Header{{Name: "Content-Length", Value: "7"}}
	for _, c := range []struct {
		name string
		r    exchange.Response
		o    ResponseOptions
		want string
	}{
		{"length", exchange.Response{Status: 200, Phrase: "OK", Length: 5, Header: length}, ResponseOptions{},
			"HTTP/1.1 200 OK\nContent-Length: 5\n\n"},
		{"empty", exchange.Response{Status: 200}, ResponseOptions{Close: true}, "HTTP/1.1 200 \nContent-Length: 0\nConnection: close\n\n"},
		{"chunked", exchange.Response{Status: 200, Length: exchange.Chunked, Header: exchange.Header{{Name: "Trailer", Value: "X"}}}, ResponseOptions{},
			"HTTP/1.1 200 \nTrailer: X\nTransfer-Encoding: chunked\n\n"},
		{"chunked to HTTP/1.0", exchange.Response{Status: 200, Length: exchange.Chunked}, ResponseOptions{Proto: exchange.HTTP10},
			"HTTP/1.1 200 \nConnection: close\n\n"},
		{"HTTP/1.0 kept alive", exchange.Response{Status: 200, Length: 1}, ResponseOptions{Proto: exchange.HTTP10},
			"HTTP/1.1 200 \nContent-Length: 1\nConnection: keep-alive\n\n"},
		{"until close", exchange.Response{Status: 200, Length: exchange.UntilClose}, ResponseOptions{},
			"HTTP/1.1 200 \nConnection: close\n\n"},
		{"HEAD keeps what the origin said", exchange.Response{Status: 200, Header: length}, ResponseOptions{Method: "HEAD"},
			"HTTP/1.1 200 \nContent-Length: 7\n\n"},
		{"HEAD of our own page", exchange.Response{Status: 502, Length: 9}, ResponseOptions{Method: "HEAD"},
			"HTTP/1.1 502 \nContent-Length: 9\n\n"},
		{"HEAD of a stream", exchange.Response{Status: 200, Length: exchange.Chunked}, ResponseOptions{Method: "HEAD"}, "HTTP/1.1 200 \n\n"},
		{"HEAD does not repeat an odd length", exchange.Response{Status: 200, Header: exchange.Header{{Name: "Content-Length", Value: "+7"}}},
			ResponseOptions{Method: "HEAD"}, "HTTP/1.1 200 \n\n"},
		{"304", exchange.Response{Status: 304, Header: length}, ResponseOptions{Method: "GET"}, "HTTP/1.1 304 \nContent-Length: 7\n\n"},
		{"204", exchange.Response{Status: 204, Header: length}, ResponseOptions{Method: "GET"}, "HTTP/1.1 204 \n\n"},
		{"103", exchange.Response{Status: 103, Header: exchange.Header{{Name: "Link", Value: "a"}}}, ResponseOptions{Close: true},
			"HTTP/1.1 103 \nLink: a\n\n"},
		{"101", exchange.Response{Status: 101, Header: exchange.Header{{Name: "Upgrade", Value: "websocket"}, {Name: "Connection", Value: "x"}}},
			ResponseOptions{}, "HTTP/1.1 101 \nUpgrade: websocket\nConnection: Upgrade\n\n"},
		{"hop-by-hop fields stay behind", exchange.Response{Status: 200, Header: exchange.Header{{Name: "Connection", Value: "Set-Cookie"},
			{Name: "Set-Cookie", Value: "a"}, {Name: "Transfer-Encoding", Value: "chunked"}, {Name: "Keep-Alive", Value: "5"}}}, ResponseOptions{},
			"HTTP/1.1 200 \nSet-Cookie: a\nContent-Length: 0\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := AppendResponse(nil, &c.r, c.o)
			if got := strings.ReplaceAll(string(out), "\r\n", "\n"); err != nil || got != c.want {
				t.Errorf("%v\n got %q\nwant %q", err, got, c.want)
			}
		})
	}
}

func TestAppendResponseRefuses(t *testing.T) {
	for name, r := range map[string]exchange.Response{
		"status of two digits":  {Status: 99},
		"status of four digits": {Status: 1000},
		"phrase with CRLF":      {Status: 200, Phrase: "OK\r\nX: y"},
		"value with CRLF":       {Status: 200, Header: exchange.Header{{Name: "Location", Value: "/\r\nSet-Cookie: a=b"}}},
		"name with space":       {Status: 200, Header: exchange.Header{{Name: "X Y", Value: "a"}}},
		"101 without Upgrade":   {Status: 101},
		"101 with CRLF":         {Status: 101, Header: exchange.Header{{Name: "Upgrade", Value: "a\r\nb"}}},
	} {
		if out, err := AppendResponse([]byte("before"), &r, ResponseOptions{}); reason.Of(err) == nil || string(out) != "before" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func TestAppendChunks(t *testing.T) {
	out := AppendChunk(nil, []byte("hello"))
	out = AppendChunk(out, nil)
	out = append(append(AppendChunkSize(out, 26), strings.Repeat("x", 26)...), "\r\n"...)
	out, err := AppendLastChunk(out, exchange.Header{{Name: "X-Sum", Value: "1"}})
	if want := "5\r\nhello\r\n1a\r\n" + strings.Repeat("x", 26) + "\r\n0\r\nX-Sum: 1\r\n\r\n"; err != nil || string(out) != want {
		t.Errorf("%q %v, want %q", out, err, want)
	}
	for name, f := range map[string]exchange.Field{
		"framing":        {Name: "content-length", Value: "1"},
		"hop-by-hop":     {Name: "Connection", Value: "close"},
		"authentication": {Name: "Authorization", Value: "a"},
		"CRLF":           {Name: "X", Value: "\r\n"},
		"name":           {Name: "X Y", Value: ""},
	} {
		if out, err := AppendLastChunk([]byte("before"), exchange.Header{f}); reason.Of(err) == nil || string(out) != "before" {
			t.Errorf("%s: %q %v", name, out, err)
		}
	}
}
