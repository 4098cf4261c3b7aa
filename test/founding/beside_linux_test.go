package founding

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/sniff"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
)

// soon is by when a cause must be named, counted from the request.
const soon = 5 * time.Second

// ignored is the cause as it is where somebody sees the leg on which it happens.
const ignored = "tls.hello_request_ignored"

// careless is a proxy that never answers a HelloRequest, in front of an origin.
func careless(t *testing.T, origin string, d dialect) string {
	t.Helper()
	p, err := lab.StartCarelessProxy(context.Background(), lab.ProxyConfig{Origin: origin, Patience: time.Minute,
		TLS: tlspeer.Config{MinVersion: d.version, MaxVersion: d.version, Suites: d.lab}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p.Addr()
}

// TestBeside is (b): Lunette, a careless proxy behind it, an origin that wants to renegotiate. Lunette's own leg shows silence, and that is
// said within five seconds, with how sure that is, while it lasts. On the leg of the careless proxy, which nobody touches, watch names the
// cause while the request waits, and so does what capture has written until then.
func TestBeside(t *testing.T) {
	t.Parallel()
	for name, origin := range origins() {
		for _, d := range dialects() {
			t.Run(name+" "+d.name, func(t *testing.T) {
				t.Parallel()
				addr := origin(t, d)
				g := start(t, site("shop.test", "http://"+careless(t, addr, d), "    stall_after: 4s\n"))
				b := besides(t, addr)
				begun := time.Now()
				answered := make(chan struct{})
				ctx, giveUp := context.WithCancel(context.Background())
				defer func() { giveUp(); <-answered }()
				go func() { defer close(answered); wait(ctx, g.Addrs()[0], "shop.test", "/login/") }()
				b.named(t, begun)
				g.silent(t, &g.log, begun)
				select {
				case <-answered:
					t.Error("the request was answered meanwhile, so none of this was said while it lasted")
				default:
				}
				b.kept(t)
			})
		}
	}
}

// wait asks for a page until ctx ends.
func wait(ctx context.Context, addr, site, path string) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err = conn.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: " + site + "\r\n\r\n")); err == nil {
		_, _ = conn.Read(make([]byte, 1))
	}
}

// silent holds that the gateway says what it sees.
func (g *gateway) silent(t *testing.T, log *output, begun time.Time) {
	t.Helper()
	line := log.await(t, patience, "the origin is silent while it is its turn")
	_, said, _ := strings.Cut(line, "time=")
	said, _, _ = strings.Cut(said, " ")
	if at, err := time.Parse(time.RFC3339Nano, said); err != nil || at.Sub(begun) > soon {
		t.Errorf("said after %v (%v)", at.Sub(begun), err)
	}
	if !strings.Contains(line, "finding=http1.slow_first_byte") || !strings.Contains(line, "confidence=likely") || !strings.Contains(line, "may_end_it=\"after ") {
		t.Errorf("the line says neither how sure it is nor which timer fits: %s", line)
	}
	if i := g.incident("http1.slow_first_byte", patience); i.Count != 1 {
		t.Errorf("%+v", i)
	}
}

// beside is who looks at the leg of somebody else.
type beside struct {
	origin, folder, file string
	watch, capture       *command
}

func besides(t *testing.T, origin string) *beside {
	t.Helper()
	if err := sniff.Allowed(); err != nil {
		t.Skip("needs packets: ", err)
	}
	b := &beside{origin: origin, folder: filepath.Join(t.TempDir(), "watched"), file: filepath.Join(t.TempDir(), "x.pcapng")}
	b.watch = background(t, "watch", "--interface", "lo", "--host", origin, "--folder", b.folder, "--plain", "--json")
	b.capture = background(t, "capture", "--interface", "lo", "--host", origin, "-w", b.file)
	b.watch.errs.await(t, patience, "watching lo")
	b.capture.errs.await(t, patience, "an interrupt ends it")
	return b
}

// named holds that both say why, soon enough.
func (b *beside) named(t *testing.T, begun time.Time) {
	t.Helper()
	line := b.watch.out.await(t, patience, `"kind":"failure"`)
	took := time.Since(begun)
	var l struct {
		Origin     string
		New, Lasts bool
		Finding    struct{ Code, Confidence string }
	}
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		t.Fatal(err)
	}
	if l.Finding.Code != ignored || l.Finding.Confidence != "certain" || !l.New || !l.Lasts || l.Origin != b.origin || took > soon {
		t.Errorf("watch says after %v: %s", took, line)
	}
	if code := b.capture.end(); code != 0 {
		t.Errorf("capture: exit %d: %s", code, &b.capture.errs)
	}
	got := explained(t, b.file)
	captured := time.Since(begun)
	if got != ignored+" certain" || captured > soon {
		t.Errorf("after %v lunette explain says %q of what capture wrote", captured, got)
	}
	t.Logf("watch named it after %v, explain of the capture after %v", took, captured)
}

// kept holds that lunette incidents shows what watch has seen.
func (b *beside) kept(t *testing.T) {
	t.Helper()
	if code := b.watch.end(); code != 0 {
		t.Errorf("watch: exit %d: %s", code, &b.watch.errs)
	}
	if i := incident(t, b.folder, ignored, 1, patience); i.Confidence != "certain" || i.Count != 1 || i.Origin != b.origin || len(incidents(t, b.folder)) != 1 {
		t.Errorf("%+v", incidents(t, b.folder))
	}
}
