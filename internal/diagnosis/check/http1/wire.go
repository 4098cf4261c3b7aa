package http1

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ended is a request that was pending when the origin ended the connection.
type ended struct {
	*check.Pending
	at int // the end, -1 where only the attempt's reason tells it
}

// endedBy is the pending request whose connection the server ended in one of these ways, or an attempt with one of these reasons.
func endedBy(c *check.Case, codes []reason.Code, kinds ...fact.Kind) *ended {
	f := c.Flow
	p := f.Pending()
	told := slices.Contains(codes, f.Reason)
	if p == nil {
		if at := f.Last(fact.RequestSent); told && at >= 0 && !f.Has(fact.ResponseHead) {
			p = &check.Pending{At: at, Sure: true, First: !f.Has(fact.ConnReused), Whole: true}
		}
	}
	if p == nil || f.Handshaken(p.At) || f.Has(fact.HTTPCutShort) && cutHead(f) >= 0 {
		return nil
	}
	e := f.EndAfter(p.At)
	if e.At >= 0 && e.Side == fact.SideServer && slices.Contains(kinds, e.How) {
		if heard := f.Heard(fact.SideServer, p.At); f.Version() >= 0x0304 && p.Exchange == nil && heard >= 0 && heard < e.At {
			return nil // that may have been an answer
		}
		return &ended{p, e.At}
	}
	if told {
		return &ended{p, -1}
	}
	return nil
}

// cutHead is where the head of an answer broke off, -1 for nowhere.
func cutHead(f *check.Flow) int {
	return f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.HTTPCutShort && x.Side == fact.SideServer && x.Text == "head"
	})
}

// proven lowers what rests on bytes that the capture lacks, or that the watching missed.
func proven(f *check.Flow) bool {
	return !f.Has(fact.TCPGap, fact.TLSRecordLost, fact.TCPMidstream, fact.TLSBadRecord)
}

// brokenBy is the first HTTPBroken of a side that is wanted by its text, -1 without. What RFC 9113 speaks of is not looked at.
func brokenBy(f *check.Flow, s fact.Side, i int, wanted func(text string) bool) int {
	return f.Find(i, func(x *fact.Fact) bool {
		return x.Kind == fact.HTTPBroken && x.Side == s && !strings.Contains(x.Text, "RFC 9113") && wanted(x.Text)
	})
}

// exchangeAt is the exchange that a fact of the server belongs to: the last one that had begun. nil without.
func exchangeAt(f *check.Flow, i int) *check.Exchange {
	all := f.Exchanges()
	for n := len(all) - 1; n >= 0; n-- {
		if at := all[n].RequestAt; at >= 0 && at <= i {
			return &all[n]
		}
	}
	return nil
}

// lineAt is its request line.
func lineAt(f *check.Flow, i int) string {
	if x := exchangeAt(f, i); x != nil {
		return x.Line()
	}
	return "the request"
}

// endName says who ended a connection, and how.
func endName(e check.End) string {
	who := "the " + e.Side.String()
	switch e.How {
	case fact.TCPReset:
		return who + " reset the connection"
	case fact.TCPClosed:
		return who + " closed the connection"
	case fact.TLSAlert:
		return who + " closed the TLS connection"
	case fact.GaveUp:
		return e.GaveUpWords()
	}
	return "the watching ended"
}

// headBytes is about how many bytes the head of a request takes, from its fields; masked values count as they stand.
func headBytes(h *fact.HTTPHead) int {
	if h == nil {
		return 0
	}
	n := len(h.Method) + len(h.Target) + len(" HTTP/1.1\r\n") + 2
	for i := range h.Fields {
		n += len(h.Fields[i].Name) + len(h.Fields[i].Value) + 4
	}
	return n
}

// sentBytes is how much the client sent for an exchange as far as records or the attempt count it, else the size of its head.
func sentBytes(f *check.Flow, x *check.Exchange) int64 {
	n := int64(headBytes(x.Request))
	if x.RequestAt < 0 {
		return n
	}
	at := x.RequestAt
	if f.Facts[at].Kind == fact.RequestSent {
		return max(n, f.Facts[at].Size)
	}
	if i := f.Find(max(at-3, -1), func(y *fact.Fact) bool { return y.Kind == fact.TLSApplicationData && y.Side == fact.SideClient }); i >= 0 && i <= at+1 {
		n = max(n, f.Facts[i].Size)
	}
	return n
}
