package decrypt

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/test/peer"
)

// Certificates of OpenSSL with keys that crypto/x509 knows, half knows or refuses: all have their names, key and dates.
func TestDescribeKeysOfOpenSSL(t *testing.T) {
	openssl := peer.Need(t, "openssl", "openssl")
	dir := t.TempDir()
	for _, tt := range []struct{ args, key, signature string }{
		{"-newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha256", "ECDSA P-256", "ECDSA-SHA256"},
		{"-newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1 -sha384", "ECDSA brainpoolP256r1", "ECDSA-SHA384"},
		{"-newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -sha256", "ECDSA secp256k1", "ECDSA-SHA256"},
		{"-newkey ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -sha256", "ECDSA explicit curve", "ECDSA-SHA256"},
		{"-newkey ed448", "Ed448", "Ed448"},
		{"-newkey rsa:1024 -sha224", "RSA 1024", "SHA224-RSA"},
		{"-newkey rsa-pss -pkeyopt rsa_keygen_bits:2048 -sha256", "RSA-PSS 2048", "RSA-PSS"},
		{"-newkey rsa:1024 -md5", "RSA 1024", "MD5-RSA"},
	} {
		out := filepath.Join(dir, "cert.pem")
		args := append([]string{"req", "-x509", "-nodes", "-keyout", filepath.Join(dir, "key.pem"), "-out", out, "-days", "30",
			"-subj", "/C=GB/O=Lunette/CN=a.test"}, strings.Fields(tt.args)...)
		if msg, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v: %s", tt.args, err, msg)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		got := describeCertificate(block.Bytes)
		if got.Key != tt.key || got.Signature != tt.signature || got.Subject != "CN=a.test,O=Lunette,C=GB" || got.Issuer != got.Subject ||
			got.NotAfter.Sub(got.NotBefore).Hours() != 30*24 || got.Serial == "" {
			t.Errorf("%s: got %+v", tt.args, got)
		}
	}
}

func TestKeyNames(t *testing.T) {
	type info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	for want, oid := range map[string]asn1.ObjectIdentifier{
		"ML-DSA-65": {2, 16, 840, 1, 101, 3, 4, 3, 18}, "1.2.3.4": {1, 2, 3, 4}, "RSA": {1, 2, 840, 113549, 1, 1, 1}, "DSA": {1, 2, 840, 10040, 4, 1}, "Ed25519": {1, 3, 101, 112},
	} {
		der, err := asn1.Marshal(info{pkix.AlgorithmIdentifier{Algorithm: oid}, asn1.BitString{Bytes: []byte{1}, BitLength: 8}})
		if err != nil {
			t.Fatal(err)
		}
		if got := keyName(der); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := keyName([]byte("junk")); got != "" {
		t.Errorf("junk is %q", got)
	}
	p, err := asn1.Marshal(struct{ P, Q, G int }{0xffff, 3, 2})
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(info{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, Parameters: asn1.RawValue{FullBytes: p}}, asn1.BitString{Bytes: []byte{1}, BitLength: 8}})
	if err != nil {
		t.Fatal(err)
	}
	if got := keyName(der); got != "DSA 16" {
		t.Errorf("got %s", got)
	}
}

func TestTimesFitJSON(t *testing.T) {
	before, after := validity([]byte("\x17\x0d260102030405Z\x18\x1399991231235959-1200"))
	if before != time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) || !after.IsZero() {
		t.Errorf("got %v and %v", before, after)
	}
}
