package tlscrypt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The P_SHA256 vector that the TLS working group published on its list in 2009.
func TestPRFVector(t *testing.T) {
	secret, seed := unhex(t, "9bbe436ba940f017b17652849a71db35"), unhex(t, "a0ba9f936cda311827a6f796ffd5198c")
	want := unhex(t, "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"+
		"0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66")
	if got := PRF(tlswire.VersionTLS12, "SHA256", secret, "test label", seed, len(want)); !bytes.Equal(got, want) {
		t.Errorf("got %x", got)
	}
	if got := PRF(tlswire.VersionTLS12, "SHA256", secret, "test label", seed, 7); !bytes.Equal(got, want[:7]) {
		t.Errorf("a shorter output is not the beginning of a longer: %x", got)
	}
}

// variant is one way to protect records; every one that is spoken here is tried.
type variant struct {
	suite   tlswire.Suite
	version uint16
	etm     bool
}

func variants(t *testing.T) []variant {
	var out []variant
	for _, id := range []uint16{0x0002, 0x0005, 0x0009, 0x000a, 0x002f, 0x0035, 0x003c, 0x003d, 0xc028, 0x009c, 0x009d, 0xcca8, 0xc09c, 0xc0a1,
		0x0041, 0x0088, 0x00c0, 0xc077, 0xc03c, 0xc04d, 0xc07a, 0xc07b, 0xc050, 0xc051} {
		s, ok := tlswire.SuiteByID(id)
		if !ok {
			t.Fatalf("suite %#x is unknown", id)
		}
		for v := tlswire.VersionSSL30; v <= tlswire.VersionTLS12; v++ {
			if v < tlswire.VersionTLS12 && (s.Cipher.Kind == tlswire.KindAEAD || s.MACLen() > 20) {
				continue
			}
			out = append(out, variant{s, v, false})
			if s.Cipher.Kind == tlswire.KindCBC && v > tlswire.VersionSSL30 {
				out = append(out, variant{s, v, true})
			}
		}
	}
	return out
}

func (v variant) pair(t *testing.T) (seal, open *Half) {
	t.Helper()
	k := DeriveKeys(&v.suite, v.version, make([]byte, MasterLen), make([]byte, RandomLen), make([]byte, RandomLen))
	seal, _, err := Halves(&v.suite, v.version, v.etm, &k)
	if err != nil {
		t.Fatal(err)
	}
	open, _, err = Halves(&v.suite, v.version, v.etm, &k)
	if err != nil {
		t.Fatal(err)
	}
	return seal, open
}

func TestSealOpen(t *testing.T) {
	for _, v := range variants(t) {
		seal, open := v.pair(t)
		for _, n := range []int{0, 1, 4, 11, 12, 15, 16, 17, 300, tlswire.MaxPlaintext} {
			payload := bytes.Repeat([]byte{'x'}, n)
			rec, err := seal.Seal([]byte("before"), 23, payload)
			if err != nil {
				t.Fatal(err)
			}
			rec = rec[len("before"):]
			if want := tlswire.SealedLen(&v.suite, v.version, v.etm, n); len(rec) != tlswire.RecordHeaderLen+want {
				t.Errorf("%s %#x etm %v: %d bytes become %d, predicted %d", v.suite.Name, v.version, v.etm, n, len(rec)-5, want)
			}
			got, err := open.Open(nil, 23, v.version, rec[tlswire.RecordHeaderLen:])
			if err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("%s %#x etm %v, %d bytes: got %d, %v", v.suite.Name, v.version, v.etm, n, len(got), err)
			}
		}
		if _, err := seal.Seal(nil, 23, make([]byte, tlswire.MaxPlaintext+1)); err == nil {
			t.Errorf("%s seals more than a record holds", v.suite.Name)
		}
	}
}

func TestOpenRefusesWhatWasAltered(t *testing.T) {
	for _, v := range variants(t) {
		seal, open := v.pair(t)
		rec, err := seal.Seal(nil, 23, []byte("hello, origin"))
		if err != nil {
			t.Fatal(err)
		}
		sealed := rec[tlswire.RecordHeaderLen:]
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1
			if _, err := open.Open(nil, 23, v.version, bad); !errors.Is(err, ErrBadRecord) {
				t.Errorf("%s: byte %d altered: %v", v.suite.Name, i, err)
			}
		}
		for n := range sealed {
			if _, err := open.Open(nil, 23, v.version, sealed[:n]); !errors.Is(err, ErrBadRecord) {
				t.Errorf("%s: cut to %d: %v", v.suite.Name, n, err)
			}
		}
		if _, err := open.Open(nil, 22, v.version, sealed); !errors.Is(err, ErrBadRecord) {
			t.Errorf("%s: another type: %v", v.suite.Name, err)
		}
		if got, err := open.Open(nil, 23, v.version, sealed); err != nil || string(got) != "hello, origin" {
			t.Errorf("%s: what was refused has moved it: %q, %v", v.suite.Name, got, err)
		}
	}
}

