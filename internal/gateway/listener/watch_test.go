package listener

import (
	"net"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/httpwire"
)

// TestWatchTakesOneByte runs the timer's function twice within one exchange, as it happens when the scheduler ran the
// one of the exchange before late. The client's next request is on its way already; only its first byte may be taken.
func TestWatchTakesOneByte(t *testing.T) {
	client, server := net.Pipe()
	defer func() { _ = client.Close() }()
	defer func() { _ = server.Close() }()
	_ = server.SetDeadline(time.Now().Add(patience))
	h := &h1{rw: server}
	h.in = httpwire.NewReader(h)
	h.watch.init(h)
	h.watch.begin()
	h.watch.start(time.Hour)
	go func() { _, _ = client.Write([]byte("GET")) }() // ends with the pipe
	h.watch.fire()
	second := make(chan struct{})
	go func() { // ends at once, or with the pipe
		defer close(second)
		h.watch.fire()
	}()
	<-second
	h.watch.stop()
	if got := string(h.pending); got != "G" {
		t.Errorf("pending is %q, want the first byte of the next request", got)
	}
}
