package origin

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
)

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("no other system tells a program the window")
	}
}

// endedDead demands that x ended with code before any timer, and says so.
func endedDead(t *testing.T, x *exchange.Exchange, err error, code reason.Code) {
	t.Helper()
	wantCode(t, x, err, code)
	a := x.Attempts[len(x.Attempts)-1]
	if !strings.Contains(a.Detail, "dead_wait") {
		t.Errorf("detail %q does not name dead_wait", a.Detail)
	}
	gave := 0
	for _, f := range a.Facts {
		if f.Kind == fact.GaveUp {
			gave++
			if f.Text != "dead_wait" || f.Size <= 0 {
				t.Errorf("gave up by %q after %d ns", f.Text, f.Size)
			}
		}
	}
	if gave != 1 {
		t.Errorf("%d facts say that we gave up, want 1: %+v", gave, a.Facts)
	}
}

// asksInUpload is an origin that asks for a certificate on every request, in uploads while the body is under way.
func asksInUpload(readAhead int) lab.Config {
	return lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept, Every: true, InFlight: true, Stall: true, ReadAhead: readAhead, Patience: time.Minute}}
}

// TestDeadWaitBehindBody: on a connection that has renegotiated before, a large body is not announced. The origin asks again in the
// midst of it and reads no further: our ClientHello cannot reach it.
func TestDeadWaitBehindBody(t *testing.T) {
	onLinux(t)
	o := labOrigin(t, asksInUpload(0), Config{DeadWait: 300 * time.Millisecond})
	if status, _, err := fetch(t, o, labExchange("GET", 0)); status != 200 || err != nil {
		t.Fatalf("first request: %d %v", status, err)
	}
	x := labExchange("POST", 16<<20)
	start := time.Now()
	_, _, err := fetch(t, o, x)
	endedDead(t, x, err, reason.TLSRenegotiationFailed)
	if a := x.Attempts[0]; !a.Reused || a.Announced || !strings.Contains(a.Detail, "request body") {
		t.Errorf("not the case that is meant: %+v", a)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	told, gave := time.Time{}, time.Time{}
	for _, f := range x.Attempts[0].Facts {
		switch f.Kind {
		case fact.TLSClientHello:
			told = f.At
		case fact.GaveUp:
			gave = f.At
		}
	}
	if gave.Sub(told) < 200*time.Millisecond { // it may have been written, behind the body, when the HelloRequest came
		t.Errorf("a ClientHello is told of that never left: %+v", x.Attempts[0].Facts)
	}
	if status, _, err := fetch(t, o, labExchange("GET", 0)); status != 200 || err != nil {
		t.Errorf("the request after it: %d %v", status, err)
	}
}

// TestDeadWaitOff: the same goes on until a timer ends it.
func TestDeadWaitOff(t *testing.T) {
	o := labOrigin(t, asksInUpload(0), Config{DeadWait: -1, DeadWaitOn: "likely", Timeouts: Timeouts{Write: time.Second, FirstByte: time.Second}})
	_, _, _ = fetch(t, o, labExchange("GET", 0))
	x := labExchange("POST", 16<<20)
	_, _, err := fetch(t, o, x)
	wantCode(t, x, err, reason.TLSRenegotiationFailed)
	if strings.Contains(x.Attempts[0].Detail, "dead_wait") {
		t.Errorf("detail %q", x.Attempts[0].Detail)
	}
}

// TestDeadWaitHelloTaken: the origin's kernel has our ClientHello. Whether the program will read it nobody knows, so that is a dead
// wait only where the site says so.
func TestDeadWaitHelloTaken(t *testing.T) {
	for _, on := range []string{"proven", "likely"} {
		t.Run(on, func(t *testing.T) {
			o := labOrigin(t, lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept, Stall: true, ReadAhead: 1024, Patience: time.Minute}},
				Config{DeadWait: 200 * time.Millisecond, DeadWaitOn: on, Timeouts: Timeouts{Write: 1500 * time.Millisecond, FirstByte: 1500 * time.Millisecond}})
			x := labExchange("POST", 40<<10)
			_, _, err := fetch(t, o, x)
			if on == "likely" {
				endedDead(t, x, err, reason.TLSRenegotiationFailed)
				return
			}
			wantCode(t, x, err, reason.TLSRenegotiationFailed)
			if a := x.Attempts[0]; strings.Contains(a.Detail, "dead_wait") {
				t.Errorf("cut although the origin may go on: %s", a.Detail)
			}
		})
	}
}

// slowConn reads 4 KiB at a time, with a pause before each.
type slowConn struct {
	net.Conn
	pause time.Duration
}

func (c slowConn) Read(p []byte) (int, error) {
	<-time.After(c.pause)
	return c.Conn.Read(p[:min(len(p), 4<<10)])
}

type slowListener struct {
	net.Listener
	pause time.Duration
}

func (l slowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := c.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		return nil, err
	}
	return slowConn{c, l.pause}, nil
}

