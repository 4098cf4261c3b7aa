package origin

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// record opens the tape of a connection that has just been made, where one is kept.
func (d *dialer) record(c *conn) {
	if d.o.deps.Flight == nil {
		return
	}
	name := d.sni
	if name == "" {
		name = d.ep.url.host
	}
	c.tap.tape = d.o.deps.Flight.Open(exchange.Taped{
		ConnID: c.id, Client: c.local, Server: c.remote, Name: name, URL: d.ep.url.raw,
		Start: d.o.now().Add(-d.a.Connect), Connect: d.a.Connect, TLS: d.ep.url.secure,
	})
	d.a.Tape = c.tap.tape
}

// turn tells the tape whose turn it is in x.
func (c *conn) turn(x *exchange.Exchange, t exchange.Turn) {
	if c.tap.tape != nil && x != nil {
		c.tap.tape.Turn(x, t)
	}
}

// hears says that we wait for bytes of the origin, or do not any more. While the request body is on its way, that says whose turn it is.
func (k *call) hears(yes bool) {
	c, t := k.c, exchange.TurnOurs
	if yes {
		t = exchange.TurnOrigin
	}
	switch {
	case c.tap.tape == nil:
	case k.up == nil:
		c.turn(k.x, t)
	default:
		k.due.Lock()
		if k.hearing = yes; k.up.over {
			c.turn(k.x, t)
		}
		k.due.Unlock()
	}
}

// hears says that we wait for frames of the stream, of which the last came at turn.
func (s *h2Stream) hears(turn time.Time) {
	if s.heard != turn {
		s.heard = turn
		s.h.c.turn(s.x, exchange.TurnOrigin)
	}
}

// heeds says that we have what we waited for.
func (s *h2Stream) heeds() {
	if !s.heard.IsZero() {
		s.heard = time.Time{}
		s.h.c.turn(s.x, exchange.TurnOurs)
	}
}

// noteOver tells the tape how the origin ended the connection, where err says that.
func (t *tap) noteOver(err error) {
	f := fact.Fact{Side: fact.SideServer, At: time.Now()}
	switch {
	case err == io.EOF:
		f.Kind = fact.TCPClosed
	case errors.Is(err, syscall.ECONNRESET):
		f.Kind = fact.TCPReset
	default:
		return
	}
	t.tape.Note(f)
}

// resumedSecret hands the master secret of a resumed session to the tape: crypto/tls logs it where the session began, which may have
// been on a connection of which nothing is kept any more. In TLS 1.3 every connection has secrets of its own.
func (c *conn) resumedSecret(s *tls.ConnectionState) {
	state := c.session.Swap(nil)
	if state == nil || !s.DidResume || s.Version >= tls.VersionTLS13 {
		return
	}
	random, secret := c.tap.clientRandom(), masterOf(state)
	if random == nil || secret == nil {
		return
	}
	line := append([]byte("CLIENT_RANDOM "), hex.EncodeToString(random)...)
	line = append(append(line, ' '), hex.EncodeToString(secret)...)
	c.tap.tape.Secret(append(line, '\n'))
	clear(line)
	clear(secret)
}

// clientRandom is the random number of our ClientHello, nil where it was not kept.
func (t *tap) clientRandom() []byte {
	const at = tlswire.RecordHeaderLen + 4 + 2 // headers of record and message, version (RFC 5246 section 7.4.1.2)
	if t.opening == nil {
		return nil
	}
	for _, p := range t.opening.Pieces {
		if p.Side == fact.SideClient {
			if len(p.Data) < at+32 {
				return nil
			}
			return p.Data[at : at+32]
		}
	}
	return nil
}

// masterOf is the master secret of a session of TLS 1.2 or before; nil where it cannot be had.
func masterOf(state *tls.ClientSessionState) []byte {
	_, session, err := state.ResumptionState()
	if err != nil || session == nil {
		return nil
	}
	b, err := session.Bytes()
	if err != nil {
		return nil
	}
	defer clear(b)
	const at = 2 + 1 + 2 + 8 // version, type, cipher suite, time, as crypto/tls documents at SessionState; a length and the secret follow
	if len(b) <= at || binary.BigEndian.Uint16(b) >= tls.VersionTLS13 {
		return nil
	}
	n := int(b[at])
	if n != 48 || len(b) < at+1+n {
		return nil
	}
	return append([]byte(nil), b[at+1:at+1+n]...)
}
