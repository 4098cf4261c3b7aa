package httptimeline

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// requestHead notes a request's head and what follows it.
func (t *Timeline) requestHead(h *half, at fact.Stamp, b []byte, partial bool) {
	r, o := &t.raw, h.cur
	f, n, note := r.framing(false, "")
	authority, target := r.host, r.target
	if _, rest, ok := strings.Cut(r.target, "://"); ok {
		authority, _, _ = strings.Cut(rest, "/")
	} else if r.method == "CONNECT" {
		authority = r.target
	}
	h.msg.Head = t.headOf(line{
		proto: r.proto(), method: r.method, scheme: t.scheme(), authority: authority, target: target, length: r.announced(f),
	}, r.fields)
	h.msg.HeadSize, h.msg.HeadEnd, h.msg.Last = len(b), at, at
	o.method = h.msg.Head.Method
	if r.upgrades && r.upgrade != "" {
		o.upgradeTo = strings.ToLower(r.upgrade)
	}
	o.headers = headNotes{expect: r.expect && f != noBody, deflate: r.deflate}
	t.tell(fact.SideClient, at, fact.Fact{Kind: fact.RequestHead, Detail: h.msg.Head})
	t.faults(h, at, b, fact.SideClient, note, partial)
	if o.method == "CONNECT" && !partial {
		o.tunnel, h.state = true, inTunnel // until a response says otherwise
		return
	}
	t.bodyFollows(fact.SideClient, h, at, f, n, partial)
}

// faults says what is wrong with a head.
func (t *Timeline) faults(h *half, at fact.Stamp, b []byte, side fact.Side, note string, partial bool) {
	x := h.cur.x
	if !partial {
		if what := t.strictFault(b, side == fact.SideServer, h.cur.method); what != "" {
			t.broken(x, side, at, what)
		}
	}
	if note != "" {
		t.broken(x, side, at, note)
	}
	if t.raw.omitted > 0 {
		t.broken(x, side, at, strconv.Itoa(t.raw.omitted)+" fields beyond "+strconv.Itoa(maxFields)+" are not shown (RFC 9110 5.4)")
	}
}

// bodyFollows sets a side up for the body behind a head.
func (t *Timeline) bodyFollows(side fact.Side, h *half, at fact.Stamp, f framing, n int64, partial bool) {
	h.left = n
	switch {
	case partial || f == unclear:
		if partial {
			t.lack(&h.sink, h.msg, 0)
		}
		h.state, h.quiet = searching, true
	case f == noBody || f == fixed && n == 0:
		t.messageOver(side, h, at, true)
	case f == fixed:
		h.state = inFixed
	case f == chunked:
		h.state = inChunkSize
	default:
		h.state = inUntilClose
	}
}

// firstByte tells the first byte of a final response, once.
func (t *Timeline) firstByte(o *open, at fact.Stamp) {
	if !o.responding {
		o.responding = true
		t.tell(fact.SideServer, at, fact.Fact{Kind: fact.FirstByte, Code: int(o.x.Stream)})
	}
}

// responseHead notes a response's head and what follows it.
func (t *Timeline) responseHead(h *half, at fact.Stamp, b []byte, partial bool) {
	r, o := &t.raw, h.cur
	f, n, note := r.framing(true, o.method)
	head := t.headOf(line{proto: r.proto(), status: r.status, phrase: r.phrase, length: r.announced(f)}, r.fields)
	m := Message{Head: head, HeadSize: len(b), First: h.first, HeadEnd: at, Last: at}
	if interim(r.status) || r.status == 101 && o.upgradeTo == "" {
		t.interim(o, m, at)
		t.faults(h, at, b, fact.SideServer, "", partial)
		if r.status == 101 {
			t.broken(o.x, fact.SideServer, at, "101 that no request asked for (RFC 9110 15.2.2)")
		}
		h.state, h.cur = atStart, nil
		return
	}
	o.x.Response = m
	h.msg = &o.x.Response
	t.continued(o, at)
	t.firstByte(o, h.first)
	t.tell(fact.SideServer, at, fact.Fact{Kind: fact.ResponseHead, Code: r.status, Detail: head})
	t.faults(h, at, b, fact.SideServer, note, partial)
	switch {
	case r.status == 101:
		t.upgraded(o, at, r.upgrade, r.deflate)
	case o.method == "CONNECT" && r.status/100 == 2:
		t.upgraded(o, at, "CONNECT", false)
	default:
		t.refused(o, at)
		h.sink.lookAt(head)
		t.bodyFollows(fact.SideServer, h, at, f, n, partial)
	}
}

// interim reports whether status is that of a response before the final one.
func interim(status int) bool { return status >= 100 && status < 200 && status != 101 }

// interim notes a 1xx.
func (t *Timeline) interim(o *open, m Message, at fact.Stamp) {
	m.Complete = true
	if len(o.x.Interim) < maxInterim {
		o.x.Interim = append(o.x.Interim, m)
	}
	t.tell(fact.SideServer, at, fact.Fact{Kind: fact.ResponseInterim, Code: m.Head.Status, Detail: m.Head})
	if m.Head.Status == 100 {
		t.continued(o, at)
	}
}

// continued ends the wait of a client that held its body back for a 100 (RFC 9110 section 10.1.1).
func (t *Timeline) continued(o *open, at fact.Stamp) { t.heldBack(o, at, "answered") }

func (t *Timeline) heldBack(o *open, at fact.Stamp, how string) {
	if o.headers.expect {
		o.headers.expect = false
		if how == "gave_up" && at.At == o.x.Request.HeadEnd.At {
			return // it did not wait at all
		}
		t.tell(fact.SideClient, at, fact.Fact{Kind: fact.ContinueWaited, Code: int(o.x.Stream), Text: how, Size: at.At - o.x.Request.HeadEnd.At})
	}
}

// refused lets the client side of a CONNECT that got no tunnel speak HTTP again.
func (t *Timeline) refused(o *open, at fact.Stamp) {
	client := &t.h1.half[fact.SideClient]
	if o.method == "CONNECT" && client.cur == o && client.state == inTunnel {
		t.messageOver(fact.SideClient, client, at, true)
	}
}