// TestDeadWaitSlowReader: an origin that renegotiates while it reads the body slowly, its window shut most of the time, is not cut,
// however much longer than dead_wait it takes.
func TestDeadWaitSlowReader(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lc := asksInUpload(0)
	lc.Renegotiate.InFlight = false // it reads ahead, and finds the ClientHello behind the body
	lc.Renegotiate.ReadAhead, lc.Listener = 4<<20, slowListener{ln, 3 * time.Millisecond}
	o := labOrigin(t, lc, Config{DeadWait: 700 * time.Millisecond})
	if status, _, err := fetch(t, o, labExchange("GET", 0)); status != 200 || err != nil {
		t.Fatalf("first request: %d %v", status, err)
	}
	x := labExchange("POST", 2<<20)
	start := time.Now()
	status, _, err := fetch(t, o, x)
	if status != 200 || err != nil {
		t.Fatalf("got %d %v, attempts %+v", status, err, x.Attempts)
	}
	if took := time.Since(start); took < time.Second || x.Attempts[0].Renegotiations != 1 || x.Attempts[0].Announced {
		t.Errorf("not the case that is meant: %v, %+v", took, x.Attempts[0])
	}
}

// TestDeadWaitPausedUpload: a window of 0 for much longer than dead_wait proves nothing: the origin writes a tape, say, and goes on.
func TestDeadWaitPausedUpload(t *testing.T) {
	for _, version := range []string{"1.1", "2"} {
		t.Run("http "+version, func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-time.After(1500 * time.Millisecond)
				_, _ = io.Copy(io.Discard, r.Body)
			}))
			s.EnableHTTP2 = true
			s.StartTLS()
			defer s.Close()
			o := newOrigin(t, Config{URLs: []string{s.URL}, HTTP: version, DeadWait: 150 * time.Millisecond, DeadWaitOn: "likely", TLS: TLS{Roots: pool(s), MaxVersion: 0x0303}})
			x := newExchange("POST", "/", strings.Repeat("x", 16<<20))
			if status, _, err := fetch(t, o, x); status != 200 || err != nil {
				t.Errorf("got %d %v, attempts %+v", status, err, x.Attempts)
			}
		})
	}
}

// TestDeadWaitBothShut: origin and client each write and do not read. The client may have paused on purpose, so that it is no proof.
func TestDeadWaitBothShut(t *testing.T) {
	onLinux(t)
	for _, on := range []string{"proven", "likely"} {
		t.Run(on, func(t *testing.T) {
			over := make(chan struct{})
			url := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
				defer close(over)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
				piece := "10000\r\n" + strings.Repeat("y", 1<<16) + "\r\n"
				for {
					if _, err := io.WriteString(c, piece); err != nil {
						return
					}
				}
			})
			o := newOrigin(t, Config{URLs: []string{"http://" + url}, DeadWait: 200 * time.Millisecond, DeadWaitOn: on})
			x := newExchange("POST", "/", "x")
			x.Request.Body, x.Request.Length = body{zeros{}}, 1<<40
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			resp, err := o.RoundTrip(ctx, x, &x.Request)
			if err != nil {
				t.Fatal(err)
			}
			wait := time.Second
			if on == "likely" {
				wait = 10 * time.Second
			}
			select {
			case <-over:
			case <-time.After(wait):
			}
			if on == "proven" {
				cancel(reason.New(reason.ClientGone, "", nil))
			}
			_, err = io.Copy(io.Discard, bodyReader{resp.Body})
			_ = resp.Body.Close()
			if on == "likely" {
				endedDead(t, x, err, reason.WriteTimeout)
				return
			}
			wantCode(t, x, err, reason.ClientGone)
		})
	}
}

// TestEnd: somebody who judges a stall ends it, and nothing else.
func TestEnd(t *testing.T) {
	for _, version := range []string{"1.1", "2"} {
		t.Run("http "+version, func(t *testing.T) {
			arrived, released := make(chan struct{}, 8), make(chan struct{}, 8)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/stall" {
					return
				}
				arrived <- struct{}{}
				<-r.Context().Done()
				released <- struct{}{}
			}))
			s.EnableHTTP2 = true
			s.StartTLS()
			defer s.Close()
			o := newOrigin(t, Config{URLs: []string{s.URL}, HTTP: version, TLS: TLS{Roots: pool(s)}})
			why := reason.New(reason.ReadFirstByteTimeout, "judged", nil)
			x := newExchange("GET", "/stall", "")
			got := make(chan [3]bool, 1)
			go func() {
				<-arrived
				got <- [3]bool{o.End(1, "another", why, 7*time.Second), o.End(99, x.ID, why, 7*time.Second), o.End(1, x.ID, why, 7*time.Second)}
			}()
			_, _, err := fetch(t, o, x)
			endedDead(t, x, err, reason.ReadFirstByteTimeout)
			<-released // the origin is told
			if was := <-got; was != [3]bool{false, false, true} {
				t.Errorf("End said %v", was)
			}
			if d := x.Attempts[0].Detail; !strings.HasPrefix(d, "7s, dead_wait") || !strings.Contains(d, "judged") || strings.Contains(d, "first_byte") {
				t.Errorf("detail %q", d)
			}
			if o.End(1, x.ID, why, time.Second) {
				t.Error("an exchange that is over was ended")
			}
			after := newExchange("GET", "/", "")
			if status, _, err := fetch(t, o, after); status != 200 || err != nil {
				t.Errorf("the request after it: %d %v", status, err)
			}
			if o.End(after.Attempts[0].ConnID, after.ID, why, time.Second) {
				t.Error("an idle connection was ended for an exchange that has left it")
			}
			if kept := after.Attempts[0].Reused; kept != (version == "2") {
				t.Errorf("connection kept: %v", kept)
			}
		})
	}
	o := newOrigin(t, Config{URLs: []string{"http://127.0.0.1:1"}})
	if o.End(1, "", nil, 0) {
		t.Error("nothing was ended")
	}
}

