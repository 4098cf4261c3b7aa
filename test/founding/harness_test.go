package founding

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/test/peer"
)

// patience bounds every wait for something that should come at once, on a busy machine with the race detector.
const patience = 30 * time.Second

// until asks again and again until ok, and reports whether that was within the time.
func until(within time.Duration, ok func() bool) bool {
	again, over := time.NewTicker(20*time.Millisecond), time.After(within)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-over:
			return false
		}
	}
	return true
}

// output is a buffer that several goroutines write and read.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// await waits until the output holds text, and returns the line that does.
func (o *output) await(t testing.TB, within time.Duration, text string) (found string) {
	t.Helper()
	if !until(within, func() bool {
		for line := range strings.SplitSeq(o.String(), "\n") {
			if strings.Contains(line, text) {
				found = line
				return true
			}
		}
		return false
	}) {
		t.Fatalf("nothing said %q within %v:\n%s", text, within, o)
	}
	return found
}

// gateway is Lunette in this process, with its incidents in a folder.
type gateway struct {
	*app.App
	t            testing.TB
	file, folder string
	identity     []string // for commands that read samples
	log, access  output
	stop         func()
}

// settings are those of a gateway; the zero value has one plain listener and samples that are not encrypted.
type settings struct {
	sites  string
	ca     *peer.CA // listens with TLS, as shop.test
	folder string   // of incidents; default one of its own
	keep   string   // how samples are kept; default plain
}

// yaml is the configuration of a gateway that keeps its incidents in folder.
func (s *settings) yaml(t testing.TB) string {
	t.Helper()
	listen := "{address: \"127.0.0.1:0\"}"
	if s.ca != nil {
		cert := s.ca.Issue(peer.Issue{Names: []string{"shop.test"}})
		listen = "{address: \"127.0.0.1:0\", tls: true}"
		s.sites = strings.Replace(s.sites, "    origin:", fmt.Sprintf("    certificate: [{file: %s, key: %s}]\n    origin:", cert.File, cert.Key), 1)
	}
	if s.keep == "" {
		s.keep = "plain: true"
	}
	return fmt.Sprintf("listen:\n  - %s\ndrain_timeout: 2s\nincidents: {folder: %s, %s}\nsites:\n%s", listen, s.folder, s.keep, s.sites)
}

func start(t testing.TB, sites string) *gateway {
	t.Helper()
	return startAs(t, settings{sites: sites})
}

func startAs(t testing.TB, s settings) *gateway {
	t.Helper()
	if s.folder == "" {
		s.folder = filepath.Join(t.TempDir(), "incidents")
	}
	g := &gateway{t: t, file: filepath.Join(t.TempDir(), "lunette.yaml"), folder: s.folder}
	if err := os.WriteFile(g.file, []byte(s.yaml(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if g.App, err = app.New(g.file, app.Options{Version: "test", Log: &g.log, Access: &g.access}); err != nil {
		t.Fatalf("start the gateway: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	g.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop the gateway: %v", err)
		}
	})
	t.Cleanup(func() {
		g.stop()
		if t.Failed() {
			t.Logf("gateway wrote:\n%s\n%s", &g.log, &g.access)
		}
	})
	return g
}

// get asks the gateway for http://site/path; the error of a client that gave up is in err.
func (g *gateway) get(site, path string, within time.Duration) (status int, header http.Header, took time.Duration, err error) {
	begun := time.Now()
	resp, err := get(g.Addrs()[0], nil, "http://"+site+path, within)
	if err != nil {
		return 0, nil, time.Since(begun), err
	}
	return resp.StatusCode, resp.Header, time.Since(begun), nil
}

// get asks addr for a URL on a connection of its own; with roots by HTTP/2. The body is read and closed.
func get(addr string, roots *x509.CertPool, url string, within time.Duration) (*http.Response, error) {
	tr := &http.Transport{
		DisableKeepAlives: roots == nil, TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: roots != nil,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Timeout: within, Transport: tr}).Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp, nil
}

// lunette runs a command of the program.
func lunette(t testing.TB, args ...string) (stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Main(context.Background(), args, &out, &errs); code != 0 {
		t.Fatalf("lunette %s: exit %d\n%s%s", strings.Join(args, " "), code, &out, &errs)
	}
	return out.String()
}

// command is one of the program under way, in this process.
type command struct {
	out, errs output
	end       func() (code int) // interrupts it
}

// background begins a command, which ends with the test at the latest.
func background(t testing.TB, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &command{}
	done := make(chan int, 1)
	go func() { done <- cli.Main(ctx, args, &c.out, &c.errs) }()
	c.end = sync.OnceValue(func() int { cancel(); return <-done })
	t.Cleanup(func() {
		if code := c.end(); code != 0 || t.Failed() {
			t.Logf("lunette %s: exit %d\n%s%s", strings.Join(args, " "), code, &c.out, &c.errs)
		}
	})
	return c
}

// listed is one incident as lunette incidents --json has it.
type listed struct {
	ID, Site, Origin, Cause, State, Confidence, Severity, Reason string
	Count                                                        int64
}

func (g *gateway) incidents() []listed {
	g.t.Helper()
	return incidents(g.t, g.folder)
}

// incidents are those of a folder, as lunette incidents tells them.
func incidents(t testing.TB, folder string) (all []listed) {
	t.Helper()
	if err := json.Unmarshal([]byte(lunette(t, "incidents", "--folder", folder, "--json", "--all")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// incident waits for the one incident with that cause.
func (g *gateway) incident(cause string, within time.Duration) listed {
	g.t.Helper()
	return incident(g.t, g.folder, cause, 1, within)
}

// incident waits until a cause has happened so often at least.
func incident(t testing.TB, folder, cause string, count int64, within time.Duration) (found listed) {
	t.Helper()
	var all []listed
	if !until(within, func() bool {
		all = incidents(t, folder)
		at := slices.IndexFunc(all, func(i listed) bool { return i.Cause == cause && i.Count >= count })
		if at >= 0 {
			found = all[at]
		}
		return at >= 0
	}) {
		t.Fatalf("no incident %s within %v: %+v", cause, within, all)
	}
	return found
}

// export unpacks the newest sample of an incident, once there is one.
func (g *gateway) export(id string) (folder string) {
	g.t.Helper()
	folder = filepath.Join(g.t.TempDir(), "exported")
	var out, errs bytes.Buffer
	if !until(patience, func() bool {
		out.Reset()
		errs.Reset()
		return cli.Main(context.Background(), append([]string{"incidents", "export", id, "--folder", g.folder, "-o", folder}, g.identity...), &out, &errs) == 0
	}) {
		g.t.Fatalf("export %s: %s%s", id, &out, &errs)
	}
	return folder
}

// tshark reads a field of the packets that match.
func tshark(t testing.TB, file, filter, field string, more ...string) []string {
	t.Helper()
	args := append([]string{"-r", file, "-Y", filter, "-T", "fields", "-e", field}, more...)
	cmd := exec.Command(peer.Need(t, "tshark", "tshark"), args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, &errs)
	}
	return strings.Fields(string(out))
}
