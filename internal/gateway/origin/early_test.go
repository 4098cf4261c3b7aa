package origin

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// upload is a POST whose body is n bytes, never ready at once.
func uploadOf(n int64, r io.Reader) *exchange.Exchange {
	x := newExchange("POST", "/", "")
	x.Request.Body, x.Request.Length = body{r}, n
	return x
}

// TestEarlyAnswer: an error answer in the midst of an upload reaches the client, and the connection is not used again.
func TestEarlyAnswer(t *testing.T) {
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, r)
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	for range 2 {
		x := uploadOf(100<<20, io.LimitReader(zeros{}, 100<<20))
		status, content, err := fetch(t, o, x)
		if status != 413 || content != "big" || err != nil {
			t.Fatalf("got %d %q %v", status, content, err)
		}
		if a := x.Attempts[0]; a.Reason != reason.WriteEarlyResponse || a.Reused || len(x.Attempts) != 1 {
			t.Errorf("record %+v", a)
		}
	}
}

// TestAnswerBehindRefusedBody: the origin answers and resets; the answer was on its way and counts.
func TestAnswerBehindRefusedBody(t *testing.T) {
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		// closing with bytes unread makes the kernel send a reset
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	x := uploadOf(1<<20, io.LimitReader(zeros{}, 1<<20))
	if status, _, err := fetch(t, o, x); status != 413 || err != nil {
		t.Fatalf("got %d %v", status, err)
	}
}

// TestFullDuplex: an origin that answers while it reads gets everything, and both directions end.
func TestFullDuplex(t *testing.T) {
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n")
		_, _ = io.CopyN(c, r, 4<<20)
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
	x := uploadOf(4<<20, io.LimitReader(zeros{}, 4<<20))
	status, content, err := fetch(t, o, x)
	if status != 200 || len(content) != 4<<20 || err != nil {
		t.Fatalf("got %d, %d bytes, %v", status, len(content), err)
	}
	if a := x.Attempts[0]; a.Write <= 0 || a.BytesSent < 4<<20 {
		t.Errorf("record %+v", a)
	}
	y := newExchange("GET", "/", "")
	if status, _, err := fetch(t, o, y); status != 204 || err != nil || !y.Attempts[0].Reused {
		t.Errorf("next: %d %v", status, err)
	}
}

// TestSlowClientIsNotTheOriginsFault: while the client takes its time to send, nothing is due from the origin.
func TestSlowClientIsNotTheOriginsFault(t *testing.T) {
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
		_, _ = io.CopyN(io.Discard, r, 20)
		_, _ = io.WriteString(c, "0\r\n\r\n")
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}, Timeouts: Timeouts{FirstByte: time.Second, ReadIdle: time.Second}})
	pr, pw := io.Pipe()
	x := newExchange("POST", "/", "")
	x.Request.Body, x.Request.Length = pipeBody{pr}, 20
	go func() {
		_, _ = pw.Write(make([]byte, 10))
		timer := time.NewTimer(1500 * time.Millisecond) // more than the origin would be allowed
		<-timer.C
		_, _ = pw.Write(make([]byte, 10))
	}()
	if status, content, err := fetch(t, o, x); status != 200 || content != "ok" || err != nil {
		t.Fatalf("got %d %q %v", status, content, err)
	}
}

// TestBodyThatLies: a body that is not as long as announced never leaves as another request.
func TestBodyThatLies(t *testing.T) {
	for _, size := range []int{5, 100 << 10} {
		for _, by := range []int{-1, 1} {
			got := make(chan int, 1)
			addr := rawServer(t, func(_ *net.TCPConn, r *bufio.Reader) {
				readHead(r)
				n, _ := io.Copy(io.Discard, r)
				got <- int(n)
			})
			o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
			x := uploadOf(int64(size), strings.NewReader(strings.Repeat("x", size+by)))
			_, _, err := fetch(t, o, x)
			wantCode(t, x, err, reason.UsInternal)
			if n := <-got; n > size {
				t.Errorf("%d bytes reached the origin, %d were announced", n, size)
			}
		}
	}
}

