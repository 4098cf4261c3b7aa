package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// tcp tells what TCP, and what stands in front of TLS, did.
func (t *teller) tcp(r *row, f *fact.Fact) bool {
	switch f.Kind {
	case fact.TCPSyn, fact.TCPSynAck:
		r.name, r.level = map[fact.Kind]string{fact.TCPSyn: "SYN", fact.TCPSynAck: "SYN-ACK"}[f.Kind], routine
		if o, ok := f.Detail.(*fact.TCPOptions); ok && o.MSS > 0 {
			r.more = "MSS " + strconv.Itoa(o.MSS)
		}
	case fact.TCPConnected:
		r.name, r.more, r.level = "ACK", "connected, round trip "+span(f.Size), routine
		if f.Size == 0 {
			r.more = "connected"
		}
	case fact.TCPFailed:
		r.name, r.more, r.level = "connection failed", clean(f.Text), bad
	case fact.TCPMidstream:
		r.name, r.level = "the capture begins within the connection", warn
		r.more = when(fromMiddle(t.flow), "HTTP cannot be read from there")
	case fact.TCPClosed:
		r.name, r.level = "FIN", routine
		t.ended[f.Side] = true
	case fact.TCPReset:
		t.reset(r, f)
	case fact.TCPPortReused:
		r.form, r.name, r.level = note, "the same ports begin another connection", routine
	case fact.ICMPUnreachable:
		r.name, r.more, r.level = "ICMP", clean(f.Text), bad
	case fact.ProxyConnect:
		r.name, r.more = "CONNECT", clean(f.Text)
	case fact.ProxyTunnel:
		r.name, r.more = "tunnel opened", "status "+strconv.Itoa(f.Code)
		if f.Code/100 != 2 {
			r.name, r.level = "tunnel refused", bad
		}
	case fact.ProxyProtocol:
		r.name, r.more, r.level = "PROXY header", clean(f.Text), routine
	default:
		return t.segments(r, f)
	}
	return true
}

// segments tells what happened to single segments.
func (t *teller) segments(r *row, f *fact.Fact) bool {
	r.level, r.class = warn, f.Kind.String()+f.Side.String()
	switch f.Kind {
	case fact.TCPRetransmission:
		if f.Text == duplicated {
			return false // the header says it
		}
		r.name, r.more = retransmitted(f.Text)+" again", joined(", ", times(f.Code), ofBytes(f.Size))
	case fact.TCPOutOfOrder:
		r.name, r.more = "out of order", several(int64(max(f.Code, 1)), "segment")
	case fact.TCPOverlap:
		r.name, r.more, r.level = "overlapping segment", "says other bytes than one before it: "+several(f.Size, "byte"), bad
	case fact.TCPGap:
		r.form, r.level = note, bad
		r.name = "the capture lacks " + several(f.Size, "byte") + " of the " + f.Side.String() + gapMeans(f)
	case fact.TCPKeepAlive:
		r.name, r.more, r.level = "keep-alive probe", times(f.Code), routine
	case fact.TCPZeroWindow:
		r.name, r.more = "zero window", "the "+f.Side.String()+" can take no more"
	case fact.TCPWindowOpen:
		r.name, r.more = "window open again", "after "+span(f.Size)
	default:
		return false
	}
	return true
}

// reset tells a RST. Once the conversation is over it is one way to close.
func (t *teller) reset(r *row, f *fact.Fact) {
	r.name, r.level = "RST", bad
	if t.ended[f.Side] || t.over() {
		r.more, r.level = "after the end", routine
	} else if was, is := t.ttlOf(fact.TCPSynAck), ttl(f); f.Side == fact.SideServer && was != 0 && is != 0 && was != is {
		r.more = "TTL " + strconv.Itoa(is) + ", the SYN-ACK had " + strconv.Itoa(was)
	}
	t.ended[f.Side] = true
}

// ttlOf is the TTL of the first packet of this kind, 0 unknown.
func (t *teller) ttlOf(k fact.Kind) int {
	for i := range t.flow.Facts {
		if t.flow.Facts[i].Kind == k {
			return ttl(&t.flow.Facts[i])
		}
	}
	return 0
}

func ttl(f *fact.Fact) int {
	if o, ok := f.Detail.(*fact.TCPOptions); ok {
		return o.TTL
	}
	return 0
}

// over reports whether a side said that it closes, and no exchange is left open by that.
func (t *teller) over() bool {
	return (t.ended[fact.SideClient] || t.ended[fact.SideServer]) && wholeExchanges(t.flow)
}

func retransmitted(text string) string {
	switch text {
	case "syn":
		return "SYN"
	case "syn_ack":
		return "SYN-ACK"
	case "fin":
		return "FIN"
	}
	return "data"
}

func gapMeans(f *fact.Fact) string {
	switch f.Text {
	case "lost":
		return ", which the " + f.Side.Other().String() + " received"
	case "cut":
		return ": packets were captured in part (snaplen)"
	}
	return ""
}

// times is how often something came, "" for once.
func times(n int) string {
	if n < 2 {
		return ""
	}
	return grouped(int64(n)) + " times"
}

func ofBytes(n int64) string {
	if n <= 0 {
		return ""
	}
	return volume(n)
}

// fromMiddle reports whether there are data to read and HTTP was not made out, as its beginning is missing.
func fromMiddle(f *flow.Flow) bool {
	return f.Midstream && f.HTTP == "" && f.TLS != nil && f.TLS.Decrypted > 0
}
