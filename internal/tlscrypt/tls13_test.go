package tlscrypt

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// vectors reads lines of "name: hex".
func vectors(t *testing.T, file string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ": "); ok && line[0] != '#' {
			out[name] = unhex(t, strings.TrimSpace(value))
		}
	}
	return out
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The trace of RFC 8448 section 3 from the key exchange to the last record, by nothing but its hellos and one private key.
func TestRFC8448(t *testing.T) {
	v, get := vectors(t, "rfc8448.txt"), must[[]byte](t)
	suite, _ := tlswire.SuiteByID(0x1301)
	private, err := ecdh.X25519().NewPrivateKey(v["client private key"])
	if err != nil {
		t.Fatal(err)
	}
	public, err := ecdh.X25519().NewPublicKey(v["server public key"])
	if err != nil {
		t.Fatal(err)
	}
	var tr Transcript
	tr.Add(v["client hello"])
	tr.Add(v["server hello"])
	sum := func() []byte { return tr.Sum(tlswire.VersionTLS13, suite.PRF) }
	open := func(secret []byte, seq uint64, record string, wantType uint8) []byte {
		t.Helper()
		h, err := NewHalf13(&suite, secret)
		if err != nil {
			t.Fatal(err)
		}
		h.Seq = seq
		r := v[record]
		plain, typ, err := h.OpenRecord(nil, r[0], tlswire.VersionTLS12, r[5:])
		if err != nil || typ != wantType {
			t.Fatalf("%s: type %d, %v", record, typ, err)
		}
		h.Seq = seq
		if again, err := h.Seal(nil, typ, plain); err != nil || !bytes.Equal(again, r) {
			t.Errorf("%s: sealed again it is %x, %v", record, again, err)
		}
		return plain
	}
	handshake := get(HandshakeSecret(suite.PRF, get(EarlySecret(suite.PRF, nil)), get(private.ECDH(public))))
	client := get(DeriveSecret(suite.PRF, handshake, LabelClientHandshakeTraffic, sum()))
	server := get(DeriveSecret(suite.PRF, handshake, LabelServerHandshakeTraffic, sum()))

	flight := open(server, 0, "server flight record", tlswire.TypeHandshake)
	tr.Add(flight[:len(flight)-36])
	if want := get(Finished13(suite.PRF, server, sum())); !bytes.Equal(want, flight[len(flight)-32:]) {
		t.Errorf("the server's Finished is not %x", want)
	}
	tr.Add(flight[len(flight)-36:])
	main := get(MainSecret(suite.PRF, handshake))
	clientData := get(DeriveSecret(suite.PRF, main, LabelClientTraffic, sum()))
	serverData := get(DeriveSecret(suite.PRF, main, LabelServerTraffic, sum()))
	fin := open(client, 0, "client finished record", tlswire.TypeHandshake)
	if !bytes.Equal(fin[4:], get(Finished13(suite.PRF, client, sum()))) {
		t.Errorf("the client's Finished is %x", fin)
	}
	tr.Add(fin)
	psk := get(ResumptionPSK(suite.PRF, get(DeriveSecret(suite.PRF, main, LabelResumption, sum())), []byte{0, 0})) // the nonce of its ticket
	if want := unhex(t, "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3"); !bytes.Equal(psk, want) {
		t.Errorf("the PSK of the ticket is %x", psk)
	}
	for i, b := range open(clientData, 0, "client data record", tlswire.TypeApplicationData) {
		if int(b) != i {
			t.Fatalf("byte %d of the client's data is %d", i, b)
		}
	}
	if got := open(serverData, 1, "server data record", tlswire.TypeApplicationData); len(got) != 50 { // a ticket came before
		t.Errorf("the server's data has %d bytes", len(got))
	}
}

