package listener

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// TestIdleConnectionMemory reports what an idle keep-alive connection costs, its goroutine's stack included. The goal is
// 20 KB over TLS; clients are of this process, so what they cost is measured first and taken off. No figure is asserted.
func TestIdleConnectionMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("opens hundreds of connections")
	}
	ca := newAuthority(t, "test CA")
	const count = 300
	for _, secure := range []bool{false, true} {
		cfg := Config{TLS: secure}
		if secure {
			cfg.Sites = &SiteTable{Default: ca.site(t, "a.test")}
		}
		r := start(t, cfg, echo)
		before := heapAndStacks()
		conns := make([]net.Conn, 0, count)
		for range count {
			conns = append(conns, oneRequest(t, r, secure, ca))
		}
		with := heapAndStacks()
		for _, c := range conns {
			_ = c.Close()
		}
		t.Logf("tls %v: %d bytes per idle connection, its client in this process included", secure, (with-before)/count)
		runtime.KeepAlive(conns)
	}
}

// oneRequest opens a connection, uses it once and leaves it idle.
func oneRequest(t *testing.T, r *rig, secure bool, ca *authority) net.Conn {
	c := r.dial()
	if secure {
		c = tls.Client(c, &tls.Config{RootCAs: ca.pool, ServerName: "a.test"})
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer(t, bufio.NewReaderSize(c, 16), "GET")
	return c
}

func heapAndStacks() int64 {
	for range 4 { // a collection shrinks each stack by half at most
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkKeepAlive is one small request and answer after another on one connection; both ends count.
func BenchmarkKeepAlive(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	l, err := New(Config{Settings: Settings{Requests: -1}}, ln, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		_ = x.W.Head(&exchange.Response{Status: 200, Length: 2})
		_ = x.W.Body([]byte("ok"), true)
	}))
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = l.Serve(context.Background()) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	req := []byte("GET /index.html?a=b HTTP/1.1\r\nHost: a.test\r\nUser-Agent: bench\r\nAccept: */*\r\nCookie: a=b\r\n\r\n")
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(req); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	_ = c.Close()
	_ = l.Shutdown(context.Background())
	<-served
}
