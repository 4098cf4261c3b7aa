package origin

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestIdleEnded ends an idle connection at one end or the other, and looks at what is told of it.
func TestIdleEnded(t *testing.T) {
	type told struct {
		url    string
		idle   time.Duration
		closed bool
	}
	for _, secure := range []bool{true, false} {
		for _, byOrigin := range []bool{true, false} {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Server", "thing/1.2")
				_, _ = io.WriteString(w, "ok")
			}))
			cfg := Config{HTTP: "1.1"}
			if secure {
				s.StartTLS()
				cfg.TLS.Roots = pool(s)
			} else {
				s.Start()
			}
			heard := make(chan told, 1)
			cfg.URLs, cfg.Timeouts.KeepaliveIdle = []string{s.URL}, time.Hour
			if !byOrigin {
				cfg.Timeouts.KeepaliveIdle = 20 * time.Millisecond
			}
			o, err := New(cfg, Deps{IdleEnded: func(url string, idle time.Duration, closed bool) { heard <- told{url, idle, closed} }})
			if err != nil {
				t.Fatal(err)
			}
			x := newExchange("GET", "/", "")
			if status, _, err := fetch(t, o, x); status != 200 || err != nil {
				t.Fatal(status, err)
			}
			a := &x.Attempts[0]
			if a.Server != "thing/1.2" || a.Closing || (a.TLSOffered != 0) != secure || secure && (len(a.Peer.Fingerprint) != 64 || len(a.Peer.KeyID) != 64 || a.Peer.Key == "") {
				t.Errorf("attempt %+v, peer %+v", a, a.Peer)
			}
			if byOrigin {
				s.CloseClientConnections()
				o.endpoints[0].await(t)
				fresh := newExchange("GET", "/", "")
				if status, _, err := fetch(t, o, fresh); status != 200 || err != nil {
					t.Fatal(status, err)
				}
			}
			if got := <-heard; got.url != s.URL || got.idle <= 0 || got.closed != byOrigin {
				t.Errorf("told of %+v, want closed %v", got, byOrigin)
			}
			o.Close()
			s.Close()
		}
	}
}

// await waits until the origin's end of the idle connection has arrived.
func (ep *endpoint) await(t *testing.T) {
	t.Helper()
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if len(ep.idle) != 1 {
		t.Fatalf("%d idle connections", len(ep.idle))
	}
	c := ep.idle[0]
	_ = c.raw.SetReadDeadline(time.Now().Add(10 * time.Second))
	rc, err := c.raw.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := rc.Read(func(uintptr) bool { return !c.probe.ok() }); err != nil {
		t.Fatal(err)
	}
}
