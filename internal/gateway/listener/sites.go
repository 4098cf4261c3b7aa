package listener

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"time"

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

// verify checks the client's certificate, on full and on resumed handshakes.
func (s *SiteTLS) verify(cs tls.ConnectionState) error {
	switch {
	case s.ClientAuth == ClientAuthNone:
		return nil
	case len(cs.PeerCertificates) == 0:
		if s.ClientAuth == ClientAuthRequire {
			return reason.New(reason.ClientCertRequired, "none sent", nil) // crypto/tls has seen to it before
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
