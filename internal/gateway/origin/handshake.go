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
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// handshake runs TLS over c, within its timeout.
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
	opening := &exchange.Opening{}
	c.tap.opening = opening
	c.turn(d.x, exchange.TurnOrigin)
	err := c.tls.HandshakeContext(ctx)
	c.turn(d.x, exchange.TurnOver)
	opening.End = d.o.now()
	d.a.TLS, d.a.Opening = opening.End.Sub(start), opening
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
	c.resumedSecret(&s)
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
