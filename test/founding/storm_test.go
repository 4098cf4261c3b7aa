package founding

import (
	"context"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/test/race"
)

// TestStorm: 10,000 failing requests a minute for three minutes. Memory stays within its budget, it is one incident, and none of them is
// missing in its count. Without LUNETTE_SOAK it is a fifth as many in a minute, for six seconds.
func TestStorm(t *testing.T) {
	perMinute, last := time.Duration(2000), 6*time.Second
	if os.Getenv("LUNETTE_SOAK") != "" {
		perMinute, last = 10_000, 3*time.Minute
	}
	o, err := lab.Start(context.Background(), lab.Config{Fault: "reset-after-request"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	g := start(t, site("shop.test", "https://"+o.Addr(), "      tls: {verify: none}\n      health: {passive: {failures: 0}}\n")+"access_log: {file: \"off\"}\n") // which the harness would keep in memory
	addr := g.Addrs()[0]
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}}}
	before := resident(t)
	var sent, failed atomic.Int64
	var peak atomic.Int64
	var wg sync.WaitGroup
	slots := make(chan struct{}, 256)
	tick := time.NewTicker(time.Minute / perMinute)
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < last; {
		<-tick.C
		due := int64(time.Since(begun) / (time.Minute / perMinute)) // a ticker drops ticks
		for sent.Load() < due {
			n := sent.Add(1)
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				resp, err := client.Get("http://shop.test/?" + strconv.FormatInt(n, 10))
				if err != nil {
					t.Errorf("request %d: %v", n, err)
					return
				}
				_ = resp.Body.Close()
				if resp.StatusCode == 502 {
					failed.Add(1)
				} else {
					t.Logf("request %d: %d %s", n, resp.StatusCode, resp.Header.Get("Proxy-Status"))
				}
			})
			if n%500 == 0 {
				peak.Store(max(peak.Load(), resident(t)))
			}
		}
	}
	wg.Wait()
	if failed.Load() != sent.Load() {
		t.Fatalf("%d of %d requests got 502", failed.Load(), sent.Load())
	}
	var all []listed
	until(patience, func() bool {
		all = g.incidents()
		return len(all) > 0 && all[0].Count >= failed.Load()
	})
	if len(all) != 1 || all[0].Count != failed.Load() || all[0].Cause != "http1.reset_before_answer" {
		t.Errorf("%d requests failed: incidents %+v, want one with that count", failed.Load(), all)
	}
	// flight_memory is 64 MiB; samples that wait, the checks and the requests themselves take the rest.
	grown := (peak.Load() - before) >> 20
	t.Logf("%d failures in %v, resident memory grew by %d MiB at most", failed.Load(), last, grown)
	if limit := int64(160); grown > limit && !race.On {
		t.Errorf("resident memory grew by %d MiB, more than %d", grown, limit)
	}
}

// resident is how many bytes of the process are in memory; 0 where the system does not tell.
func resident(t testing.TB) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
