package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const token = "0123456789abcdef-secret"

type blocks map[string]string

func (b blocks) Block(id string) ([]byte, bool) {
	s, ok := b[id]
	return []byte(s), ok
}

const id = "01KJVX5Q1GZ8V5M2N7R3T9W4XY"

func serve(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Address, cfg.Version = "127.0.0.1:0", "1.2.3"
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "lunette_up 1\n") })
	s, err := New(cfg, Deps{Metrics: metrics, Blocks: blocks{id: `{"id":"` + id + `"}`}})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func get(t *testing.T, s *Server, path, host, auth string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+s.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestRoutes(t *testing.T) {
	open, closed := serve(t, Config{}), serve(t, Config{Token: token})
	rows := []struct {
		s          *Server
		path, host string
		auth       string
		status     int
		body       string
	}{
		{open, "/healthz", "", "", 200, "ok"},
		{open, "/readyz", "", "", 503, "not ready"},
		{open, "/metrics", "", "", 200, "lunette_up"},
		{open, "/version", "", "", 200, `"version":"1.2.3"`},
		{open, "/blocks/" + id, "", "", 200, `{"id":"` + id + `"}`},
		{open, "/blocks/" + strings.ToLower(id), "", "", 200, id},
		{open, "/blocks/01KJVX5Q1GZ8V5M2N7R3T9W4XZ", "", "", 404, "rotated"},
		{open, "/blocks/x", "", "", 400, "26"},
		{open, "/nothing", "", "", 404, ""},
		{open, "/debug/pprof/", "", "", 404, ""},
		{open, "/metrics", "localhost:9180", "", 200, ""},
		{open, "/metrics", "[::1]:9180", "", 200, ""},
		{open, "/metrics", "evil.test", "", 421, ""},
		{open, "/metrics", "127.0.0.1.evil.test", "", 421, ""},
		{closed, "/healthz", "", "", 200, "ok"},
		{closed, "/readyz", "", "", 503, ""},
		{closed, "/metrics", "", "", 401, "token"},
		{closed, "/metrics", "", "Bearer wrong", 401, ""},
		{closed, "/metrics", "", "Basic " + token, 401, ""},
		{closed, "/metrics", "", "Bearer " + token + "x", 401, ""},
		{closed, "/metrics", "", "Bearer " + token, 200, "lunette_up"},
		{closed, "/metrics", "any.test", "bearer " + token, 200, ""},
		{closed, "/debug/pprof/", "", "", 401, ""},
		{closed, "/debug/pprof/", "", "Bearer " + token, 200, "goroutine"},
	}
	for _, r := range rows {
		status, body := get(t, r.s, r.path, r.host, r.auth)
		if status != r.status || !strings.Contains(body, r.body) {
			t.Errorf("%s (Host %q, %q): %d %q, want %d %q", r.path, r.host, r.auth, status, body, r.status, r.body)
		}
	}
	open.SetReady(true)
	if status, _ := get(t, open, "/readyz", "", ""); status != 200 {
		t.Errorf("ready server: %d", status)
	}
	open.SetReady(false)
	if status, _ := get(t, open, "/readyz", "", ""); status != 503 {
		t.Errorf("draining server: %d", status)
	}
}

func TestNewRefuses(t *testing.T) {
	deps := Deps{Metrics: http.NotFoundHandler()}
	for _, cfg := range []Config{
		{Address: "0.0.0.0:0"}, {Address: ":0"}, {Address: "[::]:0"}, {Address: "192.0.2.1:0"}, {Address: "example.test:0"},
		{Address: "127.0.0.1"}, {Address: "127.0.0.1:0", Token: "short"},
	} {
		if s, err := New(cfg, deps); err == nil {
			s.ln.Close()
			t.Errorf("%+v was accepted", cfg)
		}
	}
	if _, err := New(Config{Address: "127.0.0.1:0"}, Deps{}); err == nil {
		t.Error("no metrics handler was accepted")
	}
}

func TestCloseWithoutStart(t *testing.T) {
	s, err := New(Config{Address: "127.0.0.1:0"}, Deps{Metrics: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	s.Start() // does nothing any more
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		c.Close()
		t.Error("still listening")
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLimited(inner, 1)
	got := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			got <- c
		}
	}()
	for range 2 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first := <-got
	if len(l.slots) != 1 {
		t.Errorf("%d slots in use", len(l.slots))
	}
	first.Close()
	first.Close() // frees its slot once only
	second := <-got
	l.Close() // ends an Accept that waits for a slot
	if err := <-ended; err == nil {
		t.Error("no error after Close")
	}
	second.Close()
}