// TestClientBodyFails: the client's fault ends the exchange, and is the reason.
func TestClientBodyFails(t *testing.T) {
	gone := reason.New(reason.ClientGone, "", nil)
	for _, size := range []int64{100, 1 << 20} {
		for _, version := range []string{"1.1", "2"} {
			serve := func(_ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }
			o := newOrigin(t, Config{URLs: []string{"http://" + rawServer(t, serve)}})
			if version == "2" {
				o = h2Origin(t, Config{}, func(p *h2Peer) { _ = p.WriteSettings(); p.requests(func(*http2.MetaHeadersFrame) {}) })
			}
			x := uploadOf(size, io.MultiReader(io.LimitReader(zeros{}, size/2), failing{gone}))
			_, _, err := fetch(t, o, x)
			wantCode(t, x, err, reason.ClientGone)
			if len(x.Attempts) != 1 {
				t.Errorf("%d attempts", len(x.Attempts))
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestWriteReasons: an origin that ends the connection while the body is on its way.
func TestWriteReasons(t *testing.T) {
	for _, c := range []struct {
		name   string
		linger bool
		want   []reason.Code
	}{
		// Unread bytes make the kernel reset a closed connection; and it tells of a reset but once, to reading or to writing.
		{"closes", false, []reason.Code{reason.WriteEOF, reason.WriteReset}},
		{"resets", true, []reason.Code{reason.WriteEOF, reason.WriteReset}},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := rawServer(t, func(nc *net.TCPConn, r *bufio.Reader) {
				readHead(r)
				if c.linger {
					_ = nc.SetLinger(0)
				}
			})
			o := newOrigin(t, Config{URLs: []string{"http://" + addr}})
			x := uploadOf(64<<20, io.LimitReader(zeros{}, 64<<20))
			_, _, err := fetch(t, o, x)
			r := reason.Of(err)
			if r == nil || r.Code != c.want[0] && r.Code != c.want[len(c.want)-1] {
				t.Fatalf("got %v", err)
			}
		})
	}
	t.Run("stops reading", func(t *testing.T) {
		hold := make(chan struct{})
		defer close(hold)
		addr := rawServer(t, func(_ *net.TCPConn, r *bufio.Reader) { readHead(r); <-hold })
		o := newOrigin(t, Config{URLs: []string{"http://" + addr}, Timeouts: soon(reason.WriteTimeout)})
		x := uploadOf(64<<20, io.LimitReader(zeros{}, 64<<20))
		_, _, err := fetch(t, o, x)
		wantCode(t, x, err, reason.WriteTimeout)
	})
	t.Run("total", func(t *testing.T) {
		addr := rawServer(t, func(_ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
		o := newOrigin(t, Config{URLs: []string{"http://" + addr}, Timeouts: Timeouts{Total: 100 * time.Millisecond}})
		x := newExchange("GET", "/", "")
		_, _, err := fetch(t, o, x)
		wantCode(t, x, err, reason.ReadOverTotalTime)
	})
}

// TestUnreadBytes: what an origin sends beyond its answer never becomes the answer to the next request, in whatever
// layer it waits: behind the body, or in a TLS record of its own that was read with it.
func TestUnreadBytes(t *testing.T) {
	const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	s := newTLSServer(t, nil)
	addr := rawServer(t, func(c *net.TCPConn, _ *bufio.Reader) {
		held := &heldConn{Conn: c}
		srv := tls.Server(held, s.TLS)
		readHead(bufio.NewReader(srv))
		held.hold = true
		_, _ = io.WriteString(srv, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_, _ = io.WriteString(srv, poison)
		held.hold = false
		_, _ = held.Write(nil)
		_, _ = io.Copy(io.Discard, srv)
	})
	o := newOrigin(t, Config{URLs: []string{"https://" + addr}, HTTP: "1.1", TLS: TLS{Roots: pool(s)}})
	for range 20 {
		x := newExchange("GET", "/", "")
		if _, content, err := fetch(t, o, x); content != "ok" || err != nil {
			t.Fatalf("got %q %v, attempts %+v", content, err, x.Attempts)
		}
	}
}

// heldConn keeps what is written until hold ends, so that it leaves as one segment.
type heldConn struct {
	net.Conn
	hold bool
	kept []byte
}

func (c *heldConn) Write(p []byte) (int, error) {
	c.kept = append(c.kept, p...)
	if !c.hold {
		out := c.kept
		c.kept = nil
		_, err := c.Conn.Write(out)
		return len(p), err
	}
	return len(p), nil
}

// TestLimitHandsConnectionsOn: under MaxConns who waits gets the connection of whoever is done with one.
func TestLimitHandsConnectionsOn(t *testing.T) {
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		for readHead(r) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}, MaxConns: 2})
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			for range 10 {
				x := newExchange("GET", "/", "")
				if status, _, err := fetch(t, o, x); status != 200 || err != nil {
					t.Errorf("got %d %v", status, err)
				}
			}
		})
	}
	wg.Wait()
	if n := o.Stats()[0].Open; n < 1 || n > 2 {
		t.Errorf("%d connections open", n)
	}
}

// TestLimitQueue: the queue ends with the connect timeout, a place is given back on every way out, and an idle
// connection of somebody else makes room.
func TestLimitQueue(t *testing.T) {
	hold := make(chan struct{})
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		for readHead(r) {
			<-hold
			_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n")
		}
	})
	o := newOrigin(t, Config{URLs: []string{"http://" + addr}, MaxConns: 1, Timeouts: Timeouts{Connect: time.Second}})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		x := newExchange("GET", "/", "")
		_, err := o.RoundTrip(ctx, x, &x.Request)
		first <- err
	}()
	for o.Stats()[0].Inflight == 0 {
		runtime.Gosched()
	}
	x := newExchange("GET", "/", "")
	_, _, err := fetch(t, o, x)
	wantCode(t, x, err, reason.LimitQueueTimeout)
	cancel()
	if err := <-first; err == nil {
		t.Fatal("the first exchange should have been called off")
	}
	close(hold)
	for id := range uint64(3) { // each client's connection is its own
		x := newExchange("GET", "/", "")
		x.Client = &exchange.Client{ConnID: 100 + id}
		if status, _, err := fetch(t, o, x); status != 401 || err != nil {
			t.Fatalf("client %d: %d %v", id, status, err)
		}
	}
	if n := o.Stats()[0].Open; n != 1 {
		t.Errorf("%d connections open", n)
	}
	o.DropClient(102)
	if n := o.Stats()[0].Open; n != 0 {
		t.Errorf("%d connections open after the client left", n)
	}
}
