package tlscrypt

import (
	"bytes"
	"crypto/aes"
	"os"
	"strings"
	"testing"
)

// The vectors of the standards: RFC 3713 appendix A, RFC 5794 appendix A; and what OpenSSL makes of random keys and blocks.
func TestBlocks(t *testing.T) {
	const counting = "000102030405060708090a0b0c0d0e0f"
	text, err := os.ReadFile("testdata/blocks.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := append(strings.Split(strings.TrimSpace(string(text)), "\n"),
		"camellia-128 0123456789abcdeffedcba9876543210 0123456789abcdeffedcba9876543210 67673138549669730857065648eabe43",
		"camellia-256 0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff 0123456789abcdeffedcba9876543210 9acc237dff16d76c20ef7c919e3a7509",
		"aria-128 "+counting+" 00112233445566778899aabbccddeeff d718fbd6ab644c739da95f3be6451778",
		"aria-256 "+counting+"101112131415161718191a1b1c1d1e1f 00112233445566778899aabbccddeeff f92bd7c79fb72e2f2b8f80c1972d24fc")
	for _, line := range lines {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		name, _, _ := strings.Cut(strings.ToUpper(f[0]), "-")
		b, err := newBlock(name+"_128_CBC", unhex(t, f[1]))
		if err != nil {
			t.Fatal(err)
		}
		clear, sealed := unhex(t, f[2]), unhex(t, f[3])
		for at := 0; at < len(clear); at += 16 {
			got := bytes.Clone(clear[at : at+16])
			if b.Encrypt(got, got); !bytes.Equal(got, sealed[at:at+16]) {
				t.Errorf("%s: encrypted %x", line, got)
			}
			if b.Decrypt(got, got); !bytes.Equal(got, clear[at:at+16]) {
				t.Errorf("%s: decrypted %x", line, got)
			}
		}
	}
	for _, name := range []string{"CAMELLIA_128_CBC", "ARIA_256_GCM", "AES_128_CCM"} {
		if _, err := newBlock(name, make([]byte, 15)); err == nil {
			t.Errorf("%s takes a key of 15 bytes", name)
		}
	}
}

// NIST SP 800-38C example 3, whose nonce is as long as that of TLS.
func TestCCM(t *testing.T) {
	b, err := aes.NewCipher(unhex(t, "404142434445464748494a4b4c4d4e4f"))
	if err != nil {
		t.Fatal(err)
	}
	c := newCCM(b, 8)
	nonce, ad := unhex(t, "101112131415161718191a1b"), unhex(t, "000102030405060708090a0b0c0d0e0f10111213")
	clear := unhex(t, "202122232425262728292a2b2c2d2e2f3031323334353637")
	want := unhex(t, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
	if got := c.Seal(nil, nonce, clear, ad); !bytes.Equal(got, want) {
		t.Errorf("sealed %x", got)
	}
	if got, err := c.Open([]byte("x"), nonce, want, ad); err != nil || !bytes.Equal(got[1:], clear) {
		t.Errorf("opened %x, %v", got, err)
	}
	for n := range want {
		if _, err := c.Open(nil, nonce, want[:n], ad); err == nil {
			t.Errorf("cut to %d it opens", n)
		}
	}
}
