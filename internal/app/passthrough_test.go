package app

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/rules"
)

// No rules are compiled for a site whose TLS is passed through, unless its requests may come without TLS.
func TestPassthroughNeedsNoRules(t *testing.T) {
	const secure, both = `listen: [{address: "127.0.0.1:0", tls: true}]`, `listen: [{address: "127.0.0.1:0", tls: true}, {address: "localhost:0"}]`
	for _, c := range []struct {
		name, top, site string
		want            int
	}{
		{"TLS only", secure, "", 0},
		{"TLS only, off", secure, "waf: {mode: off}", 0},
		{"redirected", both, "redirect_https: true", 0},
		{"plain too", both, "", 1},
		{"plain too, off", both, "waf: {mode: off}", 0},
		{"behind a proxy", both + "\ntrusted_proxies: [192.0.2.0/24]", "redirect_https: true", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "l.yaml")
			put(t, file, []byte(c.top+"\nsites:\n  - names: [a.test]\n    passthrough: true\n    origin: {urls: [\"https://127.0.0.1:1\"]}\n    "+c.site+"\n"))
			cfg, faults := config.Load(file)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			f := rules.NewFactory()
			g, err := build(cfg, shared{rules: f, connIDs: new(atomic.Uint64)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer g.close(nil)
			if f.Sets() != c.want || len(g.engines) != c.want {
				t.Errorf("%d programs, %d engines, want %d", f.Sets(), len(g.engines), c.want)
			}
		})
	}
}

// A request that comes to such a site on a connection that was opened here all the same goes to no origin uninspected.
func TestPassthroughRequestsAreNotServedUnseen(t *testing.T) {
	var seen atomic.Int64
	origin := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer origin.Close()
	o, err := lab.Start(t.Context(), lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	_, _, dir := gatewayFiles(t, o)
	for _, c := range []struct {
		name, listen string
		secure       bool
		want         int
	}{
		{"a connection without SNI", `{address: "127.0.0.1:0", tls: true}`, true, 421},
		{"a request without TLS", `{address: "127.0.0.1:0"}, {address: "localhost:0", tls: true}`, false, 403},
	} {
		file := filepath.Join(dir, "l.yaml")
		put(t, file, fmt.Appendf(nil, `listen: [%s]
access_log: {file: off}
sites:
  - {names: [own.test], default: true, certificate: {file: site.crt, key: site.key}, waf: {mode: off}, origin: {urls: ["http://127.0.0.1:1"]}}
  - {names: [through.test], passthrough: true, origin: {urls: [%q], tls: {verify: none}}}
drain_timeout: 1s
`, c.listen, origin.URL))
		a, err := New(file, Options{Log: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }() // ends with stop
		if got := askThrough(t, a.Addrs()[0], c.secure); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if seen.Load() > 0 {
		t.Errorf("the origin saw %d attacks", seen.Load())
	}
}

// askThrough sends an attack for the site that is passed through, and returns the status.
func askThrough(t *testing.T, address string, secure bool) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if secure {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // no name is sent, so none can be verified
	}
	_, err = io.Copy(conn, strings.NewReader("GET /?q=1%27%20or%20%271%27=%271 HTTP/1.1\r\nHost: through.test\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nConnection: close\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}
