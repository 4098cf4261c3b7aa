package origin

import (
	"bufio"
	"io"
	"net"
	"testing"
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
