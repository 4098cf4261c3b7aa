package listener

import (
	"crypto/tls"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
)

// openTape opens the tape of the connection, which is for name of site; nil where none is kept.
func (c *conn) openTape(site, name string) exchange.Tape {
	f := c.l.cfg.Flight(site)
	if f == nil {
		return nil
	}
	return f.Open(exchange.Taped{
		ConnID: c.client.ConnID, Client: c.client.Peer, Server: c.client.Local, Name: name, Start: c.accepted, TLS: true,
	})
}

// begin opens the tape, once the site is known, with what was read by then.
func (h *helloConn) begin(site, name string) {
	if h.open == nil {
		return
	}
	if h.tape = h.open(site, name); h.tape != nil {
		h.tape.Wire(fact.SideClient, h.first.UnixNano(), h.seen)
	}
}

// record puts what was read on the tape, and how the client ended.
func (h *helloConn) record(p []byte, err error) {
	h.tape.Wire(fact.SideClient, time.Now().UnixNano(), p)
	switch {
	case err == nil:
	case isReset(err):
		h.tape.Note(fact.Fact{Kind: fact.TCPReset, Side: fact.SideClient, At: time.Now()})
	case isEOF(err):
		h.tape.Note(fact.Fact{Kind: fact.TCPClosed, Side: fact.SideClient, At: time.Now()})
	}
}

// wanter is a tape that says whether it wants secrets. One that does not say gets none: those of clients are kept for nobody but who
// asks for them.
type wanter interface{ WantsSecrets() bool }

// logging is cfg, with the secrets of the connection going to its tape where that wants them.
func (h *helloConn) logging(cfg *tls.Config) *tls.Config {
	if w, ok := h.tape.(wanter); ok && w.WantsSecrets() {
		cfg = cfg.Clone()
		cfg.KeyLogWriter = secretWriter{h.tape}
	}
	return cfg
}

// secretWriter is the key log of one connection.
type secretWriter struct{ t exchange.Tape }

// Write implements io.Writer.
func (s secretWriter) Write(p []byte) (int, error) {
	s.t.Secret(p)
	return len(p), nil
}
