package peer

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
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// CA is a throw-away certificate authority whose files live as long as its test.
type CA struct {
	File string // its certificate, PEM
	Cert *x509.Certificate

	t      testing.TB
	dir    string
	key    crypto.Signer
	serial atomic.Int64
}

// Issue says what a certificate should be like. The zero value is a good server certificate without names: ECDSA
// P-256, valid from an hour ago for a day, signed by the CA itself.
type Issue struct {
	Names        []string // DNS names and IP addresses of the SAN extension
	CommonName   string   // default: the first name
	RSA          int      // bits of an RSA key; 0 for ECDSA P-256
	Client       bool     // extended key usage clientAuth instead of serverAuth
	Expired      bool     // ended an hour ago
	NotYet       bool     // begins in an hour
	SelfSigned   bool     // signed with its own key
	Intermediate bool     // signed by an intermediate authority that the file carries behind the leaf
	OmitChain    bool     // but the file carries the leaf alone
	NoSAN        bool     // names only in the common name
	AIA          string   // URL of the issuer's certificate
}

// Cert is an issued certificate and its key.
type Cert struct {
	File         string // leaf, then what the server should send behind it, PEM
	Key          string // PEM, PKCS #8
	Leaf         *x509.Certificate
	Intermediate *x509.Certificate // nil without
	TLS          tls.Certificate   // the same for a Go peer
}

// NewCA makes an authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{t: t, dir: folder(t)}
	ca.key = newKey(t, 0)
	tmpl := ca.authority("Lunette test root")
	ca.Cert = ca.sign(tmpl, tmpl, ca.key.Public(), ca.key)
	ca.File = filepath.Join(ca.dir, "ca.pem")
	writePEM(t, ca.File, "CERTIFICATE", ca.Cert.Raw)
	return ca
}

// Pool returns a pool with the authority in it.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	return pool
}

// Issue makes a certificate and writes its files.
func (ca *CA) Issue(o Issue) *Cert {
	ca.t.Helper()
	key := newKey(ca.t, o.RSA)
	tmpl := ca.template(o)
	parent, signer := ca.Cert, ca.key
	c := &Cert{}
	switch {
	case o.SelfSigned:
		parent, signer = tmpl, key
	case o.Intermediate:
		signer = newKey(ca.t, 0)
		c.Intermediate = ca.sign(ca.authority("Lunette test intermediate"), ca.Cert, signer.Public(), ca.key)
		parent = c.Intermediate
	}
	c.Leaf = ca.sign(tmpl, parent, key.Public(), signer)
	chain := [][]byte{c.Leaf.Raw}
	if c.Intermediate != nil && !o.OmitChain {
		chain = append(chain, c.Intermediate.Raw)
	}
	c.TLS = tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: c.Leaf}
	base := filepath.Join(ca.dir, fmt.Sprintf("cert%d", c.Leaf.SerialNumber))
	c.File, c.Key = base+".crt", base+".key"
	writePEM(ca.t, c.File, "CERTIFICATE", chain...)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		ca.t.Fatal(err)
	}
	writePEM(ca.t, c.Key, "PRIVATE KEY", der)
	return c
}

// CRL writes a revocation list of the authority with the given certificates in it, PEM, and returns its file.
func (ca *CA) CRL(revoked ...*Cert) string {
	ca.t.Helper()
	tmpl := &x509.RevocationList{Number: big.NewInt(ca.serial.Add(1)), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(24 * time.Hour)}
	for _, c := range revoked {
		tmpl.RevokedCertificateEntries = append(tmpl.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Hour)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, tmpl, ca.Cert, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	file := filepath.Join(ca.dir, fmt.Sprintf("crl%d.pem", tmpl.Number))
	writePEM(ca.t, file, "X509 CRL", der)
	return file
}

// template turns an Issue into what x509 signs.
func (ca *CA) template(o Issue) *x509.Certificate {
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial.Add(1)), Subject: pkix.Name{CommonName: o.CommonName},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if o.CommonName == "" && len(o.Names) > 0 {
		c.Subject.CommonName = o.Names[0]
	}
	if o.RSA > 0 {
		c.KeyUsage |= x509.KeyUsageKeyEncipherment // RSA key exchange
	}
	if o.Client {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if o.Expired {
		c.NotBefore, c.NotAfter = now.Add(-48*time.Hour), now.Add(-time.Hour)
	}
	if o.NotYet {
		c.NotBefore, c.NotAfter = now.Add(time.Hour), now.Add(48*time.Hour)
	}
	if o.AIA != "" {
		c.IssuingCertificateURL = []string{o.AIA}
	}
	for _, name := range o.Names {
		if ip := net.ParseIP(name); o.NoSAN {
			break
		} else if ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	return c
}

// authority is the template of a certificate that signs others.
func (ca *CA) authority(name string) *x509.Certificate {
	n := ca.serial.Add(1)
	return &x509.Certificate{
		SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: fmt.Sprintf("%s %d", name, n)},
		NotBefore: time.Now().Add(-72 * time.Hour), NotAfter: time.Now().Add(72 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true, BasicConstraintsValid: true,
	}
}

func (ca *CA) sign(tmpl, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	ca.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
	if err != nil {
		ca.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Fatal(err)
	}
	return c
}

// newKey makes an RSA key of so many bits, or an ECDSA P-256 key for 0.
func newKey(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	if bits > 0 {
		key, err = rsa.GenerateKey(rand.Reader, bits)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// writePEM writes blocks of one type. Everybody may read them, keys too: workers of a server run as another user,
// and the keys are worth nothing.
func writePEM(t testing.TB, file, blockType string, ders ...[]byte) {
	t.Helper()
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})...)
	}
	if err := os.WriteFile(file, out, 0o644); err != nil {
		t.Fatal(err)
	}
}
