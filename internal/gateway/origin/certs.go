package origin

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
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
			return nameError(chain, name, err)
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
	return chainError(chain, opts, err)
}

func nameError(chain []*x509.Certificate, name string, err error) error {
	leaf := chain[0]
	for i, c := range chain[1:] {
		if !c.IsCA && c.VerifyHostname(name) == nil {
			return reason.New(reason.CertWrongOrder, "the certificate for "+name+" comes as number "+itoa(i+2)+", wanted first", err)
		}
	}
	if len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0 {
		return reason.New(reason.CertNoSAN, "the certificate has no subjectAltName, wanted "+name, err)
	}
	return reason.New(reason.CertNameMismatch, "wanted "+name, err)
}

func chainError(chain []*x509.Certificate, opts x509.VerifyOptions, err error) error {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		return invalidError(invalid, opts.CurrentTime)
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		if r := hiddenCause(chain, opts, err); r != nil {
			return r
		}
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
	if e.Reason == x509.Expired {
		if now.Before(e.Cert.NotBefore) {
			return reason.New(reason.CertNotYetValid, "valid from "+e.Cert.NotBefore.UTC().Format(time.RFC3339), e)
		}
		return reason.New(reason.CertExpired, "expired "+e.Cert.NotAfter.UTC().Format(time.RFC3339), e)
	}
	if what, ok := badUse[e.Reason]; ok {
		return reason.New(reason.CertBadUsage, what, e)
	}
	return reason.New(reason.CertUnknownCA, "", e)
}

var badUse = map[x509.InvalidReason]string{
	x509.NotAuthorizedToSign:           "a certificate of the chain may not sign others",
	x509.CANotAuthorizedForThisName:    "the authority may not sign for this name (name constraints)",
	x509.CANotAuthorizedForExtKeyUsage: "the authority may not sign server certificates (extended key usage)",
	x509.IncompatibleUsage:             "not for servers (extended key usage)",
	x509.TooManyIntermediates:          "more intermediates than the authority allows",
	x509.NameConstraintsWithoutSANs:    "name constraints, and a certificate without subjectAltName",
	x509.UnconstrainedName:             "a name of a kind that the name constraints do not allow",
	x509.TooManyConstraints:            "too many name constraints",
}

// hiddenCause finds what x509 hides behind "unknown authority": an authority of the chain that is none, is too weak, or would
// be good at another time. The latter is tried, not guessed.
func hiddenCause(chain []*x509.Certificate, opts x509.VerifyOptions, err error) error {
	c := chain[0]
	for range chain { // as long as the chain at most: two may name one another as issuer
		if c == nil || selfIssued(c) {
			break
		}
		if i := issuerIn(chain, c); i != nil && i.BasicConstraintsValid && !i.IsCA {
			return reason.New(reason.CertBadUsage, badUse[x509.NotAuthorizedToSign], err)
		}
		switch c.SignatureAlgorithm {
		case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
			return reason.New(reason.TLSWeakKeyOrHash, c.SignatureAlgorithm.String()+" signs "+c.Subject.String(), err)
		}
		c = issuerIn(chain, c)
	}
	now := opts.CurrentTime
	for _, c := range chain[1:] {
		code, then, when := reason.CertExpired, c.NotAfter.Add(-time.Second), "expired "+c.NotAfter.UTC().Format(time.RFC3339)
		switch {
		case now.After(c.NotAfter):
		case now.Before(c.NotBefore):
			code, then, when = reason.CertNotYetValid, c.NotBefore, "valid from "+c.NotBefore.UTC().Format(time.RFC3339)
		default:
			continue
		}
		if _, again := c.Verify(x509.VerifyOptions{Roots: opts.Roots, Intermediates: opts.Intermediates, CurrentTime: then, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); again == nil {
			return reason.New(code, c.Subject.String()+", an authority of the chain, "+when, err)
		}
	}
	return nil
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
	print, key := sha256.Sum256(c.Raw), sha256.Sum256(c.RawSubjectPublicKeyInfo)
	p := &exchange.Peer{Subject: c.Subject.String(), Issuer: c.Issuer.String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Fingerprint: hex.EncodeToString(print[:]), KeyID: hex.EncodeToString(key[:]), Key: keyName(c)}
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
