package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lunette-waf/lunette/internal/telemetry"
)

// named starts n origins that answer with their number; keys of origin are YAML of the site's origin beside its urls.
func named(t testing.TB, n int, keys string) (p pki, origins []*httptest.Server, site string) {
	t.Helper()
	p = newPKI(t, "*.test")
	urls := make([]string, n)
	for i := range n {
		s := goOrigin(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) })
		origins, urls[i] = append(origins, s), fmt.Sprintf("%q", s.URL)
	}
	return p, origins, p.site("many.test", fmt.Sprintf("\n    origin: {urls: [%s]%s}\n    waf: {mode: \"off\"}\n", strings.Join(urls, ", "), keys))
}

// spread asks n times and counts who answered; every answer must be 200.
func spread(t testing.TB, c *http.Client, n int, field ...string) map[string]int {
	t.Helper()
	got := map[string]int{}
	for range n {
		a := get(t, c, "https://many.test/spread", field...)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.header.Get("Proxy-Status"))
		}
		got[a.body]++
	}
	return got
}

// TestOneOfTwoDies loses no request when an origin dies: retries go elsewhere, and it is left out until it is back.
func TestOneOfTwoDies(t *testing.T) {
	t.Parallel()
	_, origins, site := named(t, 2, ", health: {passive: {failures: 2, hold: 1h}}, timeouts: {keepalive_idle: 0s}")
	g := start(t, listens+"admin: {address: \"127.0.0.1:0\"}\nsites:\n"+site)
	c := g.client(t, false)
	if got := spread(t, c, 10); got["0"] != 5 || got["1"] != 5 {
		t.Errorf("round robin gave %v", got)
	}
	origins[0].CloseClientConnections()
	origins[0].Close()
	if got := spread(t, c, 20); got["1"] != 20 {
		t.Errorf("one is dead, %v", got)
	}
	tried := 0
	for _, r := range g.log.all(t, 30, func(*telemetry.Record) bool { return true }) {
		if len(r.Attempts) > 1 {
			tried++
			if a := r.Attempts[0]; a.Reason != "tcp.refused" || !a.Retried {
				t.Errorf("the failed attempt is recorded as %+v", a)
			}
		}
	}
	if tried != 2 {
		t.Errorf("%d requests met the dead origin, want 2: then it is set aside", tried)
	}
	if !strings.Contains(g.oper.String(), "origin is left out") {
		t.Error("the operational log does not tell of it")
	}
	origins[1].CloseClientConnections()
	origins[1].Close()
	// None is left: those set aside for failed requests are tried all the same, and the last failure is what is told.
	for i := range 3 {
		path := fmt.Sprint("/down/", i)
		a := get(t, c, "https://many.test"+path)
		refused(t, g, path, 502, a.header, a.body, a.status, "tcp.refused")
	}
}

// TestActiveHealth leaves an origin out whose check fails, takes it back, and answers 503 when none is well.
func TestActiveHealth(t *testing.T) {
	t.Parallel()
	var sick [2]atomic.Bool
	var urls []string
	p := newPKI(t, "*.test")
	for i := range sick {
		s := goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" && sick[i].Load() {
				w.WriteHeader(500)
			}
			fmt.Fprint(w, i)
		})
		urls = append(urls, fmt.Sprintf("%q", s.URL))
	}
	g := start(t, listens+"sites:\n"+p.site("many.test", fmt.Sprintf("\n    origin: {urls: [%s], health: {path: /healthz, interval: 100ms, rise: 1, fall: 1}}\n    waf: {mode: \"off\"}\n", strings.Join(urls, ", "))))
	c := g.client(t, true)
	sick[0].Store(true)
	until(t, "the sick one is left out", func() bool { return spread(t, c, 4)["1"] == 4 })
	sick[0].Store(false)
	until(t, "it is back", func() bool { return spread(t, c, 4)["0"] == 2 })
	sick[0].Store(true)
	sick[1].Store(true)
	until(t, "none is left", func() bool { return get(t, c, "https://many.test/none").status == 503 })
	a := get(t, c, "https://many.test/none-at-all")
	refused(t, g, "/none-at-all", 503, a.header, a.body, a.status, "config.all_origins_down")
}

