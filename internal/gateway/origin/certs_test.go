package origin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// authority signs what a test needs.
type authority struct {
	cert *x509.Certificate
	key  any
}

// issue returns a certificate by a, or self-signed for a nil a.
func (a *authority) issue(t *testing.T, c x509.Certificate, key any) *authority {
	t.Helper()
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	if c.IsCA {
		c.BasicConstraintsValid, c.KeyUsage = true, x509.KeyUsageCertSign
	}
	signer := a
	if a == nil {
		signer = &authority{&c, key}
	}
	pub := any(nil)
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		pub = &k.PublicKey
	case *rsa.PrivateKey:
		pub = &k.PublicKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, signer.cert, pub, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{out, key}
}

func TestVerifyChain(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var none *authority
	ca := func(cn string) x509.Certificate {
		return x509.Certificate{Subject: pkix.Name{CommonName: cn}, IsCA: true}
	}
	leaf := x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, DNSNames: []string{"a.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	root := none.issue(t, ca("root"), key)
	middle := root.issue(t, ca("middle"), key)
	shifted := func(from, to time.Duration) *authority {
		c := ca("middle")
		c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(to)
		return root.issue(t, c, key)
	}
	limited := ca("middle")
	limited.PermittedDNSDomains, limited.PermittedDNSDomainsCritical = []string{"b.test"}, true
	clientsOnly := ca("middle")
	clientsOnly.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	noSigner := x509.Certificate{Subject: pkix.Name{CommonName: "middle"}, BasicConstraintsValid: true}
	good := middle.issue(t, leaf, key)
	stranger := none.issue(t, ca("stranger"), key)
	for _, c := range []struct {
		name  string
		chain []*authority
		host  string
		want  reason.Code
	}{
		{"good", []*authority{good, middle}, "a.test", ""},
		{"good, any name", []*authority{good, middle}, "", ""},
		{"good, with the root and out of order", []*authority{good, root, middle}, "a.test", ""},
		{"nothing sent", nil, "a.test", reason.CertParseError},
		{"leaf not first", []*authority{middle, good}, "a.test", reason.CertWrongOrder},
		{"wrong name", []*authority{good, middle}, "b.test", reason.CertNameMismatch},
		{"expired authority", []*authority{shifted(-2*time.Hour, -time.Hour).issue(t, leaf, key), shifted(-2*time.Hour, -time.Hour)}, "a.test", reason.CertExpired},
		{"authority of tomorrow", []*authority{shifted(time.Hour, 2*time.Hour).issue(t, leaf, key), shifted(time.Hour, 2*time.Hour)}, "a.test", reason.CertNotYetValid},
		{"name constraints", []*authority{root.issue(t, limited, key).issue(t, leaf, key), root.issue(t, limited, key)}, "a.test", reason.CertBadUsage},
		{"authority for clients", []*authority{root.issue(t, clientsOnly, key).issue(t, leaf, key), root.issue(t, clientsOnly, key)}, "a.test", reason.CertBadUsage},
		{"signed by no authority", []*authority{root.issue(t, noSigner, key).issue(t, leaf, key), root.issue(t, noSigner, key)}, "a.test", reason.CertBadUsage},
		{"stranger", []*authority{stranger.issue(t, leaf, key), stranger}, "a.test", reason.CertUnknownCA},
		{"gap not claimed without a hint", []*authority{good}, "a.test", reason.CertUnknownCA},
	} {
		t.Run(c.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			roots.AddCert(root.cert)
			var chain []*x509.Certificate
			for _, a := range c.chain {
				chain = append(chain, a.cert)
			}
			err := verifyChain(chain, roots, c.host, time.Now())
			if r := reason.Of(err); (r == nil) != (c.want == "") || r != nil && r.Code != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A SHA-1 signature is named as such, though x509 only says that the authority is unknown.
func TestWeakSignature(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var none *authority
	root := none.issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "root"}, IsCA: true}, key)
	leaf := root.issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, DNSNames: []string{"a.test"}}, key)
	leaf.cert.SignatureAlgorithm = x509.SHA1WithRSA // crypto/x509 does not make such a one any more
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	err = verifyChain([]*x509.Certificate{leaf.cert}, roots, "a.test", time.Now())
	if r := reason.Of(err); r == nil || r.Code != reason.TLSWeakKeyOrHash {
		t.Errorf("got %v", err)
	}
}
