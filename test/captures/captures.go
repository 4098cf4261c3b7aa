// Package captures is the set of recorded connections that the capture lane is tested with: 150 files, their secrets and an index.
//
// Each is a TLS leg to an HTTPS origin on loopback: normal, abnormal and refused renegotiations over versions and suites, resumption,
// KeyUpdate, HelloRetryRequest, damaged and failing flows. Input: nothing. Output: paths and values of testdata.
// Promises: every capture has its row in index.tsv; the keys are throw-away keys. Non-goals: making captures.
package captures

import (
	"bufio"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Capture is one file of the set, as index.tsv describes it.
type Capture struct {
	Name    string // without its ending
	Path    string
	Port    string // of the origin
	Version string // "1.2", "SSL3", "-" when no handshake came so far
	Suite   string // "0xc030"
	KeyLog  string // path, "" without
	RSA     bool   // the origin's RSA key opens it
	DSB     bool   // its secrets are inside
	HelloAt string // when the HelloRequest came: "0.004s", "-" without one
	Answer  string // "ClientHello after 0.000s", "alert after 0.000s", "none for 4.0s", "-"
}

// Dir is the folder of the files.
func Dir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "testdata")
}

// All returns the set in the order of the index.
func All(t testing.TB) []Capture {
	t.Helper()
	f, err := os.Open(filepath.Join(Dir(), "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []Capture
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		c := strings.Split(lines.Text(), "\t")
		if len(c) != 8 {
			t.Fatalf("index.tsv: %q has %d columns, not 8", lines.Text(), len(c))
		}
		name, _, _ := strings.Cut(c[0], ".")
		one := Capture{Name: name, Path: filepath.Join(Dir(), c[0]), Port: c[1], Version: c[2], Suite: c[3],
			RSA: strings.Contains(c[5], "RSA key"), DSB: strings.Contains(c[5], "DSB"), HelloAt: c[6], Answer: c[7]}
		one.KeyLog = keyLog(name)
		out = append(out, one)
	}
	return out
}

// keyLog finds the secrets of a capture: the damaged ones share a file.
func keyLog(name string) string {
	if strings.HasPrefix(name, "damaged_gcm") {
		name = "damaged_gcm"
	}
	path := filepath.Join(Dir(), name+".keys")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Find returns one capture by name.
func Find(t testing.TB, name string) Capture {
	t.Helper()
	for _, c := range All(t) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no capture is called %q", name)
	return Capture{}
}

// RSAKey returns the private key of the RSA origin.
func RSAKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir(), "server_rsa.numbers"))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]*big.Int{}
	for line := range strings.Lines(string(text)) {
		if name, hex, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			numbers[name], _ = new(big.Int).SetString(hex, 16)
		}
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: numbers["n"], E: int(numbers["e"].Int64())}, D: numbers["d"],
		Primes: []*big.Int{numbers["p"], numbers["q"]}}
	key.Precompute()
	if err := key.Validate(); err != nil {
		t.Fatal(err)
	}
	return key
}

// RSAKeyFile writes that key as PEM (PKCS#1) into the test's folder and returns its path.
func RSAKeyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server_rsa.key")
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(RSAKey(t))}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
