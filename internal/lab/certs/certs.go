// Package certs makes throw-away certificate authorities and certificates in memory, good ones and bad ones.
//
// Input: names and options. Output: a [CA] or a [Certificate], as DER, PEM, or a tls.Certificate.
// Promises: nothing is written anywhere; keys are fresh in each call.
// Non-goals: anything that outlives a test or a demo.
package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// KeyType is the kind of key to make.
type KeyType uint8

// The kinds of key.
const (
	ECDSA   KeyType = iota // P-256: quick to make
	RSA                    // 2048 bits: for RSA key exchange and old clients
	weakRSA                // 1024 bits
)

// Options is what a certificate is like. The zero Options is a good server certificate.
type Options struct {
	Names     []string // DNS names or IP addresses for the SAN; the first is the common name too
	Key       KeyType
	Expired   bool   // ended yesterday
	Future    bool   // begins tomorrow
	Client    bool   // extended key usage clientAuth instead of serverAuth
	NoSAN     bool   // common name only
	AIA       string // URL of the issuer's certificate, "" for none
	Weak      bool   // RSA of 1024 bits, whatever Key says
	SHA1      bool   // signed with SHA-1
	Authority bool   // marked as a CA's, though it is a server's
	NotBefore time.Time
	NotAfter  time.Time // default: from an hour ago for a year
}

// Certificate is a certificate with its key and the chain to send.
type Certificate struct {
	Leaf  *x509.Certificate
	Chain [][]byte // DER, leaf first, root left out
	Key   crypto.Signer
}

// CA signs certificates.
type CA struct {
	Cert   *x509.Certificate
	key    crypto.Signer
	above  [][]byte // DER of this and further intermediates, what a leaf's chain carries; empty for a root
	keyTyp KeyType
}

// NewCA makes a self-signed root called name.
func NewCA(name string, key KeyType) (*CA, error) {
	return newCA(name, key, nil)
}

// Intermediate makes a CA below ca. Its certificates carry it in their chain; cut Chain to its first entry for a chain gap.
func (ca *CA) Intermediate(name string) (*CA, error) { return newCA(name, ca.keyTyp, ca) }

func newCA(name string, typ KeyType, parent *CA, domains ...string) (*CA, error) {
	t, err := template(&Options{Names: []string{name}, NotAfter: time.Now().AddDate(10, 0, 0)})
	if err != nil {
		return nil, err
	}
	t.DNSNames, t.ExtKeyUsage = nil, nil
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	t.PermittedDNSDomains, t.PermittedDNSDomainsCritical = domains, len(domains) > 0
	cert, key, err := sign(t, typ, parent)
	if err != nil {
		return nil, err
	}
	ca := &CA{Cert: cert, key: key, keyTyp: typ}
	if parent != nil {
		ca.above = append([][]byte{cert.Raw}, parent.above...)
	}
	return ca, nil
}

// Constrained is Intermediate for a CA that may only sign for domain (RFC 5280 section 4.2.1.10).
func (ca *CA) Constrained(name, domain string) (*CA, error) {
	return newCA(name, ca.keyTyp, ca, domain)
}

// Issue makes a certificate.
func (ca *CA) Issue(o Options) (*Certificate, error) { return issue(o, ca) }

// SelfSigned makes a certificate that signs itself.
func SelfSigned(o Options) (*Certificate, error) { return issue(o, nil) }

func issue(o Options, ca *CA) (*Certificate, error) {
	t, err := template(&o)
	if err != nil {
		return nil, err
	}
	typ := o.Key
	if o.Weak {
		typ = weakRSA
	}
	if o.SHA1 {
		signer := typ
		if ca != nil {
			signer = ca.keyTyp
		}
		t.SignatureAlgorithm = x509.ECDSAWithSHA1
		if signer != ECDSA {
			t.SignatureAlgorithm = x509.SHA1WithRSA
		}
	}
	cert, key, err := sign(t, typ, ca)
	if err != nil {
		return nil, err
	}
	c := &Certificate{Leaf: cert, Chain: [][]byte{cert.Raw}, Key: key}
	if ca != nil {
		c.Chain = append(c.Chain, ca.above...)
	}
	return c, nil
}

func template(o *Options) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return nil, fmt.Errorf("make serial number: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{SerialNumber: serial, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if o.Client {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if o.AIA != "" {
		t.IssuingCertificateURL = []string{o.AIA}
	}
	if o.Authority {
		t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, t.KeyUsage|x509.KeyUsageCertSign
	}
	switch {
	case o.Expired:
		t.NotBefore, t.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(0, 0, -1)
	case o.Future:
		t.NotBefore = now.AddDate(0, 0, 1)
	}
	if !o.NotBefore.IsZero() {
		t.NotBefore = o.NotBefore
	}
	if !o.NotAfter.IsZero() {
		t.NotAfter = o.NotAfter
	}
	if len(o.Names) > 0 {
		t.Subject = pkix.Name{CommonName: o.Names[0]}
	}
	for _, name := range o.Names {
		if o.NoSAN {
			break
		}
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return t, nil
}

func sign(t *x509.Certificate, typ KeyType, ca *CA) (*x509.Certificate, crypto.Signer, error) {
	key, err := newKey(typ)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	parent, by := t, key
	if ca != nil {
		parent, by = ca.Cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), by)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func newKey(typ KeyType) (crypto.Signer, error) {
	switch typ {
	case RSA:
		return rsa.GenerateKey(rand.Reader, 2048)
	case weakRSA:
		return rsa.GenerateKey(rand.Reader, 1024)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// PEM is the CA's certificate.
func (ca *CA) PEM() []byte { return pemBlock("CERTIFICATE", ca.Cert.Raw) }

// Pool holds the CA alone.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Cert)
	return p
}

// TLS is the certificate for crypto/tls.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: c.Chain, PrivateKey: c.Key, Leaf: c.Leaf}
}

// ChainPEM is the chain as sent.
func (c *Certificate) ChainPEM() []byte {
	var out []byte
	for _, der := range c.Chain {
		out = append(out, pemBlock("CERTIFICATE", der)...)
	}
	return out
}

// KeyPEM is the key, unencrypted PKCS #8.
func (c *Certificate) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pemBlock("PRIVATE KEY", der), nil
}

func pemBlock(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}
