package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// handshaken is a TLS connection that is ready for use.
type handshaken struct {
	conn *tls.Conn
	site *SiteTLS
}

// errTunnel ends a handshake that is not ours: the site is passed through.
var errTunnel = errors.New("site is passed through")

// handshake does the TLS handshake on raw. With errTunnel, site is to be tunnelled and raw holds the bytes read so far.
func (f *tlsFront) handshake(raw *helloConn) (handshaken, string, error) {
	var site *SiteTLS
	var name string
	refused := false
	front := &tls.Config{
		MinVersion: tls.VersionTLS10, // the site's own minimum holds
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			name = strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
			site = (*f.sites.Load()).TLS(name)
			switch {
			case site == nil || site.Certificates == nil && !site.Passthrough:
				refused = true
				// No certificate at all makes crypto/tls send the fatal alert unrecognized_name.
				return &tls.Config{MinVersion: tls.VersionTLS10, CipherSuites: allSuites()}, nil
			case site.Passthrough:
				raw.mute = true // or crypto/tls would send an alert
				return nil, errTunnel
			}
			raw.begin(site.Name, name)
			raw.forget()
			return raw.logging(f.config(site)), nil
		},
	}
	tc := tls.Server(raw, front)
	err := tc.HandshakeContext(context.Background()) // bounded by the read deadline
	if err == nil {
		return handshaken{tc, site}, name, nil
	}
	if errors.Is(err, errTunnel) {
		return handshaken{nil, site}, name, errTunnel
	}
	if refused {
		return handshaken{}, name, reason.New(reason.ConfigNoSite, unknownName(name), err)
	}
	if site.sentNone(tc, raw, err) {
		return handshaken{nil, site}, name, reason.New(reason.ClientCertRequired, "none sent", err)
	}
	return handshaken{nil, site}, name, err
}

// unknownName says which name no site has; empty when the client named none.
func unknownName(name string) string {
	told := "sent alert " + alertDetail(tlswire.AlertUnrecognizedName)
	if name == "" {
		return "no sni, " + told
	}
	return "sni " + name[:min(len(name), 255)] + ", " + told
}

// smallest is less than a record that holds a certificate: an empty list, with all that may stand in the same record, is shorter.
const smallest = 128

// sentNone reports whether the handshake failed because the client sent no certificate where one is required. crypto/tls
// says so in words alone; what tells it is that it stopped, by itself, before it had a certificate, at a record too small for one.
func (s *SiteTLS) sentNone(tc *tls.Conn, raw *helloConn, err error) bool {
	var op *net.OpError
	if s == nil || s.ClientAuth != ClientAuthRequire || errors.As(err, &op) || isTimeout(err) || isEOF(err) || isReset(err) {
		return false
	}
	cs := tc.ConnectionState()
	return cs.Version != 0 && len(cs.PeerCertificates) == 0 && raw.last > 0 && raw.last < smallest
}

func allSuites() []uint16 {
	var out []uint16
	for _, s := range tls.CipherSuites() {
		out = append(out, s.ID)
	}
	return out
}

// clientTLS describes the finished handshake for the exchanges of the connection.
func clientTLS(h handshaken, name string) *exchange.ClientTLS {
	cs := h.conn.ConnectionState()
	return &exchange.ClientTLS{
		ServerName: name, Site: h.site.Name, Version: cs.Version, Cipher: cs.CipherSuite, ALPN: cs.NegotiatedProtocol, Resumed: cs.DidResume,
		Chain:    cs.PeerCertificates,
		Verified: len(cs.PeerCertificates) > 0 && h.site.ClientCAs != nil && h.site.ClientAuth != ClientAuthNone,
	}
}

// handshakeFault classifies a failed handshake by type, errno and what the socket saw. The fault is the client's side's,
// whoever broke off: the codes tls.* speak of origins.
func handshakeFault(err error, raw *helloConn) *reason.Error {
	if known := reason.Of(err); known != nil {
		return known
	}
	failed := func(detail string) *reason.Error { return reason.New(reason.ClientTLSFailed, detail, err) }
	var not tls.RecordHeaderError
	if errors.As(err, &not) {
		if looksLikeHTTP(raw.seen) {
			return reason.New(reason.ClientPlainOnTLS, "", err)
		}
		return failed("the first bytes are not TLS")
	}
	if n, remote, ok := alertOf(err); ok && remote {
		return failed("received alert " + alertDetail(n))
	}
	if raw.received >= 0 {
		return failed("received alert " + alertDetail(uint8(raw.received)))
	}
	if raw.sent >= 0 {
		return failed("sent alert " + alertDetail(uint8(raw.sent)))
	}
	switch {
	case isTimeout(err):
		return failed("not done in time, limits.header_time")
	case isReset(err):
		return failed("reset by the client")
	case isEOF(err):
		return failed("closed by the client")
	}
	return failed("broken off by us")
}
