package origin

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// headOf serves one request and hands its head over, as it came.
func headOf(t *testing.T) (addr string, heads chan string) {
	t.Helper()
	heads = make(chan string, 8)
	addr = rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			head.WriteString(line)
			if err != nil || line == "\r\n" {
				break
			}
		}
		heads <- head.String()
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	return addr, heads
}

// h2Server speaks HTTP/2 in the clear: it hands over each request's fields and answers with the header blocks of answer.
func h2Server(t *testing.T, answer [][]hpack.HeaderField) (addr string, requests chan []hpack.HeaderField) {
	t.Helper()
	requests = make(chan []hpack.HeaderField, 8)
	return rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		if _, err := r.Discard(len(http2.ClientPreface)); err != nil {
			return
		}
		f := http2.NewFramer(c, r)
		f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		_ = f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			m, ok := frame.(*http2.MetaHeadersFrame)
			if !ok {
				continue
			}
			requests <- m.Fields
			var block bytes.Buffer
			enc := hpack.NewEncoder(&block)
			for i, fields := range answer {
				block.Reset()
				for _, field := range fields {
					_ = enc.WriteField(field)
				}
				if f.WriteHeaders(http2.HeadersFrameParam{StreamID: m.StreamID, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: i == len(answer)-1}) != nil {
					return
				}
			}
		}
	}), requests
}

func status(s string) []hpack.HeaderField { return []hpack.HeaderField{{Name: ":status", Value: s}} }

func fieldOf(fields []hpack.HeaderField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// TE: trailers is a promise of the client's that we can keep: it goes on, as our own, in either version.
func TestTrailersArePromised(t *testing.T) {
	ask := func(url, version string) {
		x := newExchange("GET", "/", "")
		x.Request.Header = exchange.Header{{Name: "TE", Value: "trailers"}}
		if _, _, err := fetch(t, newOrigin(t, Config{URLs: []string{url}, HTTP: version}), x); err != nil {
			t.Error(err)
		}
	}
	addr, heads := headOf(t)
	ask("http://"+addr, "1.1")
	if got := <-heads; !strings.Contains(got, "\r\nTE: trailers\r\nConnection: TE\r\n") {
		t.Errorf("HTTP/1.1 origin got %q", got)
	}
	addr, requests := h2Server(t, [][]hpack.HeaderField{status("200")})
	ask("http://"+addr, "2")
	if got := <-requests; fieldOf(got, "te") != "trailers" {
		t.Errorf("HTTP/2 origin got %v", got)
	}
}

// A request without Host is for the origin's own name.
func TestNoHost(t *testing.T) {
	for _, host := range []string{"", "shop.test"} {
		addr, heads := headOf(t)
		x := newExchange("GET", "/", "")
		x.Request.Authority, x.Request.Proto = "", exchange.HTTP10
		if _, _, err := fetch(t, newOrigin(t, Config{URLs: []string{"http://" + addr}, Host: host}), x); err != nil {
			t.Fatal(err)
		}
		if got := <-heads; !strings.Contains(got, "\r\nHost: "+orString(host, addr)+"\r\n") {
			t.Errorf("origin got %q", got)
		}
		if x.Request.Authority != "" {
			t.Errorf("the client's request says %q now", x.Request.Authority)
		}
	}
}

// Every path and query that a request line can hold reaches an HTTP/2 origin byte for byte.
func TestTargetOverHTTP2(t *testing.T) {
	visible := make([]byte, 0, 94)
	for c := byte('!'); c <= '~'; c++ {
		if c != '#' && c != '?' {
			visible = append(visible, c)
		}
	}
	addr, requests := h2Server(t, [][]hpack.HeaderField{status("200")})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}, HTTP: "2"})
	for _, target := range []string{
		"/", "/?", "/a?b?c", "//", "//evil.test/a", "///", "//[", "//%zz\\?x", "/%2f%u0041%", "/http://b.test/",
		"/" + string(visible), "//" + string(visible) + "?" + string(visible),
	} {
		x := newExchange("GET", target, "")
		if _, _, err := fetch(t, o, x); err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if got := fieldOf(<-requests, ":path"); got != target {
			t.Errorf("sent %q, want %q", got, target)
		}
	}
	x := newExchange("OPTIONS", "*", "")
	if _, _, err := fetch(t, o, x); err != nil {
		t.Fatal(err)
	}
	if got := fieldOf(<-requests, ":path"); got != "*" {
		t.Errorf("sent %q, want *", got)
	}
}

