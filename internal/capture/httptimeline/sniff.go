package httptimeline

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/fact"
)

// preface is what a client of HTTP/2 says first (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// held is something that came before it was clear whether this is HTTP/2.
type held struct {
	side    fact.Side
	at      fact.Stamp
	p       []byte
	missing bool
	n       int64
}

// opening is what is known of the first bytes of a side.
type opening struct {
	bytes []byte // as many as are of interest
	lacks bool   // what is known first is that bytes are missing
	over  bool   // no more of them come: bytes are missing behind them
}

// see takes note of h.
func (o *opening) see(h *held) {
	if h.missing {
		o.lacks = o.lacks || len(o.bytes) == 0 && !o.over
		o.over = true
	} else if n := min(len(h.p), len(preface)-len(o.bytes)); n > 0 && !o.over {
		o.bytes = append(o.bytes, h.p[:n]...)
	}
}

// sniff holds h back until the client's first bytes are, or are not, the preface of HTTP/2. A server of HTTP/2 may send its
// SETTINGS before them.
func (t *Timeline) sniff(h held) {
	h.p = bytes.Clone(h.p)
	t.held = append(t.held, h)
	t.waits += len(h.p) + 64 // about what an entry takes
	t.openings[h.side].see(&h)
	client, server := &t.openings[fact.SideClient], &t.openings[fact.SideServer]
	n := len(client.bytes)
	switch {
	case client.lacks:
		t.choose(looksSettings(server.bytes))
	case preface[:n] != string(client.bytes) || client.over:
		t.choose(false)
	case n == len(preface):
		t.choose(true)
	case n > 0:
	case server.lacks, len(server.bytes) >= frameHeader && !looksSettings(server.bytes), t.waits > maxHeld:
		t.choose(false)
	}
}

// choose ends the waiting and reads what was held back.
func (t *Timeline) choose(http2 bool) {
	t.chosen = true
	if http2 {
		t.startHTTP2(nil)
	}
	waiting := t.held
	t.held = nil
	for _, h := range waiting {
		if h.missing {
			t.Missing(h.side, h.at, h.n)
		} else {
			t.Data(h.side, h.at, h.p)
		}
	}
}

// looksSettings reports whether b begins with the header of a SETTINGS frame (RFC 9113 section 6.5) of sane length.
func looksSettings(b []byte) bool {
	return len(b) >= 9 && b[0] == 0 && b[1] == 0 && b[2]%6 == 0 && b[3] == 4 && b[4] == 0 && b[5]|b[6]|b[7]|b[8] == 0
}
