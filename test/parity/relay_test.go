package parity_test

import (
	"errors"
	"io"
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

	mu   sync.Mutex
	recs []*recording.Recording
	open []io.Closer
	all  sync.WaitGroup
}

func newRelay(t *testing.T, origin string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{ln: ln, origin: origin}
	r.all.Go(r.accept)
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *relay) accept() {
	for {
		c, err := r.ln.Accept()
		if err != nil {
			return
		}
		r.all.Go(func() { r.serve(c.(*net.TCPConn)) })
	}
}

func (r *relay) serve(c *net.TCPConn) {
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
	out := recording.New(raw, rec, 64<<20)
	r.mu.Lock()
	r.open = append(r.open, c, out)
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		if _, err := io.Copy(out, c); errors.Is(err, syscall.ECONNRESET) {
			_ = raw.(*net.TCPConn).SetLinger(0)
			_ = out.Close()
			return
		}
		_ = out.CloseWrite()
	})
	both.Go(func() {
		if _, err := io.Copy(c, out); errors.Is(err, syscall.ECONNRESET) {
			cut(c)
			return
		}
		_ = c.CloseWrite()
	})
	both.Wait()
	_ = out.Close()
	_ = c.Close()
}

// cut resets.
func cut(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// stop ends everything and returns what was recorded.
func (r *relay) stop() []*recording.Recording {
	_ = r.ln.Close()
	r.mu.Lock()
	for _, c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
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