// A status that no client would read as this origin means it is refused.
func TestStatusOverHTTP2(t *testing.T) {
	storm := make([][]hpack.HeaderField, 0, 41)
	for range 40 {
		storm = append(storm, status("103"))
	}
	for _, c := range []struct {
		name   string
		answer [][]hpack.HeaderField
		want   reason.Code // "": accepted
	}{
		{"599", [][]hpack.HeaderField{status("599")}, ""},
		{"1xx before", [][]hpack.HeaderField{status("100"), status("103"), status("204")}, ""},
		{"600", [][]hpack.HeaderField{status("600")}, reason.HTTP2NoStatus},
		{"999", [][]hpack.HeaderField{status("999")}, reason.HTTP2NoStatus},
		{"1000", [][]hpack.HeaderField{status("1000")}, reason.HTTP2NoStatus},
		{"99", [][]hpack.HeaderField{status("99")}, reason.HTTP2NoStatus},
		{"+200", [][]hpack.HeaderField{status("+200")}, reason.HTTP2NoStatus},
		{"0200", [][]hpack.HeaderField{status("0200")}, reason.HTTP2NoStatus},
		{"storm", append(storm, status("200")), reason.HTTP1TooManyInformational},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, _ := h2Server(t, c.answer)
			x := newExchange("GET", "/", "")
			_, _, err := fetch(t, newOrigin(t, Config{URLs: []string{"http://" + addr}, HTTP: "2"}), x)
			if r := reason.Of(err); (r == nil) != (c.want == "") || r != nil && r.Code != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// brokenBody is a request body that the client breaks off with a fault of its own.
type brokenBody struct{ body }

func (brokenBody) Read([]byte) (int, error) {
	return 0, &reason.Error{Code: reason.HTTP1BadChunk, InRequest: true}
}

// Whoever sends bad requests must not be able to put origins aside.
func TestBadRequestsBlameNoOrigin(t *testing.T) {
	a, _ := headOf(t)
	b, _ := headOf(t)
	o := newOrigin(t, Config{URLs: []string{"http://" + a, "http://" + b}, Health: Health{PassiveFall: 1}})
	for range 4 {
		x := newExchange("POST", "/", "x")
		x.Request.Body, x.Request.Length = brokenBody{}, exchange.Chunked
		if _, _, err := fetch(t, o, x); reason.Of(err) == nil || reason.Of(err).Code != reason.HTTP1BadChunk {
			t.Fatalf("got %v", err)
		}
	}
	for _, s := range o.Stats() {
		if !s.Up {
			t.Errorf("%s was put aside", s.URL)
		}
	}
}

// Nor to make it shake hands for nothing: a connection on which nothing was sent is kept.
func TestBadRequestsCostNoConnection(t *testing.T) {
	opened := make(chan struct{}, 8)
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		opened <- struct{}{}
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_, _ = io.Copy(io.Discard, r)
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	for range 4 {
		x := newExchange("POST", "/", "x")
		x.Request.Body, x.Request.Length = brokenBody{}, exchange.Chunked
		if _, _, err := fetch(t, o, x); reason.Of(err) == nil || !reason.Of(err).InRequest {
			t.Fatalf("got %v", err)
		}
	}
	if _, got, err := fetch(t, o, newExchange("GET", "/", "")); err != nil || got != "ok" || len(opened) != 1 {
		t.Errorf("got %q %v over %d connections", got, err, len(opened))
	}
}
