// Package gateway_test holds the whole gateway to the promises of its first issue, as a user runs it: a YAML file, real
// origins behind it, real clients in front.
//
// Input: a configuration and a misbehaving or ordinary origin. Output: none but failures.
// Promises: addresses come from port 0; nothing waits by the clock alone; every process and listener ends with its test.
// Non-goals: the parts, which their own packages test; raw smuggling tables (test/smuggling) and speed (make bench).
package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// patience bounds every wait for something that should come at once, on a busy machine with the race detector.
const patience = 30 * time.Second

// listens is what most tests listen on: [tls] and [plain] of gateway.Addrs.
const listens = `
listen:
  - {address: "127.0.0.1:0", tls: true}
  - {address: "127.0.0.1:0"}
drain_timeout: 5s
`

// gateway is Lunette running in this process.
type gateway struct {
	*app.App
	t    testing.TB
	file string // its configuration
	log  *accessLog
	oper *lockedBuffer // operational log
	stop func() error  // asks for an orderly stop and waits; safe to call twice

	addrs []string // of a gateway that runs as a process: App is nil
}

// start writes yaml into a file and runs a gateway of it until the test ends.
func start(t testing.TB, yaml string) *gateway {
	t.Helper()
	g := &gateway{t: t, file: filepath.Join(t.TempDir(), "lunette.yaml"), log: newAccessLog(), oper: new(lockedBuffer)}
	g.write(yaml)
	var err error
	if g.App, err = app.New(g.file, app.Options{Version: "test", Log: g.oper, Access: g.log}); err != nil {
		t.Fatalf("start the gateway: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	g.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Errorf("stop the gateway: %v", err)
		}
		if t.Failed() {
			t.Logf("gateway wrote:\n%s\n%s", g.oper, g.log)
		}
	})
	return g
}

// write puts yaml in place of the configuration as editors do: a new file, renamed.
func (g *gateway) write(yaml string) {
	g.t.Helper()
	if err := os.WriteFile(g.file+".new", []byte(yaml), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(g.file+".new", g.file); err != nil {
		g.t.Fatal(err)
	}
}

// tls and plain are the addresses of a gateway that listens as [listens] says.
func (g *gateway) tls() string   { return g.addresses()[0] }
func (g *gateway) plain() string { return g.addresses()[1] }

func (g *gateway) addresses() []string {
	if g.App == nil {
		return g.addrs
	}
	return g.Addrs()
}

// curl asks for https://name/path with further options; the certificate is not the subject.
func (g *gateway) curl(name, path string, options ...string) peer.CurlResult {
	g.t.Helper()
	_, port, _ := net.SplitHostPort(g.tls())
	args := append([]string{"-k", "--connect-to", name + ":443:127.0.0.1:" + port}, options...)
	return peer.Curl(g.t, append(args, "https://"+name+path)...)
}

// client is a Go client of the gateway whose connections live as long as the test; h2 says which version it speaks.
func (g *gateway) client(t testing.TB, h2 bool, certs ...tls.Certificate) *http.Client {
	t.Helper()
	p := new(http.Protocols)
	p.SetHTTP1(!h2)
	p.SetHTTP2(h2)
	tr := &http.Transport{
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true, Certificates: certs},
		Protocols:          p,
		DisableCompression: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, g.tls())
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 2 * patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of the body, when it broke
}

// get fetches a URL; an exchange that gives no answer at all fails the test.
func get(t testing.TB, c *http.Client, url string, field ...string) answer {
	t.Helper()
	return do(t, c, http.MethodGet, url, nil, field...)
}