// TestBalance spreads by open connections and by hash.
func TestBalance(t *testing.T) {
	t.Parallel()
	t.Run("least_conn", func(t *testing.T) {
		t.Parallel()
		arrived, finish := make(chan string), make(chan struct{})
		var urls []string
		for i := range 3 {
			s := goOrigin(t, func(_ http.ResponseWriter, _ *http.Request) { arrived <- fmt.Sprint(i); <-finish })
			urls = append(urls, fmt.Sprintf("%q", s.URL))
		}
		p := newPKI(t, "*.test")
		g := start(t, listens+"sites:\n"+p.site("many.test", fmt.Sprintf("\n    origin: {urls: [%s], balance: least_conn}\n    waf: {mode: \"off\"}\n", strings.Join(urls, ", "))))
		var wg sync.WaitGroup
		got := map[string]int{}
		c := g.client(t, true)
		for range 9 { // one after the other, none ends: each must go where the fewest are
			wg.Go(func() { get(t, c, "https://many.test/") })
			got[<-arrived]++
		}
		close(finish)
		wg.Wait()
		if got["0"] != 3 || got["1"] != 3 || got["2"] != 3 {
			t.Errorf("nine open requests on three origins: %v", got)
		}
	})
	t.Run("hash", func(t *testing.T) {
		t.Parallel()
		_, origins, site := named(t, 3, ", balance: hash, hash_key: \"header:X-User\", timeouts: {keepalive_idle: 0s}")
		g := start(t, listens+"sites:\n"+site)
		where := map[string]string{}
		used := map[string]bool{}
		for i := range 20 {
			user := fmt.Sprint("user", i)
			got := spread(t, g.client(t, false), 3, "X-User", user)
			if len(got) != 1 {
				t.Errorf("%s was served by %v", user, got)
			}
			for name := range got {
				where[user], used[name] = name, true
			}
		}
		if len(used) != 3 {
			t.Errorf("20 users on %d of 3 origins", len(used))
		}
		origins[0].CloseClientConnections()
		origins[0].Close()
		for user, name := range where { // whoever had another one stays there
			for now := range spread(t, g.client(t, false), 1, "X-User", user) {
				if name != "0" && now != name {
					t.Errorf("%s went from %s to %s though %s lives", user, name, now, name)
				}
			}
		}
	})
}

// TestStaleConnection retries on a fresh connection what met a kept one that the origin had closed.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	addr := dummy(t, func(c net.Conn) { // answers once and resets when asked again: the worst that a kept connection can do
		conns.Add(1)
		says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false)(c)
		says("", true)(c)
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.site("stale.test", fmt.Sprintf("\n    origin: {urls: [\"http://%s\"]}\n    waf: {mode: \"off\"}\n", addr)))
	c := g.client(t, false)
	for i := range 5 {
		if a := get(t, c, fmt.Sprint("https://stale.test/", i)); a.status != 200 || a.body != "ok" {
			t.Errorf("request %d: %d %q", i, a.status, a.body)
		}
	}
	r := g.log.path(t, "/1")
	if len(r.Attempts) != 2 || r.Attempts[0].Reason != "read.stale_reused_connection" || !r.Attempts[0].Reused || !r.Attempts[0].Retried || r.Attempts[1].Reused {
		t.Errorf("attempts %+v", r.Attempts)
	}
	// What is not idempotent is not sent twice.
	get(t, c, "https://stale.test/warm")
	if a := do(t, c, "POST", "https://stale.test/post", strings.NewReader("x")); a.status != 502 {
		t.Errorf("POST: %d", a.status)
	}
	if r := g.log.path(t, "/post"); len(r.Attempts) != 1 || r.Reason != "read.stale_reused_connection" {
		t.Errorf("POST: logged %s, %d attempts", r.Reason, len(r.Attempts))
	}
}
