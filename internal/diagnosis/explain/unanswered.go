package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// unanswered is a request whose response never came; nothing is said where it may have come and could not be read.
func unanswered(f *flow.Flow) (verdict, bool) {
	lacking, line, reset := 0, "", streamsReset(f)
	for _, x := range f.Exchanges {
		if h := x.Request.Head; h != nil && x.Response.Head == nil && !reset[x.Stream] {
			if lacking++; lacking == 1 {
				line = joined(" ", clean(h.Method), cut(clean(h.Target), 40))
			}
		}
	}
	if lacking == 0 || !serverReadable(f) {
		return verdict{}, false
	}
	if lacking > 1 {
		line = several(int64(lacking), "request")
	}
	at, end := ending(f)
	short := "a request without a response"
	if lacking > 1 {
		short = several(int64(lacking), "request") + " without a response"
	}
	return verdict{after: at, text: line + " got no response: " + end, short: short, weight: weightSome, bad: true}, true
}

// ending is where and how a connection ended.
func ending(f *flow.Flow) (at int, how string) {
	for i := range f.Facts {
		x := &f.Facts[i]
		who := "the " + x.Side.String()
		switch {
		case x.Kind == fact.TCPClosed:
			return i, who + " closes the connection"
		case x.Kind == fact.TCPReset:
			return i, who + " resets the connection"
		case x.Kind == fact.TLSAlert && x.Code != 0 && x.Size == 2:
			return i, who + " breaks off with alert " + strconv.Itoa(x.Code)
		}
	}
	return len(f.Facts) - 1, "the capture ends"
}

// streamsReset are the streams of HTTP/2 that were reset, which has a row of its own.
func streamsReset(f *flow.Flow) map[uint32]bool {
	var out map[uint32]bool
	for i := range f.Facts {
		if d, ok := f.Facts[i].Detail.(*fact.HTTP2Frame); ok && f.Facts[i].Kind == fact.HTTP2RstStream {
			if out == nil {
				out = map[uint32]bool{}
			}
			out[d.Stream] = true
		}
	}
	return out
}

// serverReadable reports whether everything that the server sent could be read.
func serverReadable(f *flow.Flow) bool {
	sealed := false
	for i := range f.Facts {
		x := &f.Facts[i]
		switch x.Kind {
		case fact.TLSUndecryptable:
			sealed = sealed || x.Side != fact.SideClient
		case fact.TLSDecryptable:
			sealed = false
		case fact.TLSApplicationData:
			if sealed && x.Side == fact.SideServer {
				return false
			}
		case fact.TLSRecordLost, fact.TCPGap, fact.TLSBadRecord:
			if x.Side == fact.SideServer {
				return false
			}
		}
	}
	return true
}
