package httptimeline

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// upgraded turns both sides to what a 101, or a 2xx to CONNECT, agreed on (RFC 9110 sections 7.8 and 9.3.6).
func (t *Timeline) upgraded(o *open, at fact.Stamp, protocol string, deflate bool) {
	if protocol == "" {
		protocol = o.upgradeTo
	}
	client, server := &t.h1.half[fact.SideClient], &t.h1.half[fact.SideServer]
	protocol = strings.ToValidUTF8(protocol[:min(len(protocol), 64)], "?")
	o.tunnel, o.x.Upgraded = true, protocol
	t.tell(fact.SideServer, at, fact.Fact{Kind: fact.Upgraded, Text: protocol})
	next := inTunnel
	switch strings.ToLower(protocol) {
	case "h2c":
		server.cur, server.msg, server.state = nil, nil, atStart
		t.startHTTP2(o)
		return
	case "websocket":
		next = inWebSocket
		t.proto = "WebSocket"
		t.h1.ws = newWebSocket(o.x, deflate)
	}
	server.msg, server.state = &o.x.Response, next
	if client.cur != nil && client.cur != o { // requests behind the one that changed the protocol
		t.finish(&client.sink, client.msg, false)
	}
	client.cur, client.msg, client.state, client.buf = o, &o.x.Request, next, client.buf[:0]
	o.reqDone = true
}
