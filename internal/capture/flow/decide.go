package flow

import "github.com/lunette-waf/lunette/internal/fact"

// hold returns where the first bytes wait.
func (b *Builder) hold() *front {
	if b.front == nil {
		b.front = &front{holes: b.conn.Midstream}
	}
	return b.front
}

// waits keeps first bytes, as long as there is room for them.
func (b *Builder) waits(side fact.Side, at fact.Stamp, p []byte) {
	f := b.hold()
	room := b.stages.cfg.Budget.Take(len(p) + pieceCost)
	if room {
		f.taken += len(p) + pieceCost
	}
	f.add(side, at, p, 0)
	b.decide(!room)
	if !room && b.mode == undecided {
		b.settle(inUnknown)
	}
}

// decide looks at what is held and, once it is clear what it is, hands it on. final: no more is coming, or none that fits.
func (b *Builder) decide(final bool) {
	f := b.front
	client, server := &f.side[fact.SideClient], &f.side[fact.SideServer]
	if !f.proxied && !b.stripProxyHeader(final) {
		return
	}
	g := guessBoth(client.buf, server.buf, f.serverFirst())
	if g == other && f.holes {
		g = f.guessMiddle(final)
	}
	switch {
	case g == tlsRecords:
		b.settle(inTLS)
	case g == httpMessage:
		b.settle(inClear)
	case g == connect && len(client.buf) <= mostHeld && !final:
		b.connect()
	case g == connect:
		b.settle(inClear)
	case g == other || final || len(client.buf)+len(server.buf) > mostHeld:
		if len(client.buf)+len(server.buf) > 0 {
			b.settle(inUnknown)
		}
	}
}

// guessBoth is what the first bytes of both sides are. The client's count first: a server that speaks first speaks another protocol, but
// a client that takes it for one of TLS is what is to be told then.
func guessBoth(client, server []byte, serverFirst bool) guess {
	g := unclear
	if len(client) > 0 {
		g = sniffClient(client)
	}
	if serverFirst && (g == httpMessage || g == connect) && sniffServer(server) == other {
		return other
	}
	if len(server) > 0 && (g == other || len(client) == 0) {
		switch s := sniffServer(server); {
		case s == tlsRecords || s == httpMessage:
			return s
		case len(client) == 0 && s != other:
			g = s
		}
	}
	return g
}

// guessMiddle is what a connection is of which the start is missing: where the first bytes are text, HTTP may follow; else TLS may.
func (f *front) guessMiddle(final bool) guess {
	const enough = 64 // bytes of both sides, the first that came
	client, server := f.side[fact.SideClient].buf, f.side[fact.SideServer].buf
	over := len(client) + len(server) - enough
	switch {
	case over < 0 && !final:
		return unclear
	case over > 0 && f.latest == fact.SideClient:
		client = client[:len(client)-over]
	case over > 0:
		server = server[:len(server)-over]
	}
	if isText(client) && isText(server) {
		return httpMessage
	}
	return tlsRecords
}

// stripProxyHeader takes a PROXY protocol header off. It returns false while it is not clear whether there is one.
func (b *Builder) stripProxyHeader(final bool) bool {
	client := &b.front.side[fact.SideClient]
	n, text, more := proxyHeader(client.buf)
	if more && !final {
		return false
	}
	if len(client.buf) > 0 {
		b.front.proxied = true
	}
	if n > 0 {
		at := client.drop(n)
		b.tell(&fact.Fact{Kind: fact.ProxyProtocol, At: at.Time(), Frame: at.Frame, Side: fact.SideClient, Size: int64(n), Text: text})
	}
	return true
}

// connect follows a CONNECT request and its answer; what comes after a 2xx is looked at anew.
func (b *Builder) connect() {
	client, server := &b.front.side[fact.SideClient], &b.front.side[fact.SideServer]
	asked := client.head()
	if asked == 0 {
		return
	}
	if target := connectTarget(client.buf[:asked]); !b.front.asked {
		b.front.asked = true
		b.flow.Tunnel = target
		at := client.first()
		b.tell(&fact.Fact{Kind: fact.ProxyConnect, At: at.Time(), Frame: at.Frame, Side: fact.SideClient, Text: target})
	}
	answered := server.head()
	switch {
	case len(server.buf) > 0 && sniffResponse(server.buf) == other, answered == 0 && len(server.buf) > mostHeld:
		b.settle(inClear)
		return
	case answered == 0:
		return
	}
	at, code := server.first(), statusOf(server.buf[:answered])
	b.tell(&fact.Fact{Kind: fact.ProxyTunnel, At: at.Time(), Frame: at.Frame, Side: fact.SideServer, Code: code})
	if code/100 != 2 {
		b.flow.Tunnel = ""
		b.settle(inClear)
		b.denied = true
		return
	}
	client.drop(asked)
	server.drop(answered)
	b.front.asked = false
	if len(client.buf)+len(server.buf) > 0 {
		b.decide(false)
	}
}

// settle ends the waiting: the connection carries m.
func (b *Builder) settle(m mode) {
	f := b.front
	if m == inUnknown && b.http != nil {
		m = inClear // after a CONNECT that was refused
	}
	b.front, b.mode = nil, m
	b.stages.cfg.Budget.Give(f.taken)
	switch m {
	case inTLS:
		b.flow.Protocol = ProtocolTLS
		b.startTLS(f.holes)
	case inClear:
		b.startClear(f)
	default:
		b.flow.Protocol = ProtocolUnknown
	}
	f.replay(b)
}
