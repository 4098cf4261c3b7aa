package decrypt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

var (
	monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	someCA = pkix.Name{CommonName: "a.test", Organization: []string{"Example, Inc."}}
)

func makeCert(t testing.TB, key crypto.Signer, names int) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(0x0abc), Subject: someCA, NotBefore: monday, NotAfter: monday.AddDate(1, 0, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true, IssuingCertificateURL: []string{"http://a.test/ca"}}
	for i := range names {
		c.DNSNames = append(c.DNSNames, fmt.Sprintf("n%d.test", i))
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestDescribeCertificate(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edKey := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for _, tt := range []struct {
		key             crypto.Signer
		name, signature string
	}{{rsaKey, "RSA 2048", "SHA256-RSA"}, {ecKey, "ECDSA P-384", "ECDSA-SHA384"}, {edKey, "Ed25519", "Ed25519"}} {
		der := makeCert(t, tt.key, 1)
		got := describeCertificate(der)
		want := fact.Certificate{Subject: `CN=a.test,O=Example\, Inc.`, Issuer: `CN=a.test,O=Example\, Inc.`, Serial: "0abc", NotBefore: monday, NotAfter: monday.AddDate(1, 0, 0),
			Names: []string{"n0.test", "127.0.0.1"}, Key: tt.name, Signature: tt.signature, CA: true, KeyUsage: []string{"digitalSignature", "keyCertSign"},
			ExtKeyUsage: []string{"serverAuth"}, Issuers: []string{"http://a.test/ca"}, SHA256: got.SHA256}
		if !reflect.DeepEqual(got, want) || len(got.SHA256) != 64 {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		loosely := fact.Certificate{}
		readLoosely(&loosely, der)
		if loosely.Subject != want.Subject || loosely.Issuer != want.Issuer || loosely.Serial != want.Serial || !loosely.NotBefore.Equal(monday) ||
			!loosely.NotAfter.Equal(want.NotAfter) || loosely.Key != tt.name || loosely.Signature != tt.signature {
			t.Errorf("read loosely: %+v", loosely)
		}
	}
}

// crypto/x509 refuses a negative serial number; its owner's name is wanted all the same.
func TestDescribeRefusedCertificate(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	der := makeCert(t, key, 1)
	at := bytes.Index(der, []byte{2, 2, 0x0a, 0xbc})
	der[at+2] = 0x8a
	got := describeCertificate(der)
	if got.Error == "" || got.Serial != "8abc" || got.Subject != `CN=a.test,O=Example\, Inc.` || got.Key != "Ed25519" || !got.NotAfter.Equal(monday.AddDate(1, 0, 0)) {
		t.Errorf("got %+v", got)
	}
	for n := range der {
		_ = describeCertificate(der[:n])
	}
}

func TestChainsAreBounded(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	m := &tlswire.CertificateMessage{}
	for range 12 {
		m.Entries = append(m.Entries, tlswire.CertificateEntry{DER: makeCert(t, key, 150)})
	}
	m.Entries[1].DER = make([]byte, maxCertificate+1)
	d := describeCertificates(m)
	if len(d.Chain) != maxChain || d.Omitted != 2 || d.Chain[1].Error == "" || len(d.Chain[0].Names) != maxAltNames+1 || d.Chain[0].Names[maxAltNames] != "and 51 more" {
		t.Errorf("%d certificates, %d omitted, names %v", len(d.Chain), d.Omitted, d.Chain[0].Names)
	}
}

func FuzzDescribeCertificate(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	f.Add(makeCert(f, key, 2))
	f.Add([]byte("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01A"))
	f.Fuzz(func(t *testing.T, der []byte) {
		if d := describeCertificate(der); len(d.Subject) > maxText || len(d.Issuer) > maxText || len(d.SHA256) != 64 {
			t.Fatalf("got %+v", d)
		}
		_, _ = distinguishedName(der), keyName(der)
	})
}

func BenchmarkDescribeCertificate(b *testing.B) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"rsa": rsaKey, "p384": ecKey} {
		der := makeCert(b, key, 3)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = describeCertificate(der)
			}
		})
	}
}

func BenchmarkDescribeClientHello(b *testing.B) {
	h := &tlswire.ClientHello{Version: tlswire.VersionTLS12, Suites: make([]uint16, 16), Compression: []byte{0}, ServerName: "a.test", Groups: []uint16{29, 23},
		SignatureSchemes: make([]uint16, 8), Versions: []uint16{0x0304, 0x0303}, ALPN: []string{"h2", "http/1.1"}}
	h.BuildExtensions()
	b.ReportAllocs()
	for b.Loop() {
		_ = describeClientHello(h)
	}
}
