package httptimeline

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/fact"
)

// tell hands on f as something that side did at a place of the capture.
func (t *Timeline) tell(side fact.Side, at fact.Stamp, f fact.Fact) {
	if t.cfg.Fact == nil {
		return
	}
	f.Side, f.At, f.Frame = side, at.Time(), at.Frame
	t.cfg.Fact(f)
}

// broken says what side did that no RFC allows; x is the exchange that it belongs to, or nil.
func (t *Timeline) broken(x *Exchange, side fact.Side, at fact.Stamp, what string) {
	if x == nil {
		x = t.last
	}
	stream := 0
	switch {
	case x == nil && t.stray == maxStray:
		return
	case x == nil:
		t.stray++
	case len(x.Broken) == maxBroken:
		return
	case len(x.Broken) == maxBroken-1:
		what, stream = "more is broken than is told here", int(x.Stream)
		x.Broken = append(x.Broken, what)
	default:
		stream = int(x.Stream)
		x.Broken = append(x.Broken, what)
	}
	t.tell(side, at, fact.Fact{Kind: fact.HTTPBroken, Code: stream, Text: what})
}

// cutShort says that a message ended within its head or body; lacks is how many body bytes were missing, 0 when unknown.
func (t *Timeline) cutShort(x *Exchange, side fact.Side, at fact.Stamp, where string, lacks int64) {
	t.tell(side, at, fact.Fact{Kind: fact.HTTPCutShort, Code: int(x.Stream), Text: where, Size: lacks})
}

// quoteLimit bounds what is quoted of bytes that should not be there.
const quoteLimit = 32

// quoted is quote for what may hold credentials.
func (t *Timeline) quoted(b []byte) string {
	if t.cfg.Unmask {
		return quote(b)
	}
	return t.mask.Text(quote(b))
}

// quote returns the start of b in quotes, ASCII only.
func quote(b []byte) string {
	if len(b) > quoteLimit {
		return strconv.QuoteToASCII(string(b[:quoteLimit])) + "..."
	}
	return strconv.QuoteToASCII(string(b))
}
