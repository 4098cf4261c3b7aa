package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
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
			raw.forget()
			return f.config(site), nil
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
		return handshaken{}, name, reason.New(reason.TLSUnrecognizedName, name[:min(len(name), 255)], err)
	}
	return handshaken{nil, site}, name, err
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

// handshakeFault classifies a failed handshake by type, errno and what the socket saw.
func handshakeFault(err error, raw *helloConn) *reason.Error {
	var known *reason.Error
	if errors.As(err, &known) {
		return known
	}
	var not tls.RecordHeaderError
	if errors.As(err, &not) {
		return reason.New(reason.TLSNotTLS, "first bytes of the client", err)
	}
	if n, remote, ok := alertOf(err); ok && remote {
		return reason.New(reason.TLSAlert, alertDetail(n), err)
	}
	if raw.received >= 0 {
		return reason.New(reason.TLSAlert, alertDetail(uint8(raw.received)), err)
	}
	if raw.sent >= 0 {
		return reason.New(sentReason(raw.sent), "we sent "+alertDetail(uint8(raw.sent)), err)
	}
	switch {
	case isTimeout(err):
		return reason.New(reason.TLSTimeout, "client handshake", err)
	case isReset(err):
		return reason.New(reason.TLSReset, "client handshake", err)
	case isEOF(err):
		return reason.New(reason.TLSEOF, "client handshake", err)
	}
	return reason.New(reason.TLSAlert, "", err)
}
