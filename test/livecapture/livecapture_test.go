// Package livecapture_test holds lunette capture to its promises, with a real gateway, real origins and tshark to read what was written.
//
// Input: requests through a gateway that runs. Output: none but failures. Promises: own ports, own files, every process ends with its test.
// Non-goals: the parts, which their own packages test.
package livecapture_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/capture/sniff"
	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/test/peer"
)

// patience bounds every wait for something that should come at once.
const patience = 30 * time.Second

const token = "0123456789abcdef0123"

// text is what a command or a gateway writes, readable meanwhile.
type text struct {
	mu  sync.Mutex
	b   bytes.Buffer
	new chan struct{}
}

func newText() *text { return &text{new: make(chan struct{}, 1)} }

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.b.Write(p)
	select {
	case x.new <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

func (x *text) await(t *testing.T, want string) {
	t.Helper()
	end := time.After(patience)
	for !strings.Contains(x.String(), want) {
		select {
		case <-x.new:
		case <-end:
			t.Fatalf("%q was not said:\n%s", want, x)
		}
	}
}

// gateway is one with two sites, shop.test and blog.test, on one origin server.
type gateway struct {
	t     *testing.T
	app   *app.App
	ca    *peer.CA
	dir   string
	token string // file
	log   *text
	stop  func()
}

// start runs one. more goes into each site; where it does not say otherwise no rules are run, which take seconds to compile.
func start(t *testing.T, nginx, more string) *gateway {
	t.Helper()
	ca := peer.NewCA(t)
	shop, blog, front := ca.Issue(peer.Issue{Names: []string{"shop.test"}}), ca.Issue(peer.Issue{Names: []string{"blog.test"}}), ca.Issue(peer.Issue{Names: []string{"shop.test", "blog.test"}})
	server := func(name string, c *peer.Cert) string {
		return fmt.Sprintf("server { listen {{addr}} ssl; server_name %s; ssl_certificate %s; ssl_certificate_key %s; %s\n location / { return 200 \"this is %s\\n\"; } }\n", name, c.File, c.Key, nginx, name)
	}
	origin := peer.Nginx(t, peer.NginxConfig{HTTP: server("shop.test", shop) + server("blog.test", blog)})
	dir := t.TempDir()
	g := &gateway{t: t, ca: ca, dir: dir, token: filepath.Join(dir, "token"), log: newText()}
	put(t, g.token, token)
	if !strings.Contains(more, "waf:") {
		more += "    waf: {mode: \"off\"}\n"
	}
	site := func(name string) string {
		return fmt.Sprintf("  - names: [%s]\n    certificate: [{file: %s, key: %s}]\n    origin: {urls: [\"https://%s\"], host: %s, tls: {server_name: %s, ca: %s}}\n%s", name, front.File, front.Key, origin.Addr, name, name, ca.File, more)
	}
	put(t, filepath.Join(dir, "lunette.yaml"), "listen: [{address: \"127.0.0.1:0\", tls: true}]\ndrain_timeout: 2s\nadmin: {address: \"127.0.0.1:0\", token_file: "+g.token+"}\nsites:\n"+site("shop.test")+site("blog.test"))
	var err error
	if g.app, err = app.New(filepath.Join(dir, "lunette.yaml"), app.Options{Version: "test", Log: g.log, Access: io.Discard}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.app.Run(ctx) }()
	g.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(g.stop)
	return g
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get asks a site for a path on a connection of its own.
func (g *gateway) get(site, path string) (int, string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tr := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: g.ca.Pool(), ServerName: site},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", g.app.Addrs()[0])
		}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+site+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// running is a command under way.
type running struct {
	t              *testing.T
	stdout, stderr *text
	cancel         context.CancelFunc
	code           chan int
}

// capture begins lunette capture, and waits until it captures.
func (g *gateway) capture(args ...string) *running {
	g.t.Helper()
	r := command(g.t, append([]string{"capture", "--admin", g.app.AdminAddr(), "--token-file", g.token}, args...)...)
	r.stderr.await(g.t, "an interrupt ends it")
	return r
}

func command(t *testing.T, args ...string) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, stdout: newText(), stderr: newText(), cancel: cancel, code: make(chan int, 1)}
	go func() { r.code <- cli.Main(ctx, args, r.stdout, r.stderr) }()
	t.Cleanup(cancel)
	return r
}

