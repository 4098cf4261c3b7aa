package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rig is a gateway in front of an origin that says hello.
type rig struct {
	t      *testing.T
	app    *App
	path   string
	origin string
	ended  chan error
}

// startApp runs a gateway whose listen section is listen, until the test ends.
func startApp(t *testing.T, listen string) *rig {
	t.Helper()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(origin.Close)
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "lunette.yaml"), origin: origin.URL, ended: make(chan error, 1)}
	r.write(listen)
	a, err := New(r.path, Options{Log: io.Discard, Access: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	r.app = a
	ctx, stop := context.WithCancel(context.Background())
	go func() { r.ended <- a.Run(ctx) }() // ends with stop
	t.Cleanup(func() {
		stop()
		if err := <-r.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// write replaces the configuration, whole: the watcher must not see half a file.
func (r *rig) write(listen string) {
	r.t.Helper()
	text := "listen:\n" + listen + "\nsites:\n  - {names: [a.test], default: true, waf: {mode: \"off\"}, origin: {urls: [\"" + r.origin + "\"]}}\ndrain_timeout: 1s\n"
	if err := os.WriteFile(r.path+".new", []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(r.path+".new", r.path); err != nil {
		r.t.Fatal(err)
	}
}

// get asks address for a page over a connection of its own.
func get(t *testing.T, address string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
	b, _ := io.ReadAll(c)
	return string(b)
}

func TestReloadChangesAListenerInPlace(t *testing.T) {
	r := startApp(t, "  - {address: \"127.0.0.1:0\"}")
	at := r.app.Addrs()[0]
	r.write("  - {address: \"127.0.0.1:0\", proxy_protocol: {mode: accept, trusted: [10.0.0.1]}}")
	if err := r.app.Reload(); err != nil {
		t.Fatal(err)
	}
	if now := r.app.Addrs()[0]; now != at {
		t.Errorf("address %s became %s", at, now)
	}
	if out := get(t, at); !strings.HasSuffix(out, "hello") {
		t.Errorf("after the reload: %q", out)
	}
	select {
	case err := <-r.ended:
		r.ended <- err
		t.Fatalf("the gateway stopped: %v", err)
	default:
	}
}

func TestReloadThatCannotListenChangesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := startApp(t, "  - {address: \"127.0.0.1:0\"}")
	at := r.app.Addrs()[0]
	r.write("  - {address: \"127.0.0.1:0\", proxy_protocol: {mode: accept, trusted: [10.0.0.1]}}\n  - {address: \"" + taken.Addr().String() + "\"}")
	if err := r.app.Reload(); err == nil {
		t.Error("a reload that wants a taken address did not fail")
	}
	if out := get(t, at); !strings.HasSuffix(out, "hello") {
		t.Errorf("after the failed reload: %q", out)
	}
}
