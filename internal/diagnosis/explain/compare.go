package explain

import (
	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// told is one flow as it is compared.
type told struct {
	c     *Capture
	index int // in c.Flows
	flow  *flow.Flow
	rows  []row // those with a key
}

// comparison is two flows set side by side.
type comparison struct {
	abnormal, normal told
	raw              bool // not both are decrypted: compared is what can be seen of both
	lines            []pairing
	first            int // index in lines of the first difference that matters, -1 for none
	matters          standing
}

// compare picks a flow of each capture and aligns them; ok is false when one has none.
func compare(abnormal, normal *Capture) (c comparison, ok bool) {
	a, n, ok := pick(abnormal, normal)
	if !ok {
		return c, false
	}
	c.abnormal, c.normal = told{c: abnormal, index: a, flow: abnormal.Flows[a]}, told{c: normal, index: n, flow: normal.Flows[n]}
	c.raw = sealed(c.abnormal.flow) || sealed(c.normal.flow)
	for _, t := range []*told{&c.abnormal, &c.normal} {
		t.rows = comparedRows(t.flow, c.raw)
	}
	c.lines = align(c.abnormal.rows, c.normal.rows)
	c.choose()
	return c, true
}

// standing says how much a difference matters.
type standing uint8

const (
	same    standing = iota
	closing          // how a connection that did its work was closed
	chosen           // the same messages, another version or suite: it may be the cause of what follows
	telling          // a message, a close or a silence that the other has not
)

// choose finds the first of the differences that matter most.
func (c *comparison) choose() {
	c.first, c.matters = -1, same
	for i, p := range c.lines {
		if s := c.standing(p); s > c.matters {
			c.first, c.matters = i, s
		}
	}
}

func (c *comparison) standing(p pairing) standing {
	switch {
	case p.a < 0:
		return alone(&c.normal.rows[p.b])
	case p.b < 0:
		return alone(&c.abnormal.rows[p.a])
	case c.abnormal.rows[p.a].sum == c.normal.rows[p.b].sum:
		return same
	case c.abnormal.rows[p.a].kind == fact.TLSServerHello:
		return chosen
	}
	return telling
}

// alone is how much it matters that one flow has a row and the other has not.
func alone(r *row) standing {
	if r.level == routine && (r.kind == fact.TCPClosed || r.kind == fact.TCPReset || r.kind == fact.TLSAlert) {
		return closing
	}
	return telling
}

// sealed reports whether a flow hides what it says.
func sealed(f *flow.Flow) bool {
	return f.TLS != nil && f.TLS.Why != decrypt.WhyNot && f.TLS.Why != decrypt.WhyNoHandshake
}

// comparedRows are the rows of a flow that have a key. Of TLS 1.3 that is not decrypted on both sides only the hellos can be compared.
func comparedRows(f *flow.Flow, raw bool) []row {
	hellos := raw && f.TLS != nil && f.TLS.Version == 0x0304
	var out []row
	for _, r := range rowsOf(f, raw, sinceStart(f)) {
		if r.key == "" || hellos && hiddenIn13(r.kind) {
			continue
		}
		joins := r.kind == fact.TLSApplicationData || r.kind == fact.TLSEncryptedMessage
		if n := len(out); n > 0 && joins && out[n-1].key == r.key { // how many records there are says nothing
			continue
		}
		out = append(out, r)
	}
	return out
}

// hiddenIn13 are the kinds that only keys show in TLS 1.3 (RFC 8446 section 2).
func hiddenIn13(k fact.Kind) bool {
	switch k {
	case fact.TLSClientHello, fact.TLSServerHello, fact.TLSHelloRetryRequest:
		return false
	}
	return k >= fact.TLSClientHello && k <= fact.TLSApplicationData
}
