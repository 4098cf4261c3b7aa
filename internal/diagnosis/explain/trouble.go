package explain

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// trouble is what stands out in a flow.
type trouble struct {
	text   string
	weight int    // the more, the worse
	first  string // of text, the worst one
}

// How much each kind of trouble weighs.
const (
	weightLow = 1 + iota
	weightSome
	weightMore
	weightHigh
	weightMost
)

// mostNamed is how many troubles of a flow are named.
const mostNamed = 3

// troubleOf is what stands out most in a flow, the worst first, with an empty text for nothing. Its weight is that of the worst.
func troubleOf(f *flow.Flow) trouble {
	all := troubles(f)
	if len(all) == 0 {
		return trouble{}
	}
	slices.SortStableFunc(all, func(a, b trouble) int { return cmp.Compare(b.weight, a.weight) })
	text := all[0].text
	for _, t := range all[1:min(len(all), mostNamed)] {
		if t.weight > weightLow {
			text += ", " + t.text
		}
	}
	return trouble{text, all[0].weight, all[0].text}
}

// troubles are all in a flow, each text once, in order of time.
func troubles(f *flow.Flow) []trouble {
	var all []trouble
	take := func(weight int, text string) {
		if weight > 0 && !slices.ContainsFunc(all, func(t trouble) bool { return t.text == text }) && len(all) < 64 {
			all = append(all, trouble{text: text, weight: weight})
		}
	}
	if v, ok := neverConnected(f); ok {
		return []trouble{{text: v.short, weight: v.weight}}
	}
	factTroubles(f, take)
	if f.Decisive >= 0 && f.Decisive < len(f.Facts) {
		x := &f.Facts[f.Decisive]
		take(weightMore, "the "+x.Side.String()+" silent for "+span(x.Size))
	}
	for _, x := range f.Exchanges {
		if h := x.Response.Head; h != nil && h.Status >= 500 {
			take(weightMore, strconv.Itoa(h.Status))
		}
	}
	for _, v := range verdicts(f) {
		take(v.weight, v.short)
	}
	for _, s := range []fact.Side{fact.SideClient, fact.SideServer} {
		if n, percent := resent(f, s); n >= manySegments && percent >= manyPercent {
			take(weightSome, "the "+s.String()+" sent "+strconv.FormatInt(percent, 10)+" % again")
		}
	}
	return all
}

// factTroubles are those that single facts show.
func factTroubles(f *flow.Flow, take func(weight int, text string)) {
	t := teller{flow: f}
	for i := range f.Facts {
		x := &f.Facts[i]
		switch x.Kind {
		case fact.TCPClosed:
			t.ended[x.Side] = true
		case fact.TLSCertificate:
			weight := weightSome
			if wentOn(f) {
				weight = weightLow
			}
			for _, text := range t.faults(x) {
				take(weight, text)
			}
		case fact.TLSAlert:
			if x.Code == 0 {
				t.ended[x.Side] = true
				continue
			}
			weight := weightHigh
			if t.ended[x.Side.Other()] {
				weight = weightSome // about the close, as a rule
			}
			take(weight, "alert "+strconv.Itoa(x.Code)+" "+clean(x.Text)+" by the "+x.Side.String()+when(t.alertMeans(x) != "", ": "+t.alertMeans(x)))
			t.ended[x.Side] = t.ended[x.Side] || x.Size == 2 // its reset says no more
		case fact.TCPReset:
			if !t.ended[x.Side] && !t.over() {
				take(weightHigh, "reset by the "+x.Side.String())
			}
		default:
			weight, text := factTrouble(x)
			take(weight, text)
		}
	}
}

// wentOn reports whether the client sent data: it took the certificate that it was shown.
func wentOn(f *flow.Flow) bool {
	return slices.ContainsFunc(f.Facts, func(x fact.Fact) bool { return x.Kind == fact.TLSApplicationData && x.Side == fact.SideClient })
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
