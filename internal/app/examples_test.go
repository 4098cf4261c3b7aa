package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
)

// Every example in docs/examples is a configuration without a fault or a warning, its rules included.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	dir := exampleFiles(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, filepath.Base(file))
			put(t, path, text)
			faults, err := Check(path)
			if bad, warned := faults.Count(); err != nil || bad+warned > 0 || len(faults) > 1 { // one note of the Core Rule Set at most
				t.Errorf("%v\n%s", err, faults)
			}
		})
	}
}

// exampleFiles makes a folder with all files that the examples name, certificates with the names of their sites.
func exampleFiles(t *testing.T) string {
	dir := t.TempDir()
	ca, err := certs.NewCA("Example", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop", "portal", "gateway", "scales", "app", "cms"} {
		cert, err := ca.Issue(certs.Options{Names: []string{name + ".example", "www." + name + ".example"}})
		if err != nil {
			t.Fatal(err)
		}
		key, err := cert.KeyPEM()
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, name+".crt"), cert.ChainPEM())
		put(t, filepath.Join(dir, name+".key"), key)
	}
	authority, crl := revoking(t)
	for name, data := range map[string][]byte{
		"origin-ca.pem": ca.PEM(), "appliance.pem": ca.PEM(), "clients-ca.pem": authority, "clients.crl": crl,
		"custom.conf":    []byte("SecRule REQUEST_HEADERS:User-Agent \"@contains nikto\" \"id:10001,phase:1,deny,status:403\"\n"),
		"pages/403.html": []byte("<p>Blocked. {{sentence}} {{id}}</p>\n"),
	} {
		put(t, filepath.Join(dir, name), data)
	}
	return dir
}

// revoking makes an authority and its empty revocation list, both PEM.
func revoking(t *testing.T) (authority, list []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Clients"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}, ca, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl})
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
