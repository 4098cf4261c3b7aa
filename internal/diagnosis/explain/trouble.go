package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// trouble is what stands out in a flow.
type trouble struct {
	text   string
	weight int // the more, the worse
}

// How much each kind of trouble weighs.
const (
	weightLow = 1 + iota
	weightSome
	weightMore
	weightHigh
	weightMost
)

// troubleOf is the worst in a flow, with an empty text for none.
func troubleOf(f *flow.Flow) trouble {
	var worst trouble
	take := func(weight int, text string) {
		if weight > worst.weight {
			worst = trouble{text, weight}
		}
	}
	t := teller{flow: f}
	for i := range f.Facts {
		x := &f.Facts[i]
		switch x.Kind {
		case fact.TCPClosed:
			t.ended[x.Side] = true
		case fact.TLSAlert:
			if x.Code == 0 {
				t.ended[x.Side] = true
				continue
			}
			take(weightHigh, "alert "+strconv.Itoa(x.Code)+" "+clean(x.Text)+" by the "+x.Side.String())
		case fact.TCPReset:
			if !t.ended[x.Side] && !t.over() {
				take(weightHigh, "reset by the "+x.Side.String())
			}
		default:
			if weight, text := factTrouble(x); weight > 0 {
				take(weight, text)
			}
		}
	}
	if f.Decisive >= 0 && f.Decisive < len(f.Facts) {
		x := &f.Facts[f.Decisive]
		take(weightMore, "the "+x.Side.String()+" silent for "+span(x.Size))
	}
	for _, x := range f.Exchanges {
		if h := x.Response.Head; h != nil && h.Status >= 500 {
			take(weightMore, strconv.Itoa(h.Status))
		}
		if x.Request.Head != nil && x.Response.Head == nil {
			take(weightSome, "a request without a response")
		}
	}
	return worst
}

// factTrouble says what a single fact means.
func factTrouble(x *fact.Fact) (weight int, text string) {
	side := x.Side.String()
	switch x.Kind {
	case fact.TLSHelloRequest:
		return weightLow, "HelloRequest"
	case fact.Silence:
		if x.Text == "tickets_or_data" {
			return weightSome, span(x.Size) + " of silence, the server's if it had not answered"
		}
	case fact.TLSHelloRequestAnswer:
		if x.Text != "complied" {
			return weightMost, "HelloRequest " + clean(x.Text)
		}
	case fact.TLSNotTLS:
		return weightHigh, "not TLS from the " + side
	case fact.TLSBadRecord:
		return weightHigh, "bad record of the " + side
	case fact.TLSRecordLost, fact.TCPGap:
		return weightSome, "the capture lacks bytes"
	case fact.HTTPCutShort:
		return weightHigh, "cut short in the " + clean(x.Text)
	case fact.HTTPBroken:
		return weightSome, "broken HTTP"
	case fact.HTTP2RstStream:
		if x.Code != 0 && x.Code != 8 {
			return weightMore, "RST_STREAM " + clean(x.Text)
		}
	case fact.HTTP2GoAway:
		if x.Code != 0 {
			return weightHigh, "GOAWAY " + clean(x.Text)
		}
	case fact.ICMPUnreachable:
		return weightHigh, "ICMP " + clean(x.Text)
	case fact.TCPFailed:
		return weightHigh, "connection failed"
	case fact.ProxyTunnel:
		if x.Code/100 != 2 {
			return weightHigh, "tunnel refused with " + strconv.Itoa(x.Code)
		}
	}
	return 0, ""
}