// do sends one request; field holds names and values.
func do(t testing.TB, c *http.Client, method, url string, body io.Reader, field ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(field); i += 2 {
		if field[i] == "Host" {
			req.Host = field[i+1]
			continue
		}
		req.Header.Add(field[i], field[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(text), err: err}
}

// accessLog takes the access log and keeps it parsed.
type accessLog struct {
	mu      sync.Mutex
	more    *sync.Cond
	partial []byte
	records []*telemetry.Record
	fault   error
}

func newAccessLog() *accessLog {
	l := &accessLog{}
	l.more = sync.NewCond(&l.mu)
	return l
}

// Write implements io.Writer.
func (l *accessLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		line, rest, ok := bytes.Cut(l.partial, []byte("\n"))
		if !ok {
			break
		}
		r := new(telemetry.Record)
		if err := json.Unmarshal(line, r); err != nil {
			l.fault = fmt.Errorf("access log line %q: %w", line, err)
		}
		l.records, l.partial = append(l.records, r), rest
	}
	l.more.Broadcast()
	return len(p), nil
}

// String implements fmt.Stringer: what failed, for a human.
func (l *accessLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, r := range l.records {
		fmt.Fprintf(&b, "%s %s %s%s?%s %d %s (%s) %s %.1fms\n", r.ID, r.Request.Method, r.Request.Host, r.Request.Path, r.Request.Query, r.Status, r.From, r.Reason, r.Detail, r.DurationMS)
		if r.WAF != nil {
			for _, m := range r.WAF.Rules {
				fmt.Fprintf(&b, "    rule %d %s: %s\n", m.ID, m.Target, m.Message)
			}
		}
		for _, a := range r.Attempts {
			fmt.Fprintf(&b, "    %s #%d reused=%v %d (%s) %s retried=%v\n", a.URL, a.Connection, a.Reused, a.Status, a.Reason, a.Detail, a.Retried)
		}
	}
	return b.String()
}

// all returns n records that match, waiting for them.
func (l *accessLog) all(t testing.TB, n int, match func(*telemetry.Record) bool) []*telemetry.Record {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() { l.mu.Lock(); late = true; l.mu.Unlock(); l.more.Broadcast() })
	defer timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		var out []*telemetry.Record
		for _, r := range l.records {
			if match(r) {
				out = append(out, r)
			}
		}
		if l.fault != nil || late {
			t.Fatalf("%d lines of the access log match, wanted %d (%v)", len(out), n, l.fault)
		}
		if len(out) >= n {
			return out
		}
		l.more.Wait()
	}
}

// path returns the first record of a path, waiting for it.
func (l *accessLog) path(t testing.TB, path string) *telemetry.Record {
	t.Helper()
	return l.all(t, 1, func(r *telemetry.Record) bool { return r.Request.Path == path })[0]
}

// last returns the last attempt of a record.
func last(t testing.TB, r *telemetry.Record) telemetry.RecordAttempt {
	t.Helper()
	if len(r.Attempts) == 0 {
		t.Fatalf("%s %s made no attempt: %s", r.Request.Method, r.Request.Path, r.Reason)
	}
	return r.Attempts[len(r.Attempts)-1]
}

// lockedBuffer is a buffer that several goroutines may write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// pki is the authority of a test and a certificate of the gateway's own.
type pki struct {
	*peer.CA
	front *peer.Cert
}

func newPKI(t testing.TB, names ...string) pki {
	t.Helper()
	ca := peer.NewCA(t)
	return pki{ca, ca.Issue(peer.Issue{Names: names})}
}

// site is a piece of YAML: one site with the gateway's certificate; more is what stands below it, indented by four.
func (p pki) site(name, more string) string {
	return fmt.Sprintf("  - names: [%q]\n    certificate: {file: %s, key: %s}\n%s", name, p.front.File, p.front.Key, strings.TrimLeft(more, "\n"))
}

// fields fails the test where an answer that Lunette made up does not name its reason wherever it should: status, page
// and Proxy-Status; the access log line is checked and returned.
func refused(t testing.TB, g *gateway, path string, status int, header http.Header, body string, got int, code string) *telemetry.Record {
	t.Helper()
	if got != status {
		t.Errorf("%s: status %d, want %d", path, got, status)
	}
	if ps := header.Get("Proxy-Status"); !strings.HasPrefix(ps, "lunette; error=") || !strings.HasSuffix(ps, `; details="`+code+`"`) {
		t.Errorf("%s: Proxy-Status %q, want %s alone in it", path, ps, code)
	}
	if !strings.Contains(body, code) {
		t.Errorf("%s: the page does not name %s: %s", path, code, body)
	}
	r := g.log.path(t, path)
	if r.Status != status || r.Reason != code || r.From != "lunette" {
		t.Errorf("%s: logged %d %s from %s, want %d %s from lunette", path, r.Status, r.Reason, r.From, status, code)
	}
	return r
}
