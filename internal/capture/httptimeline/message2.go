package httptimeline

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// request takes a request's head.
func (c *http2) request(st *stream, side fact.Side, at fact.Stamp, b *block, fields []field) {
	var p pseudo
	regular, what := p.split(fields, false)
	if what == "" && !b.holes {
		what = p.checkRequest()
	}
	authority := p.authority
	if authority == "" {
		authority = get(regular, "host")
	}
	length := announced2(regular, b.endStream)
	m := &st.x.Request
	m.Head = c.t.headOf(line{
		stream: st.id, proto: "HTTP/2", method: p.method, scheme: p.scheme, authority: authority, target: p.path, length: length,
	}, regular)
	m.HeadSize, m.First, m.HeadEnd, m.Last = b.size, b.first, at, at
	st.headSeen[fact.SideClient] = true
	st.method = m.Head.Method
	st.upgradeTo = strings.ToLower(p.protocol)
	if st.method == "CONNECT" {
		st.tunnel = p.protocol == "" || st.upgradeTo != "websocket"
	}
	st.headers.expect = !b.endStream && strings.EqualFold(get(regular, "expect"), "100-continue")
	c.t.tell(side, at, fact.Fact{Kind: fact.RequestHead, Detail: m.Head})
	if what != "" {
		c.t.broken(st.x, side, at, what)
	}
}

// response takes a response's head.
func (c *http2) response(st *stream, at fact.Stamp, b *block, fields []field) {
	var p pseudo
	regular, what := p.split(fields, false)
	if what == "" && !b.holes {
		what = p.checkResponse()
	}
	length := announced2(regular, b.endStream || interim(p.code()))
	head := c.t.headOf(line{stream: st.id, proto: "HTTP/2", status: p.code(), length: length}, regular)
	m := Message{Head: head, HeadSize: b.size, First: b.first, HeadEnd: at, Last: at}
	if interim(head.Status) && !b.endStream {
		c.t.interim(st.open, m, at)
	} else {
		st.x.Response = m
		st.headSeen[fact.SideServer] = true
		c.t.continued(st.open, at)
		c.t.firstByte(st.open, b.first)
		c.t.tell(fact.SideServer, at, fact.Fact{Kind: fact.ResponseHead, Code: head.Status, Detail: head})
		st.sink[fact.SideServer].lookAt(head)
		if st.method == "CONNECT" && head.Status/100 == 2 {
			c.connected(st, at, regular)
		}
	}
	if what != "" {
		c.t.broken(st.x, fact.SideServer, at, what)
	}
}

// connected turns a stream to what CONNECT asked for (RFC 9113 section 8.5, RFC 8441 section 4).
func (c *http2) connected(st *stream, at fact.Stamp, fields []field) {
	st.x.Upgraded = "CONNECT"
	if st.upgradeTo != "" {
		st.x.Upgraded = st.upgradeTo
	}
	if st.upgradeTo == "websocket" {
		st.ws = newWebSocket(st.x, strings.Contains(get(fields, "sec-websocket-extensions"), "permessage-deflate"))
	}
	c.t.tell(fact.SideServer, at, fact.Fact{Kind: fact.Upgraded, Code: int(st.id), Text: st.x.Upgraded})
}
