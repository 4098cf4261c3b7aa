package httpwire

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
)

const typicalGet = "GET /catalogue/item?id=4711&lang=en HTTP/1.1\r\nHost: shop.test\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\nReferer: https://shop.test/catalogue\r\nConnection: keep-alive\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Mode: navigate\r\n\r\n"

const typicalAnswer = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 14:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n" +
	"Content-Length: 10240\r\nLast-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\nConnection: keep-alive\r\nVary: Accept-Encoding\r\n" +
	"ETag: \"5f3c-2800\"\r\nCache-Control: max-age=60\r\nAccept-Ranges: bytes\r\n\r\n"

func BenchmarkParseRequest(b *testing.B) {
	var r exchange.Request
	in := []byte(typicalGet)
	b.ReportAllocs()
	for b.Loop() {
		if n, err := ParseRequest(in, Limits{}, &r); n != len(in) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	var r exchange.Response
	in := []byte(typicalAnswer)
	b.ReportAllocs()
	for b.Loop() {
		if n, err := ParseResponse(in, Limits{}, "GET", &r); n != len(in) || err != nil {
			b.Fatal(n, err)
		}
	}
}

// endless repeats one message for ever, a message a Read.
type endless struct{ message string }

func (e endless) Read(p []byte) (int, error) { return copy(p, e.message), nil }

func BenchmarkReadRequest(b *testing.B) {
	rd := NewReader(endless{typicalGet})
	var r exchange.Request
	b.ReportAllocs()
	for b.Loop() {
		if err := rd.ReadRequest(Limits{}, &r); err != nil {
			b.Fatal(err)
		}
		rd.Release()
	}
}

func BenchmarkChunkedBody(b *testing.B) {
	message := strings.ReplaceAll(typicalAnswer, "Content-Length: 10240", "Transfer-Encoding: chunked") +
		string(AppendChunk(nil, bytes.Repeat([]byte("x"), 1024))) + "0\r\n\r\n"
	rd := NewReader(endless{message})
	var r exchange.Response
	p := make([]byte, 32<<10)
	b.ReportAllocs()
	for b.Loop() {
		if err := rd.ReadResponse(Limits{}, "GET", &r); err != nil {
			b.Fatal(err)
		}
		for body := rd.Body(r.Length, Limits{}); ; {
			if _, err := body.Read(p); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkAppendRequest(b *testing.B) {
	var r exchange.Request
	if _, err := ParseRequest([]byte(typicalGet), Limits{}, &r); err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendRequest(out, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendResponse(b *testing.B) {
	var r exchange.Response
	if _, err := ParseResponse([]byte(typicalAnswer), Limits{}, "GET", &r); err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendResponse(out, &r, ResponseOptions{Method: "GET"}); err != nil {
			b.Fatal(err)
		}
	}
}
