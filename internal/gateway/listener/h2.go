package listener

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// h2Front is the HTTP/2 side of a listener. The protocol is x/net/http2's, whose server is marked as superseded by
// net/http's; that one takes no connection of ours and cannot be guarded. See guard for what reaches it.
type h2Front struct {
	l    *Listener
	srv  *http2.Server
	base *http.Server                // never listens; ties the connections together so that they can be told to go away
	conf atomic.Pointer[http.Server] // limits of new connections
}

func newH2Front(l *Listener) (*h2Front, error) {
	s := l.settings.Load()
	f := &h2Front{l: l, base: &http.Server{Protocols: new(http.Protocols)}, srv: &http2.Server{IdleTimeout: max(s.Idle, 0)}}
	f.configure(s)
	return f, http2.ConfigureServer(f.base, f.srv)
}

// configure takes the limits for connections from now on. Idle alone stays what it was when the listener was made.
func (f *h2Front) configure(s *Settings) {
	f.conf.Store(&http.Server{
		MaxHeaderBytes: s.HeaderBytes,
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // what matters is recorded
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: max(s.Streams, 1),
			MaxReadFrameSize:     16 << 10,
			// What a client may send before a handler reads it.
			MaxReceiveBufferPerStream:     256 << 10,
			MaxReceiveBufferPerConnection: 1 << 20,
			SendPingTimeout:               max(s.Idle, 0),
			WriteByteTimeout:              max(s.Write, 0),
		},
	})
}

// serve runs one connection to its end.
func (f *h2Front) serve(c *conn, tc *tls.Conn) {
	ctx, cancel := context.WithCancelCause(f.l.base)
	defer cancel(gone("connection closed", nil))
	g := newGuard(c, tc)
	f.srv.ServeConn(g, &http2.ServeConnOpts{
		Context:    ctx,
		BaseConfig: f.conf.Load(),
		Handler:    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveH2(c, g, w, r) }),
	})
	g.settle()
}

// drain sends GOAWAY on every connection; each closes once its streams have ended.
func (f *h2Front) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = f.base.Shutdown(ctx) // returns at once: it has no listener and no connection of its own
}
