package secrets

import (
	"bytes"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
)

// opens demands that the one key of s undoes what its public half does.
func opens(t *testing.T, s *Store) {
	t.Helper()
	keys := s.RSAKeys(nil)
	if len(keys) != 1 {
		t.Fatalf("%d keys", len(keys))
	}
	k, text := keys[0], big.NewInt(0xbeef)
	closed := new(big.Int).Exp(text, big.NewInt(int64(k.E)), k.N)
	if closed.Exp(closed, k.D, k.N).Cmp(text) != 0 {
		t.Error("the key does not open what it closed")
	}
}

// TestSmallKeys reads keys that nobody should use any more; old origins have them.
func TestSmallKeys(t *testing.T) {
	w := openssl(t)
	for _, args := range []string{"genrsa -traditional 512", "genrsa 768", "genrsa -traditional -primes 3 2048", "genrsa -3 1024"} {
		t.Run(args, func(t *testing.T) {
			w.t = t
			if f := strings.Fields(args); len(f) > 2 {
				args = f[0] + " -out out " + strings.Join(f[1:], " ")
			} else {
				args = f[0] + " -out out " + f[1]
			}
			w.run(args)
			s := New()
			if err := s.AddPrivateKey("key", w.read("out"), nil); err != nil {
				t.Fatal(err)
			}
			opens(t, s)
			w.run("pkcs12 -export -inkey out -nocerts -passout pass: -out out.pfx")
			if err := s.AddPrivateKey("key", w.read("out.pfx"), nil); err != nil {
				t.Error(err)
			}
			opens(t, s)
		})
	}
}

