package listener

import (
	"crypto/tls"
	"sync/atomic"
)

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
	switch s.ClientAuth {
	case ClientAuthRequest:
		c.ClientAuth = tls.RequestClientCert
	case ClientAuthRequire:
		c.ClientAuth = tls.RequireAnyClientCert // an empty list gets the alert certificate_required in TLS 1.3
	}
	if s.ClientAuth != ClientAuthNone {
		// We verify ourselves, in VerifyConnection: that runs on resumed sessions too, so that a certificate that
		// was revoked, or a CA that was taken out, counts at once; and its error says which of the two it was.
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