// end waits for its end and returns the exit code.
func (r *running) end() int {
	r.t.Helper()
	select {
	case code := <-r.code:
		r.code <- code
		return code
	case <-time.After(patience):
		r.t.Fatalf("the command does not end:\n%s", r.stderr)
		return -1
	}
}

func (r *running) interrupt() int {
	r.t.Helper()
	r.cancel()
	return r.end()
}

func needRoot(t *testing.T) {
	t.Helper()
	if err := sniff.Allowed(); err != nil {
		t.Skip("needs packets: ", err)
	}
}

// tshark reads fields of the packets that fit a display filter.
func tshark(t *testing.T, file, filter string, fields ...string) string {
	t.Helper()
	program := peer.Need(t, "tshark", "tshark")
	args := []string{"-n", "-r", file, "-Y", filter, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, &stderr)
	}
	if strings.Contains(stderr.String(), "cut short") {
		t.Errorf("the file is not whole: %s", &stderr)
	}
	return string(out)
}

// TestSite holds that a capture of one site opens decrypted, and holds neither packets nor secrets of another site on the same server.
func TestSite(t *testing.T) {
	needRoot(t)
	for _, tt := range []struct{ version, more string }{{"TLSv1.2", ""}, {"TLSv1.3", "    waf: {mode: block}\n"}} {
		t.Run(tt.version, func(t *testing.T) {
			g := start(t, "ssl_protocols "+tt.version+";", tt.more)
			file := filepath.Join(t.TempDir(), "x.pcapng")
			c := g.capture("--site", "shop.test", "-w", file)
			for i := range 3 {
				if status, body := g.get("shop.test", fmt.Sprintf("/wanted%d", i)); status != 200 {
					t.Fatal(status, body)
				}
				if status, body := g.get("blog.test", "/unwanted"); status != 200 {
					t.Fatal(status, body)
				}
			}
			if code := c.interrupt(); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, c.stderr)
			}
			t.Log(c.stderr)
			if got := tshark(t, file, "http.request", "http.request.uri"); got != "/wanted0\n/wanted1\n/wanted2\n" {
				t.Errorf("requests that tshark sees: %q\n%s", got, c.stderr)
			}
			if got := tshark(t, file, "http.response", "http.file_data"); strings.Count(got, "\n") != 3 {
				t.Errorf("responses: %q", got)
			}
			if sni := tshark(t, file, "tls.handshake.type == 1", "tls.handshake.extensions_server_name"); strings.Contains(sni, "blog.test") || !strings.Contains(sni, "shop.test") {
				t.Errorf("names in hellos: %q", sni)
			}
			onlySecretsOf(t, file)
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Error(info.Mode(), err)
			}
			g.log.await(t, "a capture is armed")
		})
	}
}

// onlySecretsOf holds that each secret in a file belongs to a hello in it.
func onlySecretsOf(t *testing.T, file string) {
	t.Helper()
	random := tshark(t, file, "tls.handshake.type == 1", "tls.handshake.random")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		for _, label := range []string{"CLIENT_RANDOM ", "CLIENT_TRAFFIC_SECRET_0 "} {
			if _, rest, ok := strings.Cut(line, label); ok && len(rest) > 64 {
				if n++; !strings.Contains(random, rest[:64]) {
					t.Errorf("a secret of another connection: %s%s", label, rest[:64])
				}
			}
		}
	}
	if n == 0 {
		t.Error("no secrets")
	}
}
