package origin

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// addrPenalty is how long an address that did not answer comes last.
const addrPenalty = 10 * time.Second

// dialer is one attempt to open a connection, in phases that each leave their time in the record.
type dialer struct {
	o       *Origin
	ep      *endpoint
	a       *exchange.Attempt
	x       *exchange.Exchange // that the connection is for; nil: for none
	sni     string
	alpn    []string
	tried   []netip.Addr // addresses that earlier attempts of this exchange failed on
	anew    bool         // resume no session
	offered bool         // a handshake failed that offered to resume a session
	left    int          // addresses that are worth trying, this one included
	cached  bool         // the addresses were known already
	slot    bool         // a place under MaxConns is held for the connection
}

// dial opens a connection to addr: TCP, then TLS where the URL says so, then HTTP/2 where ALPN chose it.
func (d *dialer) dial(ctx context.Context, addr netip.Addr) (*conn, *reason.Error) {
	d.a.Address = netip.AddrPortFrom(addr, d.ep.url.port)
	c, r := d.connect(ctx)
	if r != nil {
		if d.slot {
			d.ep.room.leave()
		}
		d.ep.penalise(addr, d.o.now())
		return nil, r
	}
	c.slot = d.slot
	d.record(c)
	d.ep.open.Add(1)
	if d.ep.url.secure {
		if r := d.handshake(ctx, c); r != nil {
			d.offered = c.offered.Load()
			c.settle(d.a)
			c.close()
			return nil, r
		}
	} else {
		c.tap.state.Store(tapOpaque)
		d.a.TLS = 0
	}
	c.rd = httpwire.NewReader(c.nc)
	if c.state.alpn == http2.NextProtoTLS || (d.o.cfg.HTTP == "2" && !d.ep.url.secure && slices.Contains(d.alpn, "h2")) {
		if r := c.startHTTP2(); r != nil {
			c.close()
			return nil, r
		}
		return c, nil
	}
	d.o.live.add(c)
	return c, nil
}

func (d *dialer) connect(ctx context.Context) (*conn, *reason.Error) {
	start := d.o.now()
	nd := net.Dialer{Timeout: d.patience()}
	nc, err := nd.DialContext(ctx, "tcp", d.a.Address.String())
	d.a.Connect = d.o.now().Sub(start)
	if err != nil {
		if r := ended(ctx); r != nil {
			return nil, r
		}
		r := reason.FromNet(err, reason.PhaseConnect)
		if d.cached {
			d.noteLookups("")
		}
		d.a.Facts = append(d.a.Facts, tcpFailed(d.a.Address, d.o.now(), d.a.Connect, r)...)
		if r.Code == reason.TCPTimeout && r.Detail == "" { // else the kernel's own
			r.Detail = timeout(nd.Timeout, "connect")
		}
		return nil, r
	}
	raw := nc.(*net.TCPConn)
	_, pol := renegotiation(d.o.cfg.TLS)
	c := &conn{o: d.o, ep: d.ep, id: d.o.deps.ConnIDs.Add(1), sni: d.sni, raw: raw, anew: d.anew}
	c.tap = newTap(raw, c.id, pol)
	c.nc, c.abortFn, c.tap.onTurn = c.tap, c.abort, c.renegotiating
	c.call.c = c
	c.call.body.c = c
	c.probe.init(raw)
	c.local, c.remote = addrPort(raw.LocalAddr()), addrPort(raw.RemoteAddr())
	d.a.Local, d.a.ConnID = c.local, c.id
	c.tap.note(fact.Fact{Kind: fact.TCPConnected, Side: fact.SideClient, Text: d.a.Address.String(), Size: d.a.Connect.Nanoseconds()})
	return c, nil
}

// patience is the connect timeout, shared out among the addresses that are left: a dead one must not cost the living
// their turn. Two seconds at least, unless the setting is shorter: a lost SYN is sent again after one.
func (d *dialer) patience() time.Duration {
	whole := d.o.cfg.Timeouts.Connect
	if d.left < 2 || whole == 0 {
		return whole
	}
	return min(whole, max(whole/time.Duration(d.left), 2*time.Second))
}

// Dial opens a plain TCP connection for a client that is passed through; a is filled as far as it got.
func (o *Origin) Dial(ctx context.Context, client *exchange.Client, a *exchange.Attempt) (net.Conn, error) {
	x := &exchange.Exchange{Client: client}
	var failed []*endpoint
	for {
		ep, r := o.pick(x, failed)
		if r != nil {
			return nil, r
		}
		a.URL = ep.url.raw
		d := dialer{o: o, ep: ep, a: a}
		addrs, r := d.addresses(ctx)
		for _, addr := range addrs {
			a.Address = netip.AddrPortFrom(addr, ep.url.port)
			var c *conn
			if c, r = d.connect(ctx); r == nil {
				ep.health.succeeded(ep)
				a.Facts = append(a.Facts, c.tap.takeFacts()...)
				return c.raw, nil
			}
		}
		ep.health.failed(ep, r, o.now())
		if failed = append(failed, ep); len(failed) == len(o.endpoints) {
			return nil, r
		}
	}
}
