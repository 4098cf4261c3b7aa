package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// http tells requests, responses and what went wrong with them.
func (t *teller) http(r *row, f *fact.Fact) bool {
	head, _ := f.Detail.(*fact.HTTPHead)
	switch f.Kind {
	case fact.RequestHead:
		if head == nil {
			return false
		}
		t.requestHead(r, head)
	case fact.ResponseHead:
		if head == nil {
			return false
		}
		t.responseHead(r, head)
	case fact.RequestDone, fact.ResponseDone:
		return t.bodyDone(r, f)
	case fact.ResponseInterim:
		r.name = "interim response " + strconv.Itoa(f.Code)
		if head != nil {
			r.more = clean(head.Phrase)
		}
	case fact.HTTPBroken:
		r.form, r.name, r.more, r.level, r.class = note, "broken HTTP of the "+f.Side.String(), clean(f.Text), bad, "broken"
	case fact.HTTPCutShort:
		r.form, r.name, r.level = note, "the "+f.Side.String()+"'s message is cut short in the "+clean(f.Text), bad
		r.more = when(f.Size > 0, several(f.Size, "byte")+" are lacking")
	case fact.HTTPCoding:
		r.form, r.name, r.level = note, "the body of the "+f.Side.String()+" does not begin as its Content-Encoding says", bad
		r.more = joined(", ", clean(f.Text), "seen in "+several(f.Size, "byte"))
	case fact.ContinueWaited:
		r.form, r.name, r.level = note, "the body was held back for a 100 (Continue) for "+span(f.Size), routine
		if f.Text == "gave_up" {
			r.more, r.level = "none came", warn
		}
	case fact.Upgraded:
		r.name, r.more = "upgraded", clean(f.Text)
	case fact.WebSocketMessages:
		r.name, r.more, r.class = "WebSocket", several(int64(f.Code), clean(f.Text)+" message")+", "+several(f.Size, "byte"), "websocket"
	case fact.WebSocketClose:
		r.name, r.more = "WebSocket close", joined(" ", strconv.Itoa(f.Code), clean(f.Text))
	default:
		return t.http2(r, f)
	}
	return true
}

// longBody is how many nanoseconds behind its head the end of a body has a row of its own.
const longBody = 100e6

// bodyDone tells the end of a body that took long.
func (t *teller) bodyDone(r *row, f *fact.Fact) bool {
	x := t.open[uint32(f.Code)]
	if x == nil || f.Size == 0 {
		return false
	}
	m := &x.Response
	if f.Kind == fact.RequestDone {
		m = &x.Request
	}
	took := r.at - m.HeadEnd.At
	r.name, r.more, r.level = "end of the body", volume(f.Size)+", "+span(took)+" after its head", routine
	return m.HeadEnd.At != 0 && took >= longBody
}

// http2 tells frames of a connection (RFC 9113 section 6).
func (t *teller) http2(r *row, f *fact.Fact) bool {
	d, _ := f.Detail.(*fact.HTTP2Frame)
	if d == nil {
		d = &fact.HTTP2Frame{}
	}
	stream := when(d.Stream != 0, "stream "+strconv.FormatUint(uint64(d.Stream), 10))
	switch f.Kind {
	case fact.HTTP2Settings:
		r.name, r.level, r.more = "SETTINGS", routine, clean(few(d.Settings, 4))
		if d.Ack {
			r.more = "acknowledged"
		}
	case fact.HTTP2GoAway:
		r.name, r.more = "GOAWAY", joined(", ", clean(f.Text), "last stream "+strconv.FormatUint(uint64(d.LastStream), 10), clean(d.Debug))
		if f.Code != 0 {
			r.level = bad
		}
	case fact.HTTP2RstStream:
		r.name, r.more, r.class = "RST_STREAM", joined(", ", clean(f.Text), stream), "rst_stream"+f.Side.String()
		if r.level = bad; f.Code == 0 || f.Code == 8 { // NO_ERROR, CANCEL
			r.level = warn
		}
	case fact.HTTP2FlowBlocked:
		r.name, r.more, r.level = "no window left", joined(", ", "for "+span(f.Size), stream), warn
	default:
		return false
	}
	return true
}

func (t *teller) requestHead(r *row, h *fact.HTTPHead) {
	x := t.exchanges[h]
	r.exchange, r.name, r.more = x, requestLine(h), streamOf(h)
	if x == nil {
		return
	}
	t.asked, t.open[h.Stream] = x, x
	if x.Request.Size > 0 {
		r.more = joined(", ", "with "+bodyOf(&x.Request), lacking(&x.Request), r.more)
	}
}

func (t *teller) responseHead(r *row, h *fact.HTTPHead) {
	x := t.exchanges[h]
	r.exchange, r.name, r.more = x, statusLine(h), streamOf(h)
	r.level = statusLevel(h.Status)
	if x == nil {
		return
	}
	if t.open[x.Stream] = x; t.asked == x {
		t.asked = nil
	}
	r.more = joined(", ", received(x), when(x.Stream != 0, "stream "+strconv.FormatUint(uint64(x.Stream), 10)))
}

func requestLine(h *fact.HTTPHead) string {
	return joined(" ", clean(h.Method), clean(h.Target), clean(h.Proto))
}

func statusLine(h *fact.HTTPHead) string {
	return joined(" ", strconv.Itoa(h.Status), clean(h.Phrase))
}

func streamOf(h *fact.HTTPHead) string {
	if h.Stream == 0 {
		return ""
	}
	return "stream " + strconv.FormatUint(uint64(h.Stream), 10)
}

func statusLevel(status int) level {
	switch {
	case status >= 500:
		return bad
	case status >= 400:
		return warn
	}
	return usual
}

// bodyOf says how much of a body there was, and of one that is not whole how much was announced.
func bodyOf(m *httptimeline.Message) string {
	switch {
	case m.Complete && m.Size == 0 && m.Missing == 0:
		return ""
	case m.Complete && m.Missing == 0:
		return volume(m.Size)
	}
	whole := "it"
	if m.Head != nil && m.Head.Length > m.Size {
		whole = volume(m.Head.Length)
	}
	return volume(m.Size) + " of " + whole
}

// lacking says what of a body was sent and could not be read.
func lacking(m *httptimeline.Message) string {
	return when(m.Missing > 0, "the capture lacks "+volume(m.Missing))
}

// received says how much of a response came, and when: of one that is not whole when it began, too.
func received(x *httptimeline.Exchange) string {
	q, p := &x.Request, &x.Response
	if p.Complete || p.Size == 0 || q.Last.At == 0 || p.First.At == 0 || p.Last.At == 0 {
		return joined(", ", bodyOf(p), lacking(p), took(x))
	}
	return joined(", ", "after "+span(p.First.At-q.Last.At)+"; "+bodyOf(p)+when(p.Last.At > p.First.At, " in "+span(p.Last.At-p.First.At)), lacking(p))
}

// took says how long an exchange lasted: from the first byte of the request to the last of the response.
func took(x *httptimeline.Exchange) string {
	if x.Request.First.At == 0 || x.Response.Last.At == 0 {
		return ""
	}
	return "in " + span(x.Response.Last.At-x.Request.First.At)
}

// wholeExchanges reports whether every request of a flow got its whole response.
func wholeExchanges(f *flow.Flow) bool {
	for _, x := range f.Exchanges {
		if !x.Response.Complete && x.Upgraded == "" {
			return false
		}
	}
	return true
}
