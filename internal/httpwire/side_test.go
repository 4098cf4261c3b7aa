package httpwire

import (
	"io"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Codes that either side can earn say whose message it was.
func TestFaultSaysWhoseMessage(t *testing.T) {
	const badChunk = "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"
	var q exchange.Request
	client := NewReader(strings.NewReader("POST / HTTP/1.1\r\nHost: a.test\r\n" + badChunk))
	if err := client.ReadRequest(Limits{}, &q); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(client.Body(q.Length, Limits{}))
	if r := reason.Of(err); r == nil || r.Code != reason.HTTP1BadChunk || !r.InRequest {
		t.Errorf("request's body: %+v", r)
	}
	err = NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost : a\r\n\r\n")).ReadRequest(Limits{}, &q)
	if r := reason.Of(err); r == nil || !r.InRequest {
		t.Errorf("request's head: %+v", r)
	}
	var p exchange.Response
	origin := NewReader(strings.NewReader("HTTP/1.1 200 OK\r\n" + badChunk))
	if err := origin.ReadResponse(Limits{}, "GET", &p); err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(origin.Body(p.Length, Limits{}))
	if r := reason.Of(err); r == nil || r.Code != reason.HTTP1BadChunk || r.InRequest {
		t.Errorf("response's body: %+v", r)
	}
}