// TestOddNumbers reads keys whose values are not as the standard library wants them.
func TestOddNumbers(t *testing.T) {
	k := captures.RSAKey(t)
	p, q := k.Primes[0], k.Primes[1]
	one, zero := big.NewInt(1), new(big.Int)
	dp, dq, qinv := k.Precomputed.Dp, k.Precomputed.Dq, k.Precomputed.Qinv
	// d modulo (p-1)(q-1), as old generators have it, and a multiple.
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	large := new(big.Int).ModInverse(big.NewInt(int64(k.E)), phi)
	for name, c := range map[string]struct {
		key pkcs1Key
		bad bool
	}{
		"as it is":          {pkcs1Key{0, k.N, k.E, k.D, p, q, dp, dq, qinv}, false},
		"p < q":             {pkcs1Key{0, k.N, k.E, k.D, q, p, dq, dp, new(big.Int).ModInverse(p, q)}, false},
		"p < q, old qinv":   {pkcs1Key{0, k.N, k.E, k.D, q, p, dq, dp, qinv}, false},
		"d modulo phi":      {pkcs1Key{0, k.N, k.E, large, p, q, dp, dq, qinv}, false},
		"no primes":         {pkcs1Key{0, k.N, k.E, k.D, zero, zero, zero, zero, zero}, false},
		"wrong primes":      {pkcs1Key{0, k.N, k.E, k.D, p, p, dp, dp, one}, false},
		"wrong d":           {pkcs1Key{0, k.N, k.E, new(big.Int).Add(k.D, one), p, q, dp, dq, qinv}, true},
		"no d":              {pkcs1Key{0, k.N, k.E, zero, p, q, dp, dq, qinv}, true},
		"no n":              {pkcs1Key{0, zero, k.E, k.D, p, q, dp, dq, qinv}, true},
		"even n":            {pkcs1Key{0, new(big.Int).Add(k.N, one), k.E, k.D, p, q, dp, dq, qinv}, true},
		"e of 1":            {pkcs1Key{0, k.N, 1, one, p, q, dp, dq, qinv}, true},
		"n below zero":      {pkcs1Key{0, new(big.Int).Neg(k.N), k.E, k.D, p, q, dp, dq, qinv}, true},
		"n of 20,000 bits":  {pkcs1Key{0, new(big.Int).Lsh(k.N, 18000), k.E, k.D, p, q, dp, dq, qinv}, true},
		"dp of 20,000 bits": {pkcs1Key{0, k.N, k.E, k.D, p, q, new(big.Int).Lsh(one, 20000), dq, qinv}, true},
	} {
		t.Run(name, func(t *testing.T) {
			der, err := asn1.Marshal(c.key)
			if err != nil {
				t.Fatal(err)
			}
			s := New()
			err = s.AddPrivateKey("key", der, nil)
			if c.bad {
				if err == nil || !s.Empty() {
					t.Error("it was taken")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			opens(t, s)
		})
	}
}

// TestKeysInOrder holds that the key of the server's certificate comes first.
func TestKeysInOrder(t *testing.T) {
	s := New()
	for _, n := range []int64{1001, 1003, 1007} {
		s.addKey(&rsa.PrivateKey{PublicKey: rsa.PublicKey{N: big.NewInt(n), E: 3}, D: big.NewInt(1)})
	}
	for n, want := range map[int64][3]int64{1001: {1001, 1003, 1007}, 1007: {1007, 1001, 1003}, 1003: {1003, 1001, 1007}, 5: {1001, 1003, 1007}} {
		keys := s.RSAKeys(append([]byte{0}, big.NewInt(n).Bytes()...)) // as DER has it, with its sign
		for i, k := range keys {
			if k.N.Int64() != want[i] {
				t.Errorf("%d: key %d is %d", n, i, k.N)
			}
		}
	}
	if len(s.RSAKeys(nil)) != 3 {
		t.Error("not all of them")
	}
}

// TestRC2 decrypts the samples of RFC 2268 5 whose strength is a whole number of bytes.
func TestRC2(t *testing.T) {
	for _, c := range []struct {
		key       string
		effective int
		plain     string
		cipher    string
	}{
		{"ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"},
		{"88", 64, "0000000000000000", "61a8a244adacccf0"},
		{"88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"},
		{"88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"},
		{"88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"},
	} {
		var got [8]byte
		newRC2(raw(t, c.key), c.effective).Decrypt(got[:], raw(t, c.cipher))
		if hex.EncodeToString(got[:]) != c.plain {
			t.Errorf("%s: %x, want %s", c.key, got, c.plain)
		}
	}
}

// TestPKCS12InPieces reads a file as macOS and NSS write it: lengths that come at the end, strings in pieces.
func TestPKCS12InPieces(t *testing.T) {
	w := openssl(t)
	for _, options := range []string{"", " -legacy -keypbe PBE-SHA1-RC2-40", " -keypbe NONE -certpbe NONE"} {
		w.run("pkcs12 -export -inkey key.pem -in cert.pem -passout pass: -out key.pfx" + options)
		der := w.read("key.pfx")
		ber := inPieces(t, der)
		if bytes.Equal(der, ber) {
			t.Fatal("nothing was changed")
		}
		s := New()
		if err := s.AddPrivateKey("key.pfx", ber, nil); err != nil {
			t.Fatalf("%s: %v", options, err)
		}
		opens(t, s)
		s = New()
		if err := s.AddPrivateKey("key.pfx", inPieces(t, deepPieces(t, der)), nil); err != nil {
			t.Fatalf("%s, strings within strings: %v", options, err)
		}
		opens(t, s)
		if back, err := toDER(ber); err != nil || !bytes.Equal(back, der) {
			t.Errorf("%s: back to DER: %v", options, err)
		}
	}
}

// inPieces rewrites DER with lengths that are not known in advance, and strings of 100 bytes a piece.
func inPieces(t *testing.T, der []byte) (out []byte) {
	t.Helper()
	for len(der) > 0 {
		var e asn1.RawValue
		rest, err := asn1.Unmarshal(der, &e)
		if err != nil {
			t.Fatal(err)
		}
		der = rest
		switch {
		case e.IsCompound:
			out = append(append(append(out, e.FullBytes[0], 0x80), inPieces(t, e.Bytes)...), 0, 0)
		case e.Tag == asn1.TagOctetString && e.Class == asn1.ClassUniversal && len(e.Bytes) > 100:
			out = append(out, 0x24, 0x80)
			for b := e.Bytes; len(b) > 0; {
				n := min(len(b), 100)
				out = append(appendLength(append(out, 0x04), n), b[:n]...)
				b = b[n:]
			}
			out = append(out, 0, 0)
		default:
			out = append(out, e.FullBytes...)
		}
	}
	return out
}

// deepPieces applies inPieces to what stands in strings, and cuts the encrypted content, which is tagged [0].
func deepPieces(t *testing.T, der []byte) (out []byte) {
	t.Helper()
	for len(der) > 0 {
		var e, inner asn1.RawValue
		rest, err := asn1.Unmarshal(der, &e)
		if err != nil {
			t.Fatal(err)
		}
		der = rest
		body, tag := e.Bytes, e.FullBytes[0]
		switch {
		case e.IsCompound:
			body = deepPieces(t, e.Bytes)
		case tag == 0x04 && len(body) > 200:
			if left, err := asn1.Unmarshal(body, &inner); err == nil && len(left) == 0 && inner.Tag == asn1.TagSequence {
				body = inPieces(t, deepPieces(t, body))
			}
		case tag == 0x80 && len(body) > 100:
			tag = 0xa0
			body = append(append(appendLength([]byte{0x04}, 100), body[:100]...), append(appendLength([]byte{0x04}, len(body)-100), body[100:]...)...)
		}
		out = append(appendLength(append(out, tag), len(body)), body...)
	}
	return out
}
