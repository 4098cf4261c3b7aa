package secrets

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/lunette-waf/lunette/test/captures"
)

// FuzzKeyLog holds that no text makes it fail, that pieces change nothing, and that faults hold no digits of secrets.
func FuzzKeyLog(f *testing.F) {
	good := "CLIENT_RANDOM " + random + " " + long + "\r\n"
	for _, seed := range []string{
		good, "# x\n\n" + good + good, "RSA " + start + " " + long, "RSA Session-ID:ab01 Master-Key:" + long, "PMS_CLIENT_RANDOM " + random + " 00",
		"SSL-Session:\n  Session-ID: AB\n  Master-Key: " + long, "CLIENT_TRAFFIC_SECRET_N x", "EXPORTER_SECRET " + random + " " + short,
		string(utf16Text(good)), "\xfe\xff\x00C\x00L", "\xef\xbb\xbf" + good, strings.Repeat("x", maxLine+1) + "\n" + good, "\xd4\xc3\xb2\xa1",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		whole, inPieces := New(), New()
		a, errA := whole.AddKeyLog("keys", bytes.NewReader(data))
		b, errB := inPieces.AddKeyLog("keys", &pieces{data, max(size, 1)})
		if a.Secrets != b.Secrets || a.Lines != b.Lines || a.More != b.More || strings.Join(a.Faults, "\n") != strings.Join(b.Faults, "\n") {
			t.Fatalf("whole %+v, in pieces %+v", a, b)
		}
		if (errA == nil) != (errB == nil) || errA != nil && errA.Error() != errB.Error() {
			t.Fatalf("whole %v, in pieces %v", errA, errB)
		}
		if a.Secrets > a.Lines || len(a.Faults) > maxFaults || whole.Empty() != (a.Secrets == 0) {
			t.Fatalf("%+v", a)
		}
		for _, fault := range a.Faults {
			if strings.ContainsFunc(fault, func(r rune) bool { return r < ' ' }) || len(fault) > 200 {
				t.Fatalf("%q", fault)
			}
		}
	})
}

// FuzzPrivateKey holds that no file makes it fail, in any of the formats, PKCS#12 included.
func FuzzPrivateKey(f *testing.F) {
	for _, seed := range keySeeds(f) {
		f.Add(seed)
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PKCS12", Bytes: seed}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		s := New()
		err := s.AddPrivateKey("key", data, func() ([]byte, error) { return []byte("pw"), nil })
		for _, k := range s.RSAKeys(nil) {
			if k.N.Sign() <= 0 || k.N.BitLen() > maxModulus || k.D.Sign() <= 0 || k.E < 2 {
				t.Fatalf("a key that is none: %v", k)
			}
		}
		if err == nil && s.Empty() {
			t.Fatal("neither a key nor an error")
		}
		if err != nil && (strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) || len(err.Error()) > 400) {
			t.Fatalf("%q", err)
		}
		if asked := s.AddPrivateKey("key", data, nil); err == nil && asked != nil && !errors.Is(asked, ErrPasswordNeeded) {
			t.Fatalf("with a password it is good, without: %v", asked)
		}
	})
}

// keySeeds are files of every format, in few bytes and with few iterations.
func keySeeds(f *testing.F) [][]byte {
	f.Helper()
	key := captures.RSAKey(f)
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		f.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		f.Fatal(err)
	}
	seeds := [][]byte{x509.MarshalPKCS1PrivateKey(key), plain, der}
	for _, opts := range []*pkcs8.Opts{
		{Cipher: pkcs8.AES128CBC, KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 2, HMACHash: 5}},
		{Cipher: pkcs8.TripleDESCBC, KDFOpts: pkcs8.ScryptOpts{SaltSize: 8, CostParameter: 4, BlockSize: 1, ParallelizationParameter: 1}},
	} {
		seed, err := pkcs8.MarshalPrivateKey(key, []byte("pw"), opts)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, seed)
	}
	for _, e := range []*pkcs12.Encoder{pkcs12.LegacyRC2, pkcs12.LegacyDES, pkcs12.Modern2023, pkcs12.Modern2026} {
		for _, password := range []string{"pw", ""} {
			seed, err := e.WithIterations(2).Encode(key, cert, nil, password)
			if err != nil {
				f.Fatal(err)
			}
			seeds = append(seeds, seed)
		}
	}
	return seeds
}
