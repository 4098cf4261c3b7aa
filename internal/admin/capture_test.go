package admin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// told are captures that tell one event, and then wait.
type told struct {
	wants  chan CaptureWant
	ended  chan error
	refuse *Refusal
}

func (c *told) Capture(ctx context.Context, want CaptureWant, send func([]byte) error) error {
	if c.refuse != nil {
		return c.refuse
	}
	c.wants <- want
	if err := send([]byte(`{"event":"armed"}`)); err != nil {
		return err
	}
	<-ctx.Done()
	c.ended <- context.Cause(ctx)
	return ctx.Err()
}

func (c *told) EndCapture(id string) bool { return id == "known" }

func serveCaptures(t *testing.T, c Captures, tok string) *Server {
	t.Helper()
	s, err := New(Config{Address: "127.0.0.1:0", Token: tok}, Deps{Metrics: http.NotFoundHandler(), Captures: c})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	return s
}

// begin asks for a stream and reads its first event.
func begin(t *testing.T, ctx context.Context, s *Server, path string) io.Closer {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("User-Agent", "me\u202e")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || line != "{\"event\":\"armed\"}\n" {
		t.Fatalf("%d %q %v", resp.StatusCode, line, err)
	}
	return resp.Body
}

// TestCaptureStream holds that events come while the stream lasts, that its end is that of the client or of the server, and how many there may be.
func TestCaptureStream(t *testing.T) {
	c := &told{wants: make(chan CaptureWant, 10), ended: make(chan error, 10)}
	s := serveCaptures(t, c, token)
	begin(t, t.Context(), s, "/capture?site=shop.test&leg=client&packets=recording&duration=90s")
	want := <-c.wants
	if who := want.Who; want.Site != "shop.test" || !want.Client || !want.Recordings || want.Duration != 90*time.Second || !strings.HasPrefix(who, "127.0.0.1 me") || strings.Contains(who, "\u202e") {
		t.Errorf("%+v", want)
	}
	ctx, leave := context.WithCancel(t.Context())
	begin(t, ctx, s, "/capture")
	if want := <-c.wants; want != (CaptureWant{Duration: captureDuration, Who: want.Who}) {
		t.Errorf("%+v", want)
	}
	leave()
	if err := <-c.ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range maxCaptures - 1 {
		begin(t, t.Context(), s, "/capture")
	}
	if status, body := get(t, s, "/capture", "", "Bearer "+token); status != http.StatusTooManyRequests || !strings.Contains(body, "already") {
		t.Error(status, body)
	}
	closing, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Close(closing); err != nil {
		t.Error(err)
	}
	for range maxCaptures {
		if err := <-c.ended; !errors.Is(err, errStopping) {
			t.Error(err)
		}
	}
}

func TestCaptureRefuses(t *testing.T) {
	c := &told{refuse: &Refusal{Status: http.StatusConflict, Text: "the origin leg is not recorded"}}
	guarded, bare := serveCaptures(t, c, token), serveCaptures(t, c, "")
	for _, r := range []struct {
		s            *Server
		path, auth   string
		status       int
		body, system string
	}{
		{guarded, "/capture", "", 401, "token", ""},
		{guarded, "/capture", "Bearer wrong", 401, "token", ""},
		{guarded, "/capture", "Bearer " + token, 409, "not recorded", ""},
		{guarded, "/capture?leg=both", "Bearer " + token, 400, "origin or client", ""},
		{guarded, "/capture?duration=25h", "Bearer " + token, 400, "at most", ""},
		{guarded, "/capture?duration=-1s", "Bearer " + token, 400, "at most", ""},
		{guarded, "/capture?packets=all", "Bearer " + token, 400, "recording", ""},
		{guarded, "/capture?sight=x", "Bearer " + token, 400, "unknown parameter", ""},
		{guarded, "/capture?site=a&site=b", "Bearer " + token, 400, "twice", ""},
		{bare, "/capture", "", 409, "not recorded", "linux"}, // of our own user
		{bare, "/capture", "", 403, "set admin.token_file", "other"},
	} {
		if r.system != "" && (r.system == "linux") != (runtime.GOOS == "linux") {
			continue
		}
		if status, body := get(t, r.s, r.path, "", r.auth); status != r.status || !strings.Contains(body, r.body) {
			t.Errorf("%s: %d %q, want %d %q", r.path, status, body, r.status, r.body)
		}
	}
	for id, want := range map[string]int{"known": 204, "other": 404} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+guarded.Addr()+"/capture/"+id+"/end", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		for _, site := range []string{"", "cross-site"} {
			r.Header.Set("Sec-Fetch-Site", site)
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if site != "" {
				want = http.StatusForbidden
			}
			if resp.StatusCode != want {
				t.Errorf("end %s from %q: %d, want %d", id, site, resp.StatusCode, want)
			}
		}
	}
}
