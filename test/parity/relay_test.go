package parity_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// relay stands between the gateway and an origin and records what crosses, as the doctor records its own connections.
type relay struct {
	ln     net.Listener
	origin string

	mu      sync.Mutex
	recs    []*recording.Recording
	lines   []*line
	opening sync.WaitGroup // what may yet add to these
	all     sync.WaitGroup
}

func newRelay(t *testing.T, origin string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{ln: ln, origin: origin}
	r.opening.Go(r.accept)
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *relay) accept() {
	for {
		c, err := r.ln.Accept()
		if err != nil {
			return
		}
		r.opening.Go(func() { r.open(c.(*net.TCPConn)) })
	}
}

// open opens the other half of c.
func (r *relay) open(c *net.TCPConn) {
	rec := &recording.Recording{ID: uint64(c.RemoteAddr().(*net.TCPAddr).Port), Start: time.Now(), Server: addrOf(r.ln.Addr()), Client: addrOf(c.RemoteAddr())}
	raw, err := net.Dial("tcp", r.origin)
	rec.Connect = time.Since(rec.Start)
	r.mu.Lock()
	r.recs = append(r.recs, rec)
	r.mu.Unlock()
	if err != nil {
		rec.Connect, rec.End = -1, time.Now()
		cut(c)
		return
	}
	l := &line{c: c, raw: raw.(*net.TCPConn), out: recording.New(raw, rec, 64<<20), heard: make(chan struct{})}
	r.mu.Lock()
	r.lines = append(r.lines, l)
	r.mu.Unlock()
	r.all.Go(l.up)
	r.all.Go(l.down)
}

// line is one connection through the relay.
type line struct {
	c     *net.TCPConn // of the gateway
	raw   *net.TCPConn // to the origin
	out   *recording.Conn
	heard chan struct{} // closed when the origin has the gateway's last word, or cannot have it

	telling sync.Mutex // held while out is written: the kernel tells of a reset but once, and that may be whoever writes
	reset   bool       // by the origin, as writing met it
}

// up hands on what the gateway says, to its last word: that may be the alert that says why it goes.
func (l *line) up() {
	defer close(l.heard)
	buf := make([]byte, 32<<10)
	for {
		n, err := l.c.Read(buf)
		if n > 0 && !l.tell(buf[:n]) {
			return // the origin is gone, how down finds
		}
		switch {
		case err == nil:
		case errors.Is(err, syscall.ECONNRESET):
			_ = l.raw.SetLinger(0)
			_ = l.out.Close()
			return
		default:
			_ = l.out.CloseWrite()
			return
		}
	}
}

// tell reports whether the origin took p.
func (l *line) tell(p []byte) bool {
	l.telling.Lock()
	defer l.telling.Unlock()
	_, err := l.out.Write(p)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		l.reset = true
	}
	return err == nil
}

// down hands on what the origin says, and how it ends.
func (l *line) down() {
	buf := make([]byte, 32<<10)
	for {
		n, err := l.out.Read(buf)
		if n > 0 {
			if _, gone := l.c.Write(buf[:n]); gone != nil {
				return // the gateway went; what it said before up still reads
			}
		}
		if err == nil {
			continue
		}
		l.telling.Lock()
		defer l.telling.Unlock()
		if l.reset || errors.Is(err, syscall.ECONNRESET) {
			cut(l.c)
			return
		}
		_ = l.c.CloseWrite()
		return
	}
}

// cut resets.
func cut(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// stop ends everything once the origins have heard the last of what the gateway said, which has closed its connections, and returns what
// was recorded. An origin that reads no more is waited for no longer than a stall.
func (r *relay) stop() []*recording.Recording {
	_ = r.ln.Close()
	r.opening.Wait()
	late, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	for _, l := range r.lines {
		select {
		case <-l.heard:
		case <-late.Done():
		}
		_ = l.out.Close()
		_ = l.c.Close()
	}
	r.all.Wait()
	return r.recs
}

func addrOf(a net.Addr) netip.AddrPort { return netip.MustParseAddrPort(a.String()) }

// noted are the facts that an end of ours adds to its recording: no byte shows them.
func noted(facts []fact.Fact) (out []fact.Fact) {
	for _, f := range facts {
		switch f.Kind {
		case fact.GaveUp, fact.TLSVerified, fact.ClientLeft:
			out = append(out, f)
		}
	}
	return out
}
