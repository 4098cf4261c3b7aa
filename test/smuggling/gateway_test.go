// Package smuggling_test replays the tables of internal/httpwire against the whole gateway, with real origins behind it
// that write down what they received.
//
// Input: testdata/requests.txt and responses.txt of internal/httpwire, HTTP/2 frames, forged fields. Output: none but
// failures, and docs/forwarding.md, which is held to the same tables.
// Promises: an origin gets exactly one request for each that the gateway saw, with the method, target, fields and content
// that rules could see (the rules themselves record it); a client gets one response for each request; what is refused has its stated reason, its
// connection ends, and nothing of it reaches an origin.
// Non-goals: the parser by itself (internal/httpwire), what rules find (test/waf), misbehaving origins in time (internal/lab).
//
// Every row runs against every origin and policy, some 13 s in all; LUNETTE_SOAK=1 adds the same with rows cut in pieces.
package smuggling_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// patience bounds every wait for something that should come at once, on a busy machine with the race detector.
const patience = 30 * time.Second

// soak says that the long tests run.
func soak() bool { return os.Getenv("LUNETTE_SOAK") != "" }

// gateway is Lunette running in this process.
type gateway struct {
	t     testing.TB
	app   *app.App
	addr  string // of its first listener
	lines lockedBuffer
	oper  lockedBuffer
	stop  func() error // asks for an orderly stop and waits; safe to call twice
}

// listenPlain is a gateway's part of the file that tests of raw HTTP/1.1 share.
const listenPlain = `
listen: [{address: "127.0.0.1:0"}]
access_log: {headers: true}
drain_timeout: 20s
`

// start writes yaml into a file and runs a gateway of it until the test ends.
func start(t testing.TB, yaml string) *gateway {
	t.Helper()
	g := &gateway{t: t}
	file := filepath.Join(t.TempDir(), "lunette.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if g.app, err = app.New(file, app.Options{Version: "test", Log: &g.oper, Access: &g.lines}); err != nil {
		t.Fatalf("start the gateway: %v\n%s", err, yaml)
	}
	g.addr = g.app.Addrs()[0]
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.app.Run(ctx) }()
	g.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Errorf("stop the gateway: %v", err)
		}
		if t.Failed() {
			t.Logf("gateway wrote:\n%s", g.oper.String())
		}
	})
	return g
}

// records stops the gateway, which completes its log, and returns every line of it, by the client's address.
func (g *gateway) records() map[string][]*telemetry.Record {
	g.t.Helper()
	if err := g.stop(); err != nil {
		g.t.Errorf("stop the gateway: %v", err)
	}
	out := map[string][]*telemetry.Record{}
	for line := range strings.Lines(g.lines.String()) {
		r := new(telemetry.Record)
		if err := json.Unmarshal([]byte(line), r); err != nil {
			g.t.Fatalf("access log line %q: %v", line, err)
		}
		host, _, _ := strings.Cut(r.Client.Peer, ":")
		out[host] = append(out[host], r)
	}
	return out
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
