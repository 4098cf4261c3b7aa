package listener

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"time"

	"golang.org/x/net/http2"
)

// h2Front is the HTTP/2 side of a listener. The protocol is x/net/http2's; see guard for what it lets through.
type h2Front struct {
	l    *Listener
	srv  *http2.Server
	base *http.Server // never listens; ties the connections together so that they can be told to go away
}

func newH2Front(l *Listener) (*h2Front, error) {
	s := l.settings.Load()
	f := &h2Front{l: l}
	f.base = &http.Server{MaxHeaderBytes: s.HeaderBytes, ErrorLog: log.New(io.Discard, "", 0), Protocols: new(http.Protocols)}
	f.srv = &http2.Server{
		MaxConcurrentStreams: uint32(max(s.Streams, 1)),
		IdleTimeout:          max(s.Idle, 0),
		ReadIdleTimeout:      max(s.Idle, 0),
		WriteByteTimeout:     max(s.Write, 0),
		MaxReadFrameSize:     16 << 10,
		// What a client may send before a handler reads it: memory per stream and per connection.
		MaxUploadBufferPerStream:     256 << 10,
		MaxUploadBufferPerConnection: 1 << 20,
	}
	return f, http2.ConfigureServer(f.base, f.srv)
}

// serve runs one connection to its end.
func (f *h2Front) serve(c *conn, tc *tls.Conn) {
	ctx, cancel := context.WithCancelCause(f.l.base)
	defer cancel(gone("connection closed", nil))
	g := newGuard(c, tc)
	f.srv.ServeConn(g, &http2.ServeConnOpts{
		Context:    ctx,
		BaseConfig: f.base,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serveH2(c, g, w, r)
		}),
	})
	g.settle()
}

// drain sends GOAWAY on every connection; each closes once its streams have ended.
func (f *h2Front) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = f.base.Shutdown(ctx) // returns at once: it has no listener and no connection of its own
}
