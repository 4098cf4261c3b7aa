package httptimeline

import "github.com/lunette-waf/lunette/internal/fact"

// Awaited says who is expected to send next and what: for naming silences. side is SideNone when nobody owes anything: an idle
// connection, a tunnel, a WebSocket, or no HTTP. The words: "request", "rest of the request head", "request body",
// "100-continue or body", "response", "rest of the response head", "rest of the response body", "window update", "nothing".
func (t *Timeline) Awaited() (side fact.Side, what string) {
	switch {
	case t.ended[fact.SideServer]:
		return fact.SideNone, nothing
	case t.h2 != nil:
		return t.h2.awaited()
	case !t.chosen && t.waits == 0:
		return fact.SideClient, "request"
	case t.proto == "" && t.h1.half[fact.SideClient].state != inHead:
		return fact.SideNone, nothing
	}
	return t.awaited1()
}

const nothing = "nothing"

func (t *Timeline) awaited1() (fact.Side, string) {
	client, server := &t.h1.half[fact.SideClient], &t.h1.half[fact.SideServer]
	if client.state == inHead {
		return fact.SideClient, "rest of the request head"
	}
	o := t.awaiting()
	if o == nil && len(t.h1.open) > 0 {
		o = t.h1.open[0]
	}
	switch {
	case o == nil, o.mayHaveCome(server), o.tunnel && o.x.Upgraded != "":
		return fact.SideNone, nothing
	case server.state == inHead, server.state == atStart && len(server.buf) > 0:
		return fact.SideServer, "rest of the response head"
	case server.cur == o && server.msg != nil:
		return fact.SideServer, "rest of the response body"
	case o.headers.expect && client.cur == o && o.x.Request.Size == 0:
		return fact.SideServer, "100-continue or body"
	case !o.reqDone && !o.tunnel && !t.ended[fact.SideClient]:
		return fact.SideClient, "request body"
	}
	return fact.SideServer, "response"
}

// mayHaveCome reports whether so many bytes are missing, or so strange ones came behind them, that the response may be among
// them. A few missing bytes are none: a lost record may have held something else than HTTP.
func (o *open) mayHaveCome(server *half) bool {
	const least = 64 // bytes of a response with a few fields
	return o.lost && (o.x.Response.Missing >= least || server.state == searching && len(server.buf) > 0)
}
