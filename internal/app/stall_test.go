package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/store"
)

// watchedLog is a log whose lines can be waited for.
type watchedLog struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and made anew with each line
}

func newWatchedLog() *watchedLog { return &watchedLog{more: make(chan struct{})} }

func (l *watchedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	close(l.more)
	l.more = make(chan struct{})
	return len(p), nil
}

// line waits for a line that holds all words.
func (l *watchedLog) line(t *testing.T, words ...string) string {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		l.mu.Lock()
		more, all := l.more, l.lines
		l.mu.Unlock()
	search:
		for _, s := range all {
			for _, w := range words {
				if !strings.Contains(s, w) {
					continue search
				}
			}
			return s
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("no line with %q in:\n%s", words, strings.Join(all, ""))
		}
	}
}

// raw is an origin that reads the beginning of what comes, writes say, and then nothing any more until the test ends.
func raw(t *testing.T, say string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	done := make(chan struct{})
	conns.Go(func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, say)
				<-done
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() { close(done); _ = l.Close(); conns.Wait() })
	return l.Addr().String()
}

// TestStallSaysWhere: what is told of a wait while it lasts names the phase, and the timeout that will end it; that end is the same failure.
func TestStallSaysWhere(t *testing.T) {
	t.Parallel()
	fault, err := lab.Start(t.Context(), lab.Config{Fault: "tls13-stall"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fault.Close() })
	const begun = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n"
	for _, c := range []struct{ name, url, reason, cause, ends string }{
		{"silent after hello", "https://" + raw(t, ""), "tls.timeout", "tls.silent_after_hello", "timeouts.tls"},
		{"stopped within the handshake", "https://" + fault.Addr(), "tls.timeout", "tls.handshake_stalled", "timeouts.tls"},
		{"nothing of an answer", "http://" + raw(t, ""), "read.first_byte_timeout", "http1.slow_first_byte", "timeouts.first_byte"},
		{"half a head", "http://" + raw(t, begun), "read.header_stall", "http1.answer_stalled", "timeouts.first_byte"},
		{"half a body", "http://" + raw(t, begun+"\r\nhalf"), "read.body_stall", "http1.answer_stalled", "timeouts.read_idle"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stallOnce(t, c.url, c.reason, c.cause, c.ends)
		})
	}
}

func stallOnce(t *testing.T, url, reason, cause, ends string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lunette.yaml")
	put(t, path, fmt.Appendf(nil, `listen: [{address: "127.0.0.1:0"}]
sites:
  - names: [a.test]
    default: true
    waf: {mode: "off"}
    stall_after: 1s
    origin: {urls: [%q], retries: 0, tls: {verify: none}, timeouts: {tls: 4s, first_byte: 4s, read_idle: 4s}}
`, url))
	said := newWatchedLog()
	a, err := New(path, Options{Log: said, Access: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }() // ends with stop
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addrs()[0]+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	line := said.line(t, "waiting=")
	if !strings.Contains(line, "finding="+cause) || !strings.Contains(line, "reason="+reason) || !strings.Contains(line, "ends_by=\""+ends+": 4s, in ") {
		t.Errorf("told while it lasts:\n%s", line)
	}
	said.line(t, "incident opened", "cause="+cause)
	all, err := a.store.Incidents(t.Context(), store.Query{All: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Cause != cause || all[0].Count != 1 || all[0].Reason != reason {
		t.Errorf("incidents: %+v", all)
	}
}
