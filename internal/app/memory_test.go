package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/lunette-waf/lunette/internal/rules/compile"
)

// What a reload replaces goes, though clients keep their connections and every program has inspected exchanges: with the third
// garbage collection, because pools of what transactions need outlive two.
func TestReloadsKeepNothing(t *testing.T) {
	t.Parallel()
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>ok</p>")
	}))
	var opened atomic.Int64
	origin.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	origin.Start()
	defer origin.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "l.yaml")
	put(t, file, []byte(`listen: [{address: "127.0.0.1:0"}]
access_log: {file: off}
audit_log: {file: audit.log, format: json}
sites:
  - names: [a.test]
    default: true
    origin: {urls: ["`+origin.URL+`"]}
    waf: {core_rules: false, rules: [own.conf], inspect_responses: true}
    routes:
      - {path: /other/, waf: {rules: [own.conf, more.conf]}}
`))
	change := func(i int) {
		put(t, filepath.Join(dir, "own.conf"), fmt.Appendf(nil, "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%%{REMOTE_ADDR},setvar:ip.seen%d=+1\"\n"+
			"SecRule ARGS|REQUEST_HEADERS \"@rx (?i)\\bunion%d\\s+select\" \"id:2,phase:2,deny\"\nSecRule RESPONSE_BODY \"@rx leak%d[a-z]+\" \"id:3,phase:4,deny\"\n", i, i, i))
		put(t, filepath.Join(dir, "more.conf"), fmt.Appendf(nil, "SecRule ARGS \"@pm word%d other%d\" \"id:4,phase:2,pass,log\"\n", i, i))
	}
	change(0)
	a, err := New(file, Options{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx) })
	defer running.Wait()
	defer stop()
	clients := []*http.Client{{Transport: &http.Transport{}}, {Transport: &http.Transport{}}}
	ask := func(i int) {
		for _, c := range clients {
			for _, target := range []string{"/?a=b", "/other/?a=word", fmt.Sprintf("/?a=union%d+select", i)} {
				resp, err := c.Post("http://"+a.Addrs()[0]+target, "application/x-www-form-urlencoded", strings.NewReader("a=1&b=2"))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}
	}
	const reloads = 15 // of two programs each
	graphs, programs := []weak.Pointer[graph]{}, []weak.Pointer[compile.Program]{}
	for i := range reloads {
		ask(i)
		g := a.pipe.graph.Load()
		graphs = append(graphs, weak.Make(g))
		for _, e := range g.engines {
			programs = append(programs, weak.Make(e.Program()))
		}
		change(i + 1)
		if err := a.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	ask(reloads)
	if len(programs) != 2*reloads {
		t.Fatalf("%d programs", len(programs))
	}
	for range 3 {
		runtime.GC()
	}
	if n := left(graphs); n != 0 {
		t.Errorf("%d of %d graphs are still held", n, len(graphs))
	}
	if n := left(programs); n != 0 {
		t.Errorf("%d of %d programs are still held", n, len(programs))
	}
	if n := a.sh.rules.Sets(); n != 2 {
		t.Errorf("the factory knows %d programs, want the 2 in force", n)
	}
	if n := opened.Load(); n > 4 { // one at a time, and a few where the last is not back yet
		t.Errorf("%d connections to the origin, though they may be used again", n)
	}
	for _, c := range clients {
		c.CloseIdleConnections()
	}
}

func left[T any](list []weak.Pointer[T]) (n int) {
	for _, p := range list {
		if p.Value() != nil {
			n++
		}
	}
	return n
}
