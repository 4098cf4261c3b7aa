package founding

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
	"os/exec"
	"path/filepath"
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
	log, access  output
}

func start(t testing.TB, sites string) *gateway {
	t.Helper()
	g := &gateway{t: t, file: filepath.Join(t.TempDir(), "lunette.yaml"), folder: filepath.Join(t.TempDir(), "incidents")}
	yaml := fmt.Sprintf("listen:\n  - {address: \"127.0.0.1:0\"}\ndrain_timeout: 2s\nincidents: {folder: %s, plain: true}\nsites:\n%s", g.folder, sites)
	if err := os.WriteFile(g.file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if g.App, err = app.New(g.file, app.Options{Version: "test", Log: &g.log, Access: &g.access}); err != nil {
		t.Fatalf("start the gateway: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop the gateway: %v", err)
		}
		if t.Failed() {
			t.Logf("gateway wrote:\n%s\n%s", &g.log, &g.access)
		}
	})
	return g
}

// get asks the gateway for http://site/path; the error of a client that gave up is in err.
func (g *gateway) get(site, path string, within time.Duration) (status int, header http.Header, took time.Duration, err error) {
	addr := g.Addrs()[0]
	client := http.Client{Timeout: within, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}}
	begun := time.Now()
	resp, err := client.Get("http://" + site + path)
	if err != nil {
		return 0, nil, time.Since(begun), err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header, time.Since(begun), nil
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

// listed is one incident as lunette incidents --json has it.
type listed struct {
	ID, Site, Origin, Cause, State, Confidence, Severity, Reason string
	Count                                                        int64
}

func (g *gateway) incidents() []listed {
	g.t.Helper()
	var all []listed
	if err := json.Unmarshal([]byte(lunette(g.t, "incidents", "--folder", g.folder, "--json", "--all")), &all); err != nil {
		g.t.Fatal(err)
	}
	return all
}

// incident waits for the one incident with that cause.
func (g *gateway) incident(cause string, within time.Duration) (found listed) {
	g.t.Helper()
	var all []listed
	if !until(within, func() bool {
		all = g.incidents()
		for _, i := range all {
			if i.Cause == cause {
				found = i
				return true
			}
		}
		return false
	}) {
		g.t.Fatalf("no incident %s within %v: %+v", cause, within, all)
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
		return cli.Main(context.Background(), []string{"incidents", "export", id, "--folder", g.folder, "-o", folder}, &out, &errs) == 0
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
