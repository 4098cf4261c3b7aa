package listener

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// ClientAuth says whether a site asks for the client's certificate.
type ClientAuth uint8

// The values of client_auth.
const (
	ClientAuthNone    ClientAuth = iota
	ClientAuthRequest            // asked for; may be absent; when there, and a CA is set, it must verify
	ClientAuthRequire            // must be there and verify
)

// Sites finds the TLS side of a site by the name that a client asks for. Implementations must be safe for concurrent use.
type Sites interface {
	// TLS returns the site for serverName (lower case, without a trailing dot, "" when the client named none), or
	// nil: the client then gets the fatal alert unrecognized_name (RFC 6066 section 3).
	TLS(serverName string) *SiteTLS
}

// SiteTLS is what a listener must know of a site to speak TLS for it. It must not be changed after its first use.
type SiteTLS struct {
	Name         string          // the site's first name
	Certificates *Certificates   // what we show; not needed with Passthrough
	MinVersion   uint16          // default TLS 1.2
	ClientAuth   ClientAuth      // whether the client's certificate is asked for
	ClientCAs    *x509.CertPool  // nil with ClientAuthRequest: certificates are taken unverified
	CRL          *RevocationList // nil: not checked
	Passthrough  bool            // tunnelled to an origin, not terminated
	made         sync.Map        // *tlsFront → *tls.Config
	_            [0]func()       // not comparable
}

// SiteTable is the plain implementation of Sites: exact name, then wildcard (one label), then Default.
type SiteTable struct {
	Names   map[string]*SiteTLS // lower case; a wildcard as "*.example.org"
	Default *SiteTLS            // may be nil
}

// TLS implements Sites.
func (t *SiteTable) TLS(name string) *SiteTLS {
	if s := t.Names[name]; s != nil {
		return s
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if s := t.Names["*."+parent]; s != nil {
			return s
		}
	}
	return t.Default
}

// tlsFront makes the TLS configurations of one listener.
type tlsFront struct {
	sites atomic.Pointer[Sites]
	alpn  []string
	// tickets only seals session tickets: its keys are the listener's and rotate daily, whatever site they are for.
	tickets *tls.Config
}

func newTLSFront(sites Sites, h2 bool) *tlsFront {
	f := &tlsFront{alpn: []string{"http/1.1"}, tickets: &tls.Config{MinVersion: tls.VersionTLS12}}
	if h2 {
		f.alpn = []string{"h2", "http/1.1"}
	}
	f.sites.Store(&sites)
	return f
}

// config returns the configuration of a site, made once for each listener.
func (f *tlsFront) config(s *SiteTLS) *tls.Config {
	if c, ok := s.made.Load(f); ok {
		return c.(*tls.Config)
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		MaxVersion: tls.VersionTLS13,
		NextProtos: f.alpn,
		// Everything is said here, so that nothing depends on the go line of go.mod. TLS 1.3 suites cannot be chosen.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384},
		ClientAuth:       tls.NoClientCert,
		GetCertificate:   s.Certificates.pick,
		VerifyConnection: s.verify,
	}
	if s.MinVersion != 0 {
		c.MinVersion = s.MinVersion
	}
	if s.MinVersion != 0 && s.MinVersion < tls.VersionTLS12 { // asked for by the operator: what such clients can speak
		c.CipherSuites = append(c.CipherSuites,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA)
	}
	if s.ClientAuth != ClientAuthNone {
		// We verify ourselves, in VerifyConnection: that runs on resumed sessions too, so that a certificate that
		// was revoked, or a CA that was taken out, counts at once; and its error says which of the two it was.
		c.ClientAuth = tls.RequestClientCert
		c.ClientCAs = s.ClientCAs // named in CertificateRequest
	}
	// A ticket is good only for the site that it was made for (RFC 8446 section 4.2.11, RFC 6066 section 3).
	tag := []byte("lunette site " + s.Name)
	c.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		ss.Extra = append(ss.Extra, tag)
		return f.tickets.EncryptTicket(cs, ss)
	}
	c.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := f.tickets.DecryptTicket(identity, cs)
		if err != nil || ss == nil {
			return nil, nil //nolint:nilerr // a ticket that we cannot read means a full handshake
		}
		for _, e := range ss.Extra {
			if string(e) == string(tag) {
				return ss, nil
			}
		}
		return nil, nil
	}
	got, _ := s.made.LoadOrStore(f, c)
	return got.(*tls.Config)
}

// verify checks the client's certificate, on full and on resumed handshakes.
func (s *SiteTLS) verify(cs tls.ConnectionState) error {
	switch {
	case s.ClientAuth == ClientAuthNone:
		return nil
	case len(cs.PeerCertificates) == 0:
		if s.ClientAuth == ClientAuthRequire {
			return reason.New(reason.ClientCertRequired, "none sent", nil)
		}
		return nil
	case s.ClientCAs == nil:
		if s.ClientAuth == ClientAuthRequire {
			return reason.New(reason.ClientCertRejected, "no CA configured", nil)
		}
		return nil
	}
	between := x509.NewCertPool()
	for _, c := range cs.PeerCertificates[1:] {
		between.AddCert(c)
	}
	chains, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: s.ClientCAs, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return reason.New(reason.ClientCertRejected, certFault(err), err)
	}
	if s.CRL != nil {
		return s.CRL.check(chains, time.Now())
	}
	return nil
}

// certFault names why a chain did not verify, from the error's type.
func certFault(err error) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "unknown CA"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) {
			return "not yet valid"
		}
		return "expired"
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "not for client authentication"
	}
	return "does not verify"
}

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
		ServerName: name, Version: cs.Version, Cipher: cs.CipherSuite, ALPN: cs.NegotiatedProtocol, Resumed: cs.DidResume,
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
