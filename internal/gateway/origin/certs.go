package origin

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// verifyChain verifies the origin's certificates and tells the causes of failure apart.
// name "" accepts any name. The error, if any, is a *reason.Error with a cert.* code.
func verifyChain(chain []*x509.Certificate, roots *x509.CertPool, name string, now time.Time) error {
	if len(chain) == 0 {
		return reason.New(reason.CertParseError, "the origin sent no certificate", nil)
	}
	leaf := chain[0]
	if name != "" {
		if err := leaf.VerifyHostname(name); err != nil {
			return nameError(leaf, name, err)
		}
	}
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := leaf.Verify(opts)
	if err == nil {
		return nil
	}
	return chainError(chain, now, err)
}

func nameError(leaf *x509.Certificate, name string, err error) error {
	if len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0 {
		return reason.New(reason.CertNoSAN, "the certificate has no subjectAltName, wanted "+name, err)
	}
	return reason.New(reason.CertNameMismatch, "wanted "+name, err)
}

func chainError(chain []*x509.Certificate, now time.Time, err error) error {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		return invalidError(invalid, now)
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		// An expired certificate of an unknown authority is reported as unknown: the chain comes first.
		return unknownAuthority(chain, err)
	}
	var algo x509.InsecureAlgorithmError
	if errors.As(err, &algo) {
		return reason.New(reason.TLSWeakKeyOrHash, x509.SignatureAlgorithm(algo).String(), err)
	}
	var system x509.SystemRootsError
	if errors.As(err, &system) {
		return reason.New(reason.CertUnknownCA, "the system's root certificates cannot be read", err)
	}
	var critical x509.UnhandledCriticalExtension
	if errors.As(err, &critical) {
		return reason.New(reason.CertBadUsage, "unhandled critical extension", err)
	}
	return reason.New(reason.CertUnknownCA, "", err)
}

func invalidError(e x509.CertificateInvalidError, now time.Time) error {
	switch e.Reason {
	case x509.Expired:
		if now.Before(e.Cert.NotBefore) {
			return reason.New(reason.CertNotYetValid, "valid from "+e.Cert.NotBefore.UTC().Format(time.RFC3339), e)
		}
		return reason.New(reason.CertExpired, "expired "+e.Cert.NotAfter.UTC().Format(time.RFC3339), e)
	case x509.NotAuthorizedToSign, x509.CANotAuthorizedForThisName, x509.CANotAuthorizedForExtKeyUsage,
		x509.IncompatibleUsage, x509.TooManyIntermediates, x509.NameConstraintsWithoutSANs, x509.UnconstrainedName, x509.TooManyConstraints:
		return reason.New(reason.CertBadUsage, e.Error(), e)
	}
	return reason.New(reason.CertUnknownCA, "", e)
}

// unknownAuthority tells self-signed, an incomplete chain and an unknown authority apart. A gap is only claimed when
// the last certificate sent is not self-issued and names its issuer's address (AIA, RFC 5280 section 4.2.2.1).
func unknownAuthority(chain []*x509.Certificate, err error) error {
	leaf, last := chain[0], topmost(chain)
	if selfIssued(leaf) {
		return reason.New(reason.CertSelfSigned, leaf.Subject.CommonName, err)
	}
	if selfIssued(last) {
		return reason.New(reason.CertUnknownCA, last.Subject.String(), err)
	}
	if len(last.IssuingCertificateURL) > 0 {
		return reason.New(reason.CertChainGap, "missing: "+last.Issuer.String(), err)
	}
	return reason.New(reason.CertUnknownCA, last.Issuer.String(), err)
}

// topmost follows the issuers within chain, whatever its order.
func topmost(chain []*x509.Certificate) *x509.Certificate {
	top := chain[0]
	for range chain {
		next := issuerIn(chain, top)
		if next == nil || next == top {
			return top
		}
		top = next
	}
	return top
}

func issuerIn(chain []*x509.Certificate, c *x509.Certificate) *x509.Certificate {
	if selfIssued(c) {
		return nil
	}
	for _, i := range chain {
		if i != c && string(i.RawSubject) == string(c.RawIssuer) {
			return i
		}
	}
	return nil
}

func selfIssued(c *x509.Certificate) bool { return string(c.RawSubject) == string(c.RawIssuer) }

func describePeer(c *x509.Certificate) *exchange.Peer {
	p := &exchange.Peer{Subject: c.Subject.String(), Issuer: c.Issuer.String(), NotAfter: c.NotAfter}
	for i, n := range c.DNSNames {
		if i == 20 {
			break
		}
		p.SANs = append(p.SANs, n)
	}
	for _, ip := range c.IPAddresses {
		if len(p.SANs) < 20 {
			p.SANs = append(p.SANs, ip.String())
		}
	}
	return p
}
