package healthy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// gateway is Lunette before one site.
type gateway struct {
	*app.App
	site  site // the gateway, as one asks it
	front *peer.Cert
	file  string
	yaml  string
	log   *lines
	stop  func() error
}

// lines takes an access log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// ownRules are what a gateway looks for that does not run the Core Rule Set: all its stages work, and it starts at once.
const ownRules = `SecRule ARGS|ARGS_NAMES|REQUEST_HEADERS|REQUEST_BODY "@rx (?i)nobody\s+asks\s+for\s+this" "id:100100,phase:2,deny,log,msg:'asked for'"` + "\n"

// newGateway runs a gateway before an origin until the test ends. The Core Rule Set, which takes seconds to compile with the race detector,
// is run where core says so: what it judges is what clients ask, and they ask all sites the same.
func newGateway(t *testing.T, p *place, ca *peer.CA, s *site, core bool) *gateway {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "own.conf")
	must(t, os.WriteFile(rules, []byte(ownRules), 0o600))
	scheme, cert := "https://", ""
	if s.clear {
		scheme = "http://"
	}
	if s.mtls != "" {
		cert = fmt.Sprintf(", client_certificate: {file: %s, key: %s}", p.cert.File, p.cert.Key)
	}
	front := ca.Issue(peer.Issue{Names: []string{name}})
	g := &gateway{front: front, file: filepath.Join(t.TempDir(), "lunette.yaml"), log: new(lines)}
	g.yaml = fmt.Sprintf(`
listen: [{address: "127.0.0.1:0", tls: true}]
drain_timeout: 5s
sites:
  - names: [%s, 127.0.0.1]
    certificate: {file: %s, key: %s}
    limits: {body: 64MiB}
    waf: {mode: detect, core_rules: %t, rules: [%s]}
    origin:
      urls: [%q]
      host: %s
      timeouts: {connect: 60s, keepalive_idle: 700ms} # a machine that stands still for seconds is no origin that does not answer
      tls: {ca: %s%s}
`, name, front.File, front.Key, core, rules, scheme+s.addr, name, p.ca, cert)
	must(t, os.WriteFile(g.file, []byte(g.yaml), 0o600))
	var err error
	g.App, err = app.New(g.file, app.Options{Version: "test", Log: io.Discard, Access: g.log})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	g.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { must(t, g.stop()) })
	g.site = site{what: "Lunette before " + s.what, addr: g.Addrs()[0], h2: true, small: s.small, pages: s.pages, mirror: s.mirror}
	return g
}

// TestGateway lets clients ask servers that are well through the gateway: its access log names no cause, and what goes over its
// connections to them gives no finding.
func TestGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred runs of clients")
	}
	t.Parallel()
	ca := peer.NewCA(t)
	p := newPlace(t, ca)
	sites := allSites(t, ca)
	servers, of := addressed(sites)
	path := peer.Capture(t, servers, func() {
		each(sites, 4, func(s *site) { p.through(t, newGateway(t, p, ca, s, s.core)) })
	})
	all := cases(t, path, nil)
	t.Logf("%d connections to origins", len(all))
	for _, c := range all {
		quiet(t, "before "+of[c.Flow.Server.String()].what, c)
	}
}

// through asks a gateway, which reads its configuration anew now and then.
func (p *place) through(t *testing.T, g *gateway) {
	t.Helper()
	for i, c := range calls() {
		if !c.suits(&g.site) || c.what == "curl-http10" {
			continue
		}
		if i%8 == 7 {
			must(t, os.WriteFile(g.file, fmt.Appendf(nil, "%s# %d\n", g.yaml, i), 0o600))
			must(t, g.Reload())
		}
		if c.what == "curl-redirect" {
			c.exit = -1 // some name the port that they listen on themselves
		}
		p.run(t, &g.site, &c)
	}
	must(t, g.stop())
	if n := g.unblamed(t); n < 3 {
		t.Errorf("%s: %d requests in the access log", g.site.what, n)
	}
}

// unblamed fails for causes in the access log and returns how many lines it has.
func (g *gateway) unblamed(t *testing.T) (n int) {
	t.Helper()
	g.log.mu.Lock()
	defer g.log.mu.Unlock()
	for line := range bytes.Lines(g.log.text.Bytes()) {
		r := new(telemetry.Record)
		must(t, json.Unmarshal(line, r))
		n++
		if slices.ContainsFunc(r.Attempts, func(a telemetry.RecordAttempt) bool { return a.Finding != "" }) {
			t.Errorf("%s: %s", g.site.what, line)
		}
		if r.Reason != "" && (r.Status >= 500 || r.Side == "origin") {
			t.Errorf("%s: %s", g.site.what, line)
		}
	}
	return n
}

// TestGatewayWebSocket leaves a WebSocket idle, uses it, and drops it.
func TestGatewayWebSocket(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	p := newPlace(t, ca)
	s := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	g := newGateway(t, p, ca, &site{what: "a WebSocket", clear: true, addr: s.Listener.Addr().String()}, true)
	for i := range 6 {
		c, err := tls.Dial("tcp", g.site.addr, &tls.Config{RootCAs: ca.Pool(), ServerName: name, NextProtos: []string{"http/1.1"}})
		must(t, err)
		must(t, c.SetDeadline(time.Now().Add(30*time.Second)))
		fmt.Fprintf(c, "GET /chat HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", name)
		r := bufio.NewReader(c)
		res, err := http.ReadResponse(r, nil)
		must(t, err)
		if res.StatusCode != 101 {
			t.Fatalf("status %d", res.StatusCode)
		}
		for range i {
			_, err := c.Write([]byte{0x81, 0x82, 0, 0, 0, 0, 'h', 'i'})
			must(t, err)
			_, err = io.ReadFull(r, make([]byte, 4))
			must(t, err)
		}
		must(t, c.Close()) // without a word
	}
	must(t, g.stop())
	if n := g.unblamed(t); n != 6 {
		t.Errorf("%d requests in the access log", n)
	}
}

// echo accepts a WebSocket and sends the messages of two bytes back (RFC 6455 section 5.2).
func echo(w http.ResponseWriter, _ *http.Request) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	_ = rw.Flush()
	for b := make([]byte, 8); ; {
		if _, err := io.ReadFull(rw, b); err != nil {
			return
		}
		_, _ = rw.Write([]byte{0x81, 2, b[6] ^ b[2], b[7] ^ b[3]})
		_ = rw.Flush()
	}
}

// TestDoctorVia lets the doctor examine servers that are well and the gateway before them.
func TestDoctorVia(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	p := newPlace(t, ca)
	sites := nginxSites(t, ca)
	for _, s := range []site{sites[0], sites[1], sites[3], sites[4], haproxySite(t, ca, sites[4].addr)} {
		g := newGateway(t, p, ca, &s, s.core)
		p.wellAgain(t, &s, 200, "--via", "https://"+g.site.addr)
	}
}
