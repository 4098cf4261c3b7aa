package origin

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// addrPenalty is how long an address that did not answer comes last.
const addrPenalty = 10 * time.Second

// dialer is one attempt to open a connection, in phases that each leave their time in the record.
type dialer struct {
	o       *Origin
	ep      *endpoint
	a       *exchange.Attempt
	sni     string
	alpn    []string
	tried   []netip.Addr // addresses that earlier attempts of this exchange failed on
	anew    bool         // resume no session
	offered bool         // a handshake failed that offered to resume a session
	left    int          // addresses that are worth trying, this one included
	slot    bool         // a place under MaxConns is held for the connection
}

// addresses resolves the endpoint's host and orders the answer: what failed recently or in this exchange comes last.
func (d *dialer) addresses(ctx context.Context) ([]netip.Addr, *reason.Error) {
	if d.ep.url.ip.IsValid() {
		d.a.DNS = 0
		return []netip.Addr{d.ep.url.ip}, nil
	}
	start := d.o.now()
	if t := d.o.cfg.Timeouts.DNS; t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	addrs, cached, err := d.o.resolver.lookup(ctx, d.ep.url.host)
	d.a.DNS = d.o.now().Sub(start)
	if err != nil {
		r := reason.Of(err)
		d.a.Facts = append(d.a.Facts, fact.Fact{Kind: fact.DNSFailed, At: d.o.now(), Text: string(r.Code)})
		return nil, r
	}
	if cached {
		d.a.DNS = 0
	} else {
		d.a.Facts = append(d.a.Facts, fact.Fact{Kind: fact.DNSAnswer, At: d.o.now(), Size: int64(len(addrs)), Text: joinAddrs(addrs)})
	}
	return d.ep.order(addrs, d.tried, d.o.now()), nil
}

func joinAddrs(addrs []netip.Addr) string {
	var b strings.Builder
	for i, a := range addrs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(a.String())
	}
	return b.String()
}

// order puts the addresses that are worth trying first.
func (ep *endpoint) order(addrs, tried []netip.Addr, now time.Time) []netip.Addr {
	if len(addrs) < 2 {
		return addrs
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	rank := func(a netip.Addr) int {
		switch {
		case slices.Contains(tried, a):
			return 2
		case now.Before(ep.badAddr[a]):
			return 1
		}
		return 0
	}
	out := slices.Clone(addrs)
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	return out
}

func (ep *endpoint) penalise(a netip.Addr, now time.Time) {
	ep.mu.Lock()
	if len(ep.badAddr) > 4*maxAddrs {
		clear(ep.badAddr)
	}
	ep.badAddr[a] = now.Add(addrPenalty)
	ep.mu.Unlock()
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
	}
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
		d.a.Facts = append(d.a.Facts, fact.Fact{Kind: fact.TCPFailed, At: d.o.now(), Text: string(r.Code)})
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
	c.tap.note(fact.Fact{Kind: fact.TCPConnected, Text: d.a.Address.String()})
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

func (d *dialer) handshake(ctx context.Context, c *conn) *reason.Error {
	start := d.o.now()
	if d.o.cfg.TLS.Profile != "legacy" || d.o.cfg.HTTP == "2" { // what speaks TLS 1.0 may not know ALPN
		c.alpnSent = d.alpn
	}
	d.a.SNI, d.a.ALPNSent = d.sni, c.alpnSent
	c.tls = tls.Client(c.tap, d.o.connTLS(c, d.sni, c.alpnSent))
	c.nc = c.tls
	if t := d.o.cfg.Timeouts.TLS; t > 0 {
		_ = c.raw.SetDeadline(start.Add(t))
	}
	err := c.tls.HandshakeContext(ctx)
	d.a.TLS = d.o.now().Sub(start)
	if err != nil {
		if r := ended(ctx); r != nil {
			return r
		}
		r := c.handshakeError(err)
		d.a.Peer = c.peer
		d.a.TLSVersion, d.a.Cipher = c.tap.hello.version, c.tap.hello.cipher
		return r
	}
	_ = c.raw.SetDeadline(time.Time{})
	s := c.tls.ConnectionState()
	c.state = tlsState{version: s.Version, cipher: s.CipherSuite, alpn: s.NegotiatedProtocol, resumed: s.DidResume}
	if c.peer == nil && len(s.PeerCertificates) > 0 {
		c.peer = describePeer(s.PeerCertificates[0])
	}
	c.tap.established(s.Version, s.NegotiatedProtocol == http2.NextProtoTLS)
	c.tap.note(fact.Fact{Kind: fact.TLSHandshakeDone, Code: int(s.Version), Text: tlswire.SuiteName(s.CipherSuite)})
	if d.o.cfg.HTTP == "2" && !slices.Contains(d.alpn, "http/1.1") {
		return chosenProtocol(s.NegotiatedProtocol)
	}
	return nil
}

// chosenProtocol is nil where ALPN chose HTTP/2, which the settings demand.
func chosenProtocol(alpn string) *reason.Error {
	switch alpn {
	case http2.NextProtoTLS:
		return nil
	case "":
		return reason.New(reason.TLSALPNNone, "wanted h2", nil)
	}
	return reason.New(reason.TLSALPNMismatch, "wanted h2, the origin chose "+alpn, nil)
}

// protocols is what ALPN offers on a new connection.
func (ep *endpoint) protocols(http1 bool) []string {
	switch {
	case ep.o.cfg.HTTP == "2" && !http1:
		return []string{"h2"}
	case http1 || ep.o.cfg.HTTP == "1.1" || ep.http1.Load():
		return []string{"http/1.1"}
	}
	return []string{"h2", "http/1.1"}
}

// serverName is the SNI for host (RFC 6066 section 3: no port, no address).
func serverName(configured, host string) string {
	if configured != "" {
		return configured
	}
	return hostname(host)
}

// hostname strips the port and the brackets of a Host value.
func hostname(host string) string {
	if strings.HasPrefix(host, "[") {
		if i := strings.IndexByte(host, ']'); i > 0 {
			return host[1:i]
		}
		return host
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		return host[:i]
	}
	return host
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
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
