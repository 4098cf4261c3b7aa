package origin

import (
	"bufio"
	"io"
	"net"
	"testing"

	"github.com/lunette-waf/lunette/internal/reason"
)

// TestLateAnswer: what an origin sends after its answer is never taken for the answer to the next request.
func TestLateAnswer(t *testing.T) {
	ask, sent := make(chan struct{}), make(chan struct{})
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		<-ask
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
		sent <- struct{}{}
		_, _ = io.Copy(io.Discard, r)
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	for range 5 {
		_, got, err := fetch(t, o, newExchange("GET", "/", ""))
		if err != nil || got != "ok" {
			t.Fatalf("got %q %v", got, err)
		}
		ask <- struct{}{}
		<-sent
	}
}

// TestEndBehindInterim: an origin that said 103 had the request, so a kept connection that ends then was not stale.
func TestEndBehindInterim(t *testing.T) {
	asked := make(chan struct{}, 8)
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		readHead(r)
		asked <- struct{}{}
		_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n")
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	if _, got, err := fetch(t, o, newExchange("GET", "/", "")); err != nil || got != "ok" {
		t.Fatalf("got %q %v", got, err)
	}
	x := newExchange("GET", "/", "")
	_, _, err := fetch(t, o, x)
	if r := reason.Of(err); r == nil || r.Code != reason.ReadEOFBeforeHeader || len(x.Attempts) != 1 || len(asked) != 1 {
		t.Errorf("got %v in %d attempts, asked %d times", err, len(x.Attempts), len(asked))
	}
}
