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

func (l *watchedLog) has(word string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.lines, ""), word)
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
	update, err := lab.Start(t.Context(), lab.Config{Fault: "key-update-stall"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = update.Close() })
	for _, c := range []struct{ name, url, reason, cause, ends string }{
		{"stopped at a KeyUpdate", "https://" + update.Addr(), "read.body_stall", "tls.key_update_stall", "timeouts.read_idle"},
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

// TestStreamLiesStill: a stream of events in which nothing happens is no stall.
func TestStreamLiesStill(t *testing.T) {
	t.Parallel()
	url := "http://" + raw(t, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
	a, said := gatewayTo(t, url, "1s")
	ask(t, a)
	if said.has("waiting=") {
		t.Errorf("told of a stall: %q", said.lines)
	}
	said.line(t, "incident opened", "cause=read.body_stall") // read_idle ended it, of which the visitor has half a stream
}

func stallOnce(t *testing.T, url, reason, cause, ends string) {
	t.Helper()
	after, limit := "1s", "4s"
	if ends == "timeouts.read_idle" { // a KeyUpdate says nothing sooner
		after, limit = "4s", "6s"
	}
	a, said := gatewayTo(t, url, after)
	ask(t, a)
	line := said.line(t, "waiting=")
	if !strings.Contains(line, "finding="+cause) || !strings.Contains(line, "reason="+reason) || !strings.Contains(line, "ends_by=\""+ends+": "+limit+", in ") {
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

// gatewayTo is a gateway in front of url, until the test ends, and its log.
func gatewayTo(t *testing.T, url, after string) (*App, *watchedLog) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lunette.yaml")
	put(t, path, fmt.Appendf(nil, `listen: [{address: "127.0.0.1:0"}]
sites:
  - names: [a.test]
    default: true
    waf: {mode: "off"}
    stall_after: %s
    origin: {urls: [%q], retries: 0, tls: {verify: none}, timeouts: {tls: 4s, first_byte: 4s, read_idle: 6s}}
`, after, url))
	said := newWatchedLog()
	a, err := New(path, Options{Log: said, Access: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }() // ends with stop
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return a, said
}

// ask asks for a page, and waits until all is over.
func ask(t *testing.T, a *App) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addrs()[0]+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
