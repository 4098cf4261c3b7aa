package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/fact"
)

// orient makes the client half 0: the sender of direction d when it is sender, else the other. It returns what d is then.
func (t *Tracker) orient(c *conn, d int, sender bool) int {
	if sender == (d == 0) {
		return d
	}
	i := &c.info
	i.Client, i.Server = i.Server, i.Client
	i.Packets[1], i.Packets[2] = i.Packets[2], i.Packets[1]
	i.Bytes[1], i.Bytes[2] = i.Bytes[2], i.Bytes[1]
	c.half[0], c.half[1] = c.half[1], c.half[0]
	return d ^ 1
}

// start opens c, whose roles are known.
func (t *Tracker) start(c *conn) {
	if c.h = t.open(&c.info); c.h == nil {
		c.h = discard{}
	}
	if c.reused {
		t.tell(c, 0, c.info.Start, fact.Fact{Kind: fact.TCPPortReused})
	}
	if c.info.Midstream {
		at := c.info.Start
		c.h.Fact(fact.Fact{Kind: fact.TCPMidstream, Conn: c.info.ID, At: at.Time(), Frame: at.Frame})
	}
	for d := range c.half {
		if p := &c.half[d]; p.over != fact.None {
			t.tell(c, d, p.overAt, fact.Fact{Kind: p.over})
		}
	}
}

// begin opens c when no SYN did, and says where its streams begin when no SYN said. False: that was known.
func (t *Tracker) begin(c *conn) bool {
	changed := c.h == nil
	if changed {
		c.info.Midstream = true
		t.orient(c, c.guessClient(), true)
		t.start(c)
	}
	for d := range c.half {
		p := &c.half[d]
		if p.anchored || !p.known && p.over == fact.None {
			continue
		}
		if c.info.Midstream {
			t.dropKeepAlive(c, p)
		}
		if off := c.firstByte(p); off != 0 {
			p.anchor(off)
			changed = true
		}
	}
	return changed
}

// firstByte is where the stream of p, whose SYN is missing, begins. After the other side's SYN every number seen is of the
// connection's beginning; else what the other side acknowledges may lie before the capture.
func (c *conn) firstByte(p *half) int64 {
	var first int64
	if live := p.live(); len(live) > 0 {
		first = live[0].off
	} else if p.over == fact.TCPClosed {
		first = p.overOff
	}
	own := p.low
	if own != 0 && c.info.Midstream {
		own = max(own, p.ackLow) // a keep-alive stands one lower
	}
	if own != 0 {
		first = lowest(first, own)
	}
	if p.ackLow != 0 && (first == 0 || !c.info.Midstream) {
		first = lowest(first, p.ackLow)
	}
	return first
}

// dropKeepAlive takes away the byte of a keep-alive in front of the stream: one zero that was acknowledged before.
func (t *Tracker) dropKeepAlive(c *conn, p *half) {
	live := p.live()
	if len(live) == 0 || live[0].end-live[0].off != 1 || len(live[0].data) != 1 || live[0].data[0] != 0 || p.ackLow != live[0].end {
		return
	}
	s := p.pop()
	t.drop(c, s.buf)
	t.pool.freePiece(s.piece)
	t.tidy(p)
}

// guessClient says which half is the client's by what is said first, else by the ports.
func (c *conn) guessClient() int {
	for d := range c.half {
		if live := c.half[d].live(); len(live) > 0 {
			if asks(live[0].data) {
				return d
			}
			if answers(live[0].data) {
				return d ^ 1
			}
		}
	}
	if c.info.Client.Port() < c.info.Server.Port() {
		return 1
	}
	return 0
}

// asks reports whether a client begins like p: TLS ClientHello, HTTP request, HTTP/2 preface.
func asks(p []byte) bool {
	if len(p) > 5 && p[0] == 22 && p[1] == 3 {
		return p[5] == 1
	}
	for _, word := range []string{"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI * HTTP/2"} {
		if len(p) >= len(word) && string(p[:len(word)]) == word {
			return true
		}
	}
	return false
}

// answers reports whether a server begins like p: TLS ServerHello, HTTP response.
func answers(p []byte) bool {
	if len(p) > 5 && p[0] == 22 && p[1] == 3 {
		return p[5] == 2
	}
	return len(p) >= 7 && string(p[:7]) == "HTTP/1."
}
