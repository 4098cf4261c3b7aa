package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// testNow is the time at which the tests load files.
var testNow = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

type testCA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// testFiles fills a new folder with everything that the files in testdata name.
func testFiles(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	ca, other := newCA(t, "Test CA"), newCA(t, "Other CA")
	ca.issue(t, dir, "hello", testNow.AddDate(1, 0, 0), "hello.test.domain", "*.shop.test", "a.test", "b.test")
	ca.issue(t, dir, "expired", testNow.AddDate(0, 0, -1), "hello.test.domain", "a.test")
	ca.issue(t, dir, "waf", testNow.AddDate(1, 0, 0))
	put(t, dir, "ca.pem", pemOf("CERTIFICATE", ca.cert.Raw))
	put(t, dir, "origin-ca.pem", pemOf("CERTIFICATE", ca.cert.Raw))
	put(t, dir, "ca.crl", pemOf("X509 CRL", ca.crl(t, testNow.AddDate(0, 1, 0))))
	put(t, dir, "old.crl", ca.crl(t, testNow.AddDate(0, 0, -1)))
	put(t, dir, "other.crl", pemOf("X509 CRL", other.crl(t, testNow.AddDate(0, 1, 0))))
	put(t, dir, "chain-first.crt", append(pemOf("CERTIFICATE", ca.cert.Raw), read(t, dir, "hello.crt")...))
	put(t, dir, "encrypted.key", pemOf("ENCRYPTED PRIVATE KEY", []byte("sealed")))
	put(t, dir, "broken.key", pemOf("PRIVATE KEY", []byte("not a key")))
	put(t, dir, "hello.der", ca.cert.Raw)
	put(t, dir, "custom.conf", []byte("SecRule ARGS \"@contains x\" \"id:1,phase:2,pass\"\n"))
	put(t, dir, "pages/502.html", []byte("<h1>{{id}}</h1>\n"))
	put(t, dir, "pages/bare.html", []byte("<h1>Sorry {{ids}} id {{status}}</h1>{{id\n"))
	put(t, dir, "pages/spaced.html", []byte("<h1>{{ status }}</h1><p>{{ id }}"))
	put(t, dir, "big.html", bytes.Repeat([]byte("x"), maxPage+1))
	put(t, dir, "token", []byte("0123456789abcdef0123456789abcdef\n"))
	put(t, dir, "short-token", []byte("hunter2\n"))
	return dir
}

func newCA(t testing.TB, name string) testCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: testNow.AddDate(-1, 0, 0), NotAfter: testNow.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return testCA{cert, key}
}

func (ca testCA) issue(t testing.TB, dir, name string, until time.Time, names ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: names,
		IPAddresses: []net.IP{net.ParseIP("2001:db8::1")},
		NotBefore:   testNow.AddDate(-1, 0, 0), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, key.Public(), ca.key)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	put(t, dir, name+".crt", pemOf("CERTIFICATE", der))
	put(t, dir, name+".key", pemOf("PRIVATE KEY", keyDER))
}

func (ca testCA) crl(t testing.TB, until time.Time) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: testNow.AddDate(0, -1, 0), NextUpdate: until,
	}, ca.cert, ca.key)
	must(t, err)
	return der
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, data, 0o600))
}

func read(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return data
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
