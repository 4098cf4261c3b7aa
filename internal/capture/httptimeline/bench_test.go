package httptimeline

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// BenchmarkBody reads bodies in pieces of a TLS record.
func BenchmarkBody(b *testing.B) {
	piece := bytes.Repeat([]byte("0123456789abcdef"), 1024)
	run := func(name, head string, wrap func() []byte) {
		b.Run(name, func(b *testing.B) {
			t := New(Config{})
			t.Data(fact.SideClient, stamp(0), []byte("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"))
			t.Data(fact.SideServer, stamp(1), []byte(head))
			p := wrap()
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				t.Data(fact.SideServer, stamp(2), p)
			}
		})
	}
	run("length", "HTTP/1.1 200 OK\r\nContent-Length: 900000000000000\r\n\r\n", func() []byte { return piece })
	run("chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", func() []byte {
		return append(append([]byte("3ff6\r\n"), piece[:0x3ff6]...), "\r\n"...)
	})
	b.Run("http2", func(b *testing.B) {
		t := New(Config{})
		e := newEncoder()
		t.Data(fact.SideClient, stamp(0), []byte(preface+emptySettings+e.get(1, "/")))
		t.Data(fact.SideServer, stamp(1), []byte(emptySettings+fr(frameHeaders, flagEndHeaders, 1, newEncoder().block(":status 200"))))
		p := []byte(fr(frameData, 0, 1, string(piece)))
		b.SetBytes(int64(len(p)))
		b.ReportAllocs()
		for b.Loop() {
			t.Data(fact.SideServer, stamp(2), p)
		}
	})
}

// BenchmarkExchange reads a request with the fields of a browser and its response.
func BenchmarkExchange(b *testing.B) {
	request := []byte("GET /shop/articles/12345?q=shoes&page=2 HTTP/1.1\r\nHost: shop.example.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n" +
		"Referer: https://shop.example.test/shop\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef; lang=en\r\nUpgrade-Insecure-Requests: 1\r\n\r\n")
	response := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 17:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: keep-alive\r\nETag: \"0123\"\r\n\r\n%s", 1000, bytes.Repeat([]byte("x"), 1000))
	b.Run("http1", func(b *testing.B) {
		t := New(Config{Fact: func(fact.Fact) {}, Done: func(*Exchange) {}})
		b.SetBytes(int64(len(request) + len(response)))
		b.ReportAllocs()
		for b.Loop() {
			t.Data(fact.SideClient, stamp(0), request)
			t.Data(fact.SideServer, stamp(1), response)
		}
	})
	b.Run("http2", func(b *testing.B) {
		t := New(Config{Fact: func(fact.Fact) {}, Done: func(*Exchange) {}})
		e, d := newEncoder(), newEncoder()
		t.Data(fact.SideClient, stamp(0), []byte(preface+emptySettings))
		t.Data(fact.SideServer, stamp(1), []byte(emptySettings))
		id := uint32(1)
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			req := []byte(fr(frameHeaders, flagEndHeaders|flagEndStream, id, e.block(":method GET", ":scheme https", ":authority shop.example.test", ":path /shop/articles/12345?q=shoes", "user-agent Mozilla/5.0", "cookie session=0123456789abcdef", "accept */*")))
			resp := []byte(fr(frameHeaders, flagEndHeaders, id, d.block(":status 200", "server nginx", "content-type text/html", "content-length 1000")) + fr(frameData, flagEndStream, id, string(response[len(response)-1000:])))
			b.StartTimer()
			t.Data(fact.SideClient, stamp(0), req)
			t.Data(fact.SideServer, stamp(1), resp)
			id += 2
		}
	})
	b.Run("nothttp", func(b *testing.B) {
		t := New(Config{})
		p := bytes.Repeat([]byte("\x00\x01\x02\x03 binary"), 1600)
		b.SetBytes(int64(len(p)))
		b.ReportAllocs()
		for b.Loop() {
			t.Data(fact.SideClient, stamp(0), p)
		}
	})
}
