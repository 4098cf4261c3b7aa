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

// sniff holds h back until the client's first bytes are, or are not, the preface of HTTP/2. A server of HTTP/2 may send its
// SETTINGS before them.
func (t *Timeline) sniff(h held) {
	h.p = bytes.Clone(h.p)
	t.held = append(t.held, h)
	t.waits += len(h.p) + 1
	if first := t.firstOf(fact.SideClient); len(first) > 0 || t.lacksStart(fact.SideClient) {
		switch {
		case t.lacksStart(fact.SideClient):
			t.choose(looksSettings(t.firstOf(fact.SideServer)))
		case len(first) >= len(preface):
			t.choose(string(first[:len(preface)]) == preface)
		case preface[:len(first)] != string(first):
			t.choose(false)
		}
		return
	}
	if first := t.firstOf(fact.SideServer); t.lacksStart(fact.SideServer) || len(first) >= 9 && !looksSettings(first) || t.waits > maxHeld {
		t.choose(false)
	}
}

// firstOf returns the first bytes of a side, as many as are of interest.
func (t *Timeline) firstOf(side fact.Side) (first []byte) {
	for i := range t.held {
		h := &t.held[i]
		switch {
		case h.side != side:
		case h.missing:
			return first
		case first == nil:
			first = h.p
		default:
			first = append(first[:len(first):len(first)], h.p...)
		}
		if len(first) >= len(preface) {
			break
		}
	}
	return first
}

// lacksStart reports whether the first that is known of a side is that bytes are missing.
func (t *Timeline) lacksStart(side fact.Side) bool {
	for i := range t.held {
		if t.held[i].side == side {
			return t.held[i].missing
		}
	}
	return false
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