// A reader of captures that lost a record searches the number.
func TestOpenAfterALoss(t *testing.T) {
	for _, v := range variants(t) {
		if v.version <= tlswire.VersionTLS10 && v.suite.Cipher.Kind == tlswire.KindCBC || v.suite.Cipher.Name == "RC4_128" {
			continue // these chain: their state is lost with the record
		}
		seal, open := v.pair(t)
		var rec []byte
		for range 3 {
			var err error
			if rec, err = seal.Seal(nil, 23, []byte("third")); err != nil {
				t.Fatal(err)
			}
		}
		found := false
		for open.Seq = 0; open.Seq < 5 && !found; {
			seq := open.Seq
			got, err := open.Open(nil, 23, v.version, rec[5:])
			if found = err == nil && string(got) == "third" && seq == 2; !found {
				open.Seq = seq + 1
			}
		}
		if !found {
			t.Errorf("%s %#x etm %v: not found", v.suite.Name, v.version, v.etm)
		}
	}
}

func TestUnspokenCiphersAreNamed(t *testing.T) {
	s, _ := tlswire.SuiteByID(0x0007)
	k := DeriveKeys(&s, tlswire.VersionTLS12, make([]byte, MasterLen), make([]byte, RandomLen), make([]byte, RandomLen))
	if _, _, err := Halves(&s, tlswire.VersionTLS12, false, &k); err == nil {
		t.Error("IDEA is accepted though nothing speaks it")
	}
}

func TestSignatures(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("transcript")
	for _, id := range []uint16{RSAPKCS1SHA1, RSAPKCS1SHA256, RSAPKCS1SHA384, RSAPKCS1SHA512, RSAPSSSHA256, RSAPSSSHA384, RSAPSSSHA512} {
		sig, err := Sign(rsaKey, id, tlswire.VersionTLS12, message)
		if err != nil || Verify(rsaKey.Public(), tlswire.VersionTLS12, message, sig) != nil {
			t.Errorf("%#x: %v", id, err)
		}
		if err := Verify(rsaKey.Public(), tlswire.VersionTLS12, []byte("another"), sig); !errors.Is(err, ErrBadSignature) {
			t.Errorf("%#x fits another message: %v", id, err)
		}
		if err := Verify(ecKey.Public(), tlswire.VersionTLS12, message, sig); !errors.Is(err, ErrBadSignature) {
			t.Errorf("%#x fits an ECDSA key: %v", id, err)
		}
	}
	for _, v := range []uint16{tlswire.VersionTLS10, tlswire.VersionTLS12} {
		for _, key := range []crypto.Signer{rsaKey, ecKey} {
			sig, err := Sign(key, PickScheme(key.Public(), []uint16{0x0807, ECDSASHA384, RSAPSSSHA512}), v, message)
			if err != nil || (sig.Scheme == 0) != (v < tlswire.VersionTLS12) || Verify(key.Public(), v, message, sig) != nil {
				t.Errorf("%T, %#x: %v", key, v, err)
			}
		}
	}
	if got := PickScheme(rsaKey.Public(), []uint16{ECDSASHA256, 0x0807}); got != 0 {
		t.Errorf("an RSA key signs with %#x", got)
	}
	if _, err := Sign(rsaKey, 0x0807, tlswire.VersionTLS12, message); err == nil {
		t.Error("an unspoken scheme signs")
	}
}

func TestTranscriptLeavesHelloRequestsOut(t *testing.T) {
	var a, b Transcript
	a.Add(tlswire.HelloRequest())
	for _, tr := range []*Transcript{&a, &b} {
		tr.Add(tlswire.AppendMessage(nil, tlswire.MsgClientHello, []byte("x")))
	}
	if !bytes.Equal(a.Sum(tlswire.VersionTLS12, "SHA384"), b.Sum(tlswire.VersionTLS12, "SHA384")) || len(a.Sum(tlswire.VersionTLS11, "")) != 36 {
		t.Error("a HelloRequest is in the hash")
	}
}