func TestSealOpen13(t *testing.T) {
	for _, id := range []uint16{0x1301, 0x1302, 0x1303, 0x1304, 0x1305} {
		s, _ := tlswire.SuiteByID(id)
		secret := bytes.Repeat([]byte{7}, HashLen(s.PRF))
		seal, open := must[*Half](t)(NewHalf13(&s, secret)), must[*Half](t)(NewHalf13(&s, secret))
		for _, n := range []int{0, 1, 15, 16, 17, tlswire.MaxPlaintext} {
			rec := must[[]byte](t)(seal.Seal(nil, tlswire.TypeAlert, bytes.Repeat([]byte{0}, n)))
			if rec[0] != tlswire.TypeApplicationData || len(rec)-5 != tlswire.SealedLen(&s, tlswire.VersionTLS13, false, n) {
				t.Errorf("%s: header %x for %d bytes", s.Name, rec[:5], n)
			}
			got, typ, err := open.OpenRecord([]byte("before"), rec[0], tlswire.VersionTLS12, rec[5:])
			if err != nil || typ != tlswire.TypeAlert || len(got) != n+6 {
				t.Fatalf("%s: %d bytes: %d, type %d, %v", s.Name, n, len(got), typ, err)
			}
			rec[len(rec)-1] ^= 1
			if _, err := open.Open(nil, rec[0], tlswire.VersionTLS12, rec[5:]); err != BadTag || !errors.Is(err, ErrBadRecord) {
				t.Errorf("%s: altered: %v", s.Name, err)
			}
		}
	}
}

// Zeros behind the content are padding, in front of the type (RFC 8446 section 5.4).
func TestPadding13(t *testing.T) {
	s, _ := tlswire.SuiteByID(0x1301)
	key, iv, err := TrafficKeys(&s, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	a := must[*inner](t)(sealer13(key, iv))
	for _, tt := range []struct {
		inner string
		want  string
		typ   uint8
		err   error
	}{
		{"hello\x17\x00\x00\x00", "hello", 23, nil},
		{"\x00\x00\x16", "\x00\x00", 22, nil},
		{"\x15" + strings.Repeat("\x00", tlswire.MaxPlaintext), "", 21, nil},
		{"\x00\x00\x00", "", 0, BadInner},
		{"", "", 0, BadInner},
		{strings.Repeat("x", tlswire.MaxPlaintext+1) + "\x17", "", 0, BadLength},
	} {
		h := must[*Half](t)(NewHalf13(&s, make([]byte, 32)))
		a.set(0, 23, tlswire.VersionTLS12, len(tt.inner)+16)
		got, typ, err := h.OpenRecord(nil, 23, tlswire.VersionTLS12, a.a.Seal(nil, a.nonce[:], []byte(tt.inner), a.ad[:]))
		if string(got) != tt.want || typ != tt.typ || err != tt.err {
			t.Errorf("%.20q: %.20q, type %d, %v", tt.inner, got, typ, err)
		}
	}
}

func sealer13(key, iv []byte) (*inner, error) {
	a, err := newAEAD("AES_128_GCM", key)
	if err != nil {
		return nil, err
	}
	return newInner(a, iv).(*inner), nil
}

func TestSchedule13Refuses(t *testing.T) {
	s, _ := tlswire.SuiteByID(0x1302)
	if _, err := NewHalf13(&s, make([]byte, 32)); err == nil {
		t.Error("a secret of another hash is taken")
	}
	old, _ := tlswire.SuiteByID(0x009c)
	if _, err := NewHalf13(&old, make([]byte, 32)); err == nil {
		t.Error("a suite of TLS 1.2 is taken for 1.3")
	}
	if _, err := NewHalf(&s, tlswire.VersionTLS12, false, nil, make([]byte, 32), make([]byte, 4)); err == nil {
		t.Error("a suite of TLS 1.3 is taken for 1.2")
	}
	if _, err := NewHalf(&old, tlswire.VersionTLS13, false, nil, make([]byte, 16), make([]byte, 4)); err == nil {
		t.Error("NewHalf takes TLS 1.3")
	}
	for _, n := range []int{-1, 256 * 32} {
		if _, err := ExpandLabel("SHA256", make([]byte, 32), "key", nil, n); err == nil {
			t.Errorf("%d bytes are expanded", n)
		}
	}
	if _, err := ExpandLabel("SHA256", nil, "key", make([]byte, 256), 16); err == nil {
		t.Error("a context of 256 bytes is taken")
	}
}
