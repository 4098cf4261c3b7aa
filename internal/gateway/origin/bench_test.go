package origin

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func benchmarkOrigin(b *testing.B, fresh bool) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	s.StartTLS()
	defer s.Close()
	cfg := Config{URLs: []string{s.URL}, HTTP: "1.1", TLS: TLS{Roots: pool(s), MinVersion: tls.VersionTLS13}}
	if fresh {
		cfg.Timeouts.KeepaliveIdle = 1 // nanosecond
	}
	o, err := New(cfg, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer o.Close()
	b.ReportAllocs()
	for b.Loop() {
		x := newExchange("GET", "/", "")
		resp, err := o.RoundTrip(b.Context(), x, &x.Request)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, bodyReader{resp.Body}); err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

// BenchmarkKept is one request after another on a connection that is kept: both ends count.
func BenchmarkKept(b *testing.B) { benchmarkOrigin(b, false) }

// BenchmarkFresh is a TLS 1.3 handshake, resumed, and one request: both ends count.
func BenchmarkFresh(b *testing.B) { benchmarkOrigin(b, true) }
