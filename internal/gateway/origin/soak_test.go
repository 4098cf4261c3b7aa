package origin

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// TestManyAtOnce mixes uploads, early answers and clients that leave over both versions: nobody gets another's answer,
// and every connection's place is given back.
func TestManyAtOnce(t *testing.T) {
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Id", r.Header.Get("X-Id"))
		if r.Header.Get("X-Early") != "" {
			w.WriteHeader(413)
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = io.CopyN(w, zeros{}, n)
	}), nil)
	for _, version := range []string{"1.1", "2"} {
		o := newOrigin(t, Config{URLs: []string{s.URL}, HTTP: version, MaxConns: 4, TLS: TLS{Roots: pool(s)}})
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 25 {
					size := rand.IntN(200 << 10)
					id := itoa(g*1000 + i)
					x := newExchange("POST", "/", strings.Repeat("x", size))
					x.Request.Header = exchange.Header{{Name: "X-Id", Value: id}}
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					switch i % 5 {
					case 1:
						x.Request.Header.Add("X-Early", "1")
					case 2:
						time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, cancel)
					}
					resp, err := o.RoundTrip(ctx, x, &x.Request)
					if err == nil {
						n, _ := io.Copy(io.Discard, bodyReader{resp.Body})
						if got := resp.Header.Get("X-Id"); got != id || i%5 == 0 && int(n) != size {
							t.Errorf("http %s: asked as %s with %d bytes, got the answer of %s with %d", version, id, size, got, n)
						}
						_ = resp.Body.Close()
					} else if i%5 != 2 && i%5 != 1 {
						t.Errorf("http %s: %v, attempts %+v", version, err, x.Attempts)
					}
					cancel()
				}
			})
		}
		wg.Wait()
		o.Close()
		for end := time.Now().Add(5 * time.Second); o.Stats()[0].Open != 0 && time.Now().Before(end); {
			runtime.Gosched() // a connection that died by itself may be closing still
		}
		if st := o.Stats()[0]; st.Open != 0 || st.Inflight != 0 || o.endpoints[0].room.used != 0 {
			t.Errorf("http %s: %+v, %d places taken", version, st, o.endpoints[0].room.used)
		}
	}
}
