package origin

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// How many HelloRequests one connection may bring. An origin asks once a Location; more than this is a loop.
const (
	maxRenegAuto   = 16
	maxRenegFreely = 1 << 20
)

var suitesModern = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

var suitesCompatible = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
}

var suitesLegacy = []uint16{
	tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_RC4_128_SHA,
}

// defaultGroups are set explicitly, so that neither the go line of go.mod nor GODEBUG decides (docs/decisions/0001).
var defaultGroups = []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

func suites(profile string) []uint16 {
	out := append([]uint16(nil), suitesModern...)
	if profile == "compatible" || profile == "legacy" {
		out = append(out, suitesCompatible...)
	}
	if profile == "legacy" {
		out = append(out, suitesLegacy...)
	}
	return out
}

func renegotiation(c TLS) (tls.RenegotiationSupport, renegPolicy) {
	switch c.Renegotiation {
	case "never":
		return tls.RenegotiateNever, renegPolicy{}
	case "once":
		return tls.RenegotiateOnceAsClient, renegPolicy{max: 1, insecure: c.InsecureReneg}
	case "freely":
		return tls.RenegotiateFreelyAsClient, renegPolicy{max: maxRenegFreely, insecure: c.InsecureReneg}
	}
	return tls.RenegotiateFreelyAsClient, renegPolicy{max: maxRenegAuto, insecure: c.InsecureReneg}
}

// baseTLS builds what all connections of an origin share. Every setting stands here, none is left to the library's defaults.
func baseTLS(c TLS, cache tls.ClientSessionCache) *tls.Config {
	groups := c.Groups
	if len(groups) == 0 {
		groups = defaultGroups
	}
	reneg, _ := renegotiation(c)
	return &tls.Config{
		MinVersion:         c.MinVersion,
		MaxVersion:         c.MaxVersion,
		CipherSuites:       suites(c.Profile),
		CurvePreferences:   groups,
		Renegotiation:      reneg,
		InsecureSkipVerify: true, // verified in VerifyConnection, by verifyPeer, which tells the causes apart
		ClientSessionCache: cache,
	}
}

// connTLS adds what belongs to one connection: names, protocols, the client certificate and what became of it.
func (o *Origin) connTLS(c *conn, sni string, alpn []string) *tls.Config {
	cfg := o.tls.Clone()
	cfg.ServerName = sni
	cfg.NextProtos = alpn
	cfg.KeyLogWriter = handshakeSecrets{c.tap}
	if c.anew {
		cfg.ClientSessionCache = nil
	} else {
		cfg.ClientSessionCache = &sessions{o.tls.ClientSessionCache, c}
	}
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.certRequested.Store(true)
		if c.tap.state.Load() != tapHandshake || info.Version >= tls.VersionTLS13 { // else the tap has seen it in clear
			c.tap.note(fact.Fact{Kind: fact.TLSCertificateRequest, Side: fact.SideServer})
		}
		if o.cfg.TLS.Certificate == nil {
			return &tls.Certificate{}, nil
		}
		c.certSent.Store(true)
		return o.cfg.TLS.Certificate, nil
	}
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) > 0 {
			c.peer = describePeer(s.PeerCertificates[0])
			c.tap.note(fact.Fact{Kind: fact.TLSCertificate, Side: fact.SideServer, Text: c.peer.Subject})
		}
		err := o.verifyPeer(s.PeerCertificates, sni)
		c.tap.note(verified(o.cfg.TLS.Verify, err))
		return err
	}
	return cfg
}

// verified is the fact of a check of certificates. Code says how much was checked.
func verified(how string, err error) fact.Fact {
	f := fact.Fact{Kind: fact.TLSVerified, Side: fact.SideClient, Text: "ok", Code: verifyFull}
	switch how {
	case "chain":
		f.Code = verifyChainOnly
	case "none":
		f.Code, f.Text = verifyNothing, "not_checked"
	}
	if r := reason.Of(err); r != nil {
		f.Text = string(r.Code)
	}
	return f
}

// What fact.TLSVerified says in Code.
const (
	verifyFull = iota
	verifyChainOnly
	verifyNothing
)

func (o *Origin) verifyPeer(chain []*x509.Certificate, sni string) error {
	if o.cfg.TLS.Verify == "none" {
		return nil
	}
	name := sni
	if o.cfg.TLS.Verify == "chain" {
		name = ""
	}
	return verifyChain(chain, o.cfg.TLS.Roots, name, o.now())
}

// sessions notes whether a connection offers to resume a session.
type sessions struct {
	tls.ClientSessionCache
	c *conn
}

// Get implements tls.ClientSessionCache.
func (s *sessions) Get(key string) (*tls.ClientSessionState, bool) {
	state, ok := s.ClientSessionCache.Get(key)
	if ok && state != nil {
		s.c.offered.Store(true)
		if s.c.tap.tape != nil {
			s.c.session.Store(state)
		}
	}
	return state, ok
}
