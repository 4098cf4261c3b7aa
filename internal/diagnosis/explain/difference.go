package explain

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// difference is one thing that is not the same in two flows.
type difference struct {
	What     string `json:"what"`
	Normal   string `json:"normal"`
	Abnormal string `json:"abnormal"`
}

// firstDifference puts the first difference that matters into words; ok is false when there is none.
func (c *comparison) firstDifference() (d difference, ok bool) {
	if c.first < 0 {
		return d, false
	}
	a, b := -1, -1 // the rows before it
	for _, p := range c.lines[:c.first] {
		if p.a >= 0 {
			a = p.a
		}
		if p.b >= 0 {
			b = p.b
		}
	}
	d.What = "at the start"
	if b >= 0 {
		r := &c.normal.rows[b]
		d.What = "after " + r.name + " (normal at " + seconds(r.at-c.normal.flow.Start.At) + ", abnormal at " +
			seconds(c.abnormal.rows[a].at-c.abnormal.flow.Start.At) + ")"
	}
	d.Normal, d.Abnormal = c.normal.next(b), c.abnormal.next(a)
	return d, true
}

// next says what a flow did after its row i.
func (t *told) next(i int) string {
	before := t.flow.Start.At
	spoke := fact.SideNone
	if i >= 0 {
		before, spoke = t.rows[i].at, t.rows[i].side
	}
	if i+1 >= len(t.rows) {
		return "nothing more"
	}
	r := &t.rows[i+1]
	if r.kind == fact.Silence {
		text := "the " + r.side.String() + " says nothing for " + span(r.length)
		if i+2 < len(t.rows) {
			then := &t.rows[i+2]
			text += ", then " + when(then.side != r.side, "the "+then.side.String()+" ") + "sends " + then.words()
		}
		return text
	}
	verb := " sends "
	if spoke != fact.SideNone && spoke != r.side {
		verb = " answers with "
	}
	if r.form == note {
		return r.words()
	}
	after := " after " + span(r.at-before)
	if r.at <= before {
		after = " at once"
		if i >= 0 && t.rows[i].frame == r.frame {
			after = " in the same packet"
		}
	}
	return "the " + r.side.String() + verb + r.words() + after
}

func (r *row) words() string {
	switch r.kind {
	case fact.Silence:
		return span(r.length) + " of silence"
	case fact.TLSEncryptedMessage:
		return "an encrypted handshake message"
	case fact.TLSClientHello, fact.TLSHelloRequest, fact.TLSCertificateRequest:
		return r.name
	case fact.TLSAlert, fact.TLSServerHello, fact.TLSCertificate, fact.HTTPCutShort, fact.TLSBadRecord, fact.TLSNotTLS:
		return joined(", ", r.name, r.more)
	}
	return r.name
}

// measures are what differs from run to run and seldom matters by itself.
func (c *comparison) measures() []difference {
	var out []difference
	n, a := c.normal.flow, c.abnormal.flow
	add := func(what, normal, abnormal string) {
		if normal != abnormal {
			out = append(out, difference{what, normal, abnormal})
		}
	}
	add("duration", span(n.End.At-n.Start.At), span(a.End.At-a.Start.At))
	add("round trip", span(n.RTT), span(a.RTT))
	add("bytes of the client", volume(n.Bytes[1]), volume(a.Bytes[1]))
	add("bytes of the server", volume(n.Bytes[2]), volume(a.Bytes[2]))
	for _, k := range []fact.Kind{fact.TCPRetransmission, fact.TCPOutOfOrder, fact.TCPGap, fact.TCPZeroWindow, fact.TLSNewSessionTicket, fact.TLSKeyUpdate} {
		add(strings.ReplaceAll(k.String(), "_", " "), grouped(countOf(n, k)), grouped(countOf(a, k)))
	}
	add("exchanges", strconv.Itoa(len(n.Exchanges)), strconv.Itoa(len(a.Exchanges)))
	return out
}

// countOf is how many of a kind there are, runs counted by their length.
func countOf(f *flow.Flow, k fact.Kind) int64 {
	n := int64(0)
	for i := range f.Facts {
		if x := &f.Facts[i]; x.Kind == k && x.Text != duplicated {
			n++
			if k == fact.TCPRetransmission || k == fact.TCPOutOfOrder {
				n += int64(max(x.Code-1, 0))
			}
		}
	}
	return n
}