// TestLiveConns: no connection is kept that has ended.
func TestLiveConns(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s)}})
	for range 3 {
		_, _, _ = fetch(t, o, newExchange("GET", "/", ""))
	}
	if n := len(o.live.m); n != 1 {
		t.Errorf("%d live connections", n)
	}
	o.Close()
	if n := len(o.live.m); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// TestTCPState: the kernel's count of what the origin has taken is that of the tap.
func TestTCPState(t *testing.T) {
	onLinux(t)
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer s.Close()
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s)}})
	if status, _, err := fetch(t, o, newExchange("POST", "/", strings.Repeat("x", 1<<20))); status != 200 || err != nil {
		t.Fatal(status, err)
	}
	for _, c := range o.live.m {
		st, ok := c.probe.tcp()
		if !ok || st.acked != c.tap.sent.Load() || st.arrived != c.tap.received.Load() || st.window == 0 || st.waiting != 0 || st.unread != 0 {
			t.Errorf("%+v %v, the tap sent %d and received %d", st, ok, c.tap.sent.Load(), c.tap.received.Load())
		}
	}
}

func TestStandstill(t *testing.T) {
	stuck := look{reneg: true, hello: 100, received: 50, known: true, tcp: tcpState{acked: 90, arrived: 50, waiting: 400, heard: 10 * time.Millisecond}}
	with := func(f func(*look)) look { l := stuck; f(&l); return l }
	for _, c := range []struct {
		name string
		l    look
		want standstillKind
	}{
		{"a ClientHello behind the body", stuck, bodyInFront},
		{"a ClientHello that was not even written", with(func(l *look) { l.unsaid, l.hello = true, 0 }), bodyInFront},
		{"its kernel took the ClientHello", with(func(l *look) { l.tcp.acked = 101 }), helloTaken},
		{"a window that is open", with(func(l *look) { l.tcp.window = 1 }), helloTaken},
		{"nothing is waiting", with(func(l *look) { l.tcp.waiting = 0 }), helloTaken},
		{"no ClientHello yet, the window open", with(func(l *look) { l.unsaid, l.tcp.window = true, 1 }), moving},
		{"it spoke since", with(func(l *look) { l.received, l.tcp.arrived = 51, 51 }), moving},
		{"its host is silent", with(func(l *look) { l.tcp.heard = time.Hour }), moving},
		{"the kernel does not tell", with(func(l *look) { l.known, l.tcp = false, tcpState{} }), helloTaken},
		{"no renegotiation", with(func(l *look) { l.reneg = false }), moving},
		{"both shut", with(func(l *look) { l.reneg, l.overtaken, l.tcp.unread = false, true, 9 }), bothShut},
		{"we have read all", with(func(l *look) { l.reneg, l.overtaken = false, true }), moving},
		{"it takes the body", with(func(l *look) { l.reneg, l.overtaken, l.tcp.unread, l.tcp.window = false, true, 9, 1 }), moving},
	} {
		s := standstill{before: 50}
		at := time.Unix(100, 0)
		var kind standstillKind
		var still time.Duration
		for range 5 {
			l := c.l
			l.at, at = at, at.Add(time.Second)
			kind, still = s.see(l)
		}
		want := 4 * time.Second
		if c.want == moving {
			want = 0
		}
		if kind != c.want || still != want {
			t.Errorf("%s: %d after %v, want %d after %v", c.name, kind, still, c.want, want)
		}
	}
}

// TestStandstillMoves: as long as one byte moves between two looks, nothing stands still.
func TestStandstillMoves(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		s := standstill{before: 5}
		l := look{at: time.Unix(100, 0), known: true}
		for range 40 {
			l.at = l.at.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
			l.reneg, l.overtaken, l.unsaid = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
			l.received, l.hello = 5, int64(r.IntN(60))
			l.tcp.unread, l.tcp.waiting = r.IntN(2), r.IntN(2)
			if r.IntN(2) == 0 {
				l.tcp.acked++
			} else {
				l.tcp.arrived++
			}
			if _, still := s.see(l); still != 0 {
				t.Fatalf("something moved, and it stands still for %v: %+v", still, l)
			}
		}
	}
}
