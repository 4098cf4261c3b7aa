package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/telemetry"
)

// TestReloadUnderLoad rewrites the configuration twenty times while clients ask on: no request is lost, files with faults
// change nothing, and connections to an origin whose settings stay are kept.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	s := newGoOrigin(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.URL.RawQuery) })
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			opened.Add(1)
		}
	}
	startGoOrigin(t, s)
	p := newPKI(t, "*.test")
	stays := p.goSite("stays.test", s, "off", "")
	g := start(t, listens+"sites:\n"+stays)
	const workers = 4
	var asked, failed atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range workers {
		c := g.client(t, i%2 == 0)
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				res, err := c.Get(fmt.Sprint("https://stays.test/load?", n))
				if err == nil {
					var b strings.Builder
					buf := make([]byte, 64)
					for err == nil {
						var k int
						k, err = res.Body.Read(buf)
						b.Write(buf[:k])
					}
					_ = res.Body.Close()
					if res.StatusCode == 200 && b.String() == fmt.Sprint("hello ", n) {
						err = nil
					}
				}
				asked.Add(1)
				if err != nil {
					failed.Add(1)
					t.Errorf("request %d of a client: %v %v", n, res, err)
					return
				}
			}
		})
	}
	bad := 0
	for i := range 20 {
		before := asked.Load()
		until(t, "this configuration has served twenty requests", func() bool { return asked.Load() >= before+20 || failed.Load() > 0 })
		yaml := listens + "sites:\n" + stays
		switch i % 4 {
		case 0: // a limit, on listener and site
			yaml = strings.Replace(listens, "tls: true", fmt.Sprintf("tls: true, limits: {requests: %d}", 100_000+i), 1) + "sites:\n" + stays
		case 1: // a site more
			yaml += p.goSite("more.test", s, "off", "")
		case 2: // a listener more
			yaml = strings.Replace(listens, "drain_timeout", "  - {address: \"localhost:0\", http2: false, tls: true}\ndrain_timeout", 1) + "sites:\n" + stays
		case 3:
			yaml = strings.ReplaceAll(yaml, "waf:", "wfa:")
		}
		g.write(yaml)
		err := g.Reload()
		if i%4 == 3 {
			bad++
			if err == nil {
				t.Error("a file with faults was taken over")
			}
		} else if err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
		if want := 2 + boolInt(i%4 >= 2); len(g.Addrs()) != want {
			t.Errorf("reload %d: %d listeners, want %d", i, len(g.Addrs()), want)
		}
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d requests through 20 reloads", asked.Load())
	if failed.Load() != 0 || bad != 5 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
	if n := opened.Load(); n > 2*workers {
		t.Errorf("%d connections to the origin for %d clients: they were not kept over reloads", n, workers)
	}
	for _, r := range g.log.all(t, int(asked.Load()), func(r *telemetry.Record) bool { return r.Request.Path == "/load" }) {
		if r.Status != 200 || r.Reason != "" || len(r.Attempts) != 1 {
			t.Errorf("logged %d %s, %d attempts", r.Status, r.Reason, len(r.Attempts))
		}
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestReloadKeepsWhatRuns lets a request that is under way end, although its site and its listener have gone meanwhile.
func TestReloadKeepsWhatRuns(t *testing.T) {
	t.Parallel()
	arrived, finish := make(chan struct{}), make(chan struct{})
	s := goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			arrived <- struct{}{}
			<-finish
		}
		fmt.Fprint(w, "done")
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("old.test", s, "off", ""))
	c := g.client(t, false)
	got := make(chan answer, 1)
	go func() { got <- get(t, c, "https://old.test/slow") }()
	<-arrived
	addr := g.tls()
	g.write("listen: [{address: \"127.0.0.1:0\"}]\nsites:\n" + p.goSite("new.test", s, "off", ""))
	if err := g.Reload(); err != nil {
		t.Fatal(err)
	}
	until(t, "the listener that went accepts no more", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(finish)
	if a := <-got; a.status != 200 || a.body != "done" {
		t.Errorf("%d %q", a.status, a.body)
	}
	if a := get(t, http.DefaultClient, "http://"+g.Addrs()[0]+"/", "Host", "new.test"); a.status != 200 {
		t.Errorf("new site: %d", a.status)
	}
	if a := get(t, http.DefaultClient, "http://"+g.Addrs()[0]+"/", "Host", "old.test"); a.status != 421 {
		t.Errorf("old site: %d", a.status)
	}
}

// TestFileIsWatched takes over a changed file without being told, also where a busy log lies beside it.
func TestFileIsWatched(t *testing.T) {
	t.Parallel()
	s := goOrigin(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("old.test", s, "off", ""))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		log, err := os.Create(filepath.Join(filepath.Dir(g.file), "busy.log"))
		if err != nil {
			t.Error(err)
			return
		}
		defer log.Close()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_, _ = log.WriteString("a line\n")
			}
		}
	})
	defer wg.Wait()
	defer close(stop)
	g.write(listens + "sites:\n" + p.goSite("new.test", s, "off", ""))
	until(t, "the new site is served", func() bool {
		return get(t, http.DefaultClient, "http://"+g.plain()+"/", "Host", "new.test").status == 200
	})
}

// until polls for something that no event tells of.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-late.C:
			t.Fatalf("waited %v in vain until %s", patience, what)
		case <-tick.C:
		}
	}
}

// TestReloadChangesListener changes what a listener is, on the address that it has, while clients connect anew for each
// request and others keep their connections: none is refused and none is cut.
func TestReloadChangesListener(t *testing.T) {
	t.Parallel()
	s := goOrigin(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	p := newPKI(t, "*.test")
	config := func(addr, listener string) string {
		return fmt.Sprintf("listen: [{address: %q, tls: true%s}]\nsites:\n%s", addr, listener, p.goSite("a.test", s, "off", ""))
	}
	first := start(t, config("127.0.0.1:0", ""))
	addr := first.tls()
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	g := start(t, config(addr, ""))
	var asked, failed atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		c := g.client(t, i%2 == 0)
		c.Transport.(*http.Transport).DisableKeepAlives = i < 2
		c.Transport.(*http.Transport).Protocols.SetHTTP1(true)
		wg.Go(func() {
			for !stop.Load() && failed.Load() == 0 {
				status, _, err := tryGet(c, "https://a.test/")
				if asked.Add(1); err != nil || status != 200 {
					failed.Add(1)
					t.Errorf("client %d: %d %v", i, status, err)
				}
			}
		})
	}
	for i := range 12 {
		before := asked.Load()
		until(t, "this configuration has served some requests", func() bool { return asked.Load() >= before+12 || failed.Load() > 0 })
		listener := []string{", http2: false", ", proxy_protocol: {mode: accept, trusted: [127.0.0.0/8]}", ", limits: {requests: 5}", ""}[i%4]
		g.write(config(addr, listener))
		if err := g.Reload(); err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d requests", asked.Load())
}
