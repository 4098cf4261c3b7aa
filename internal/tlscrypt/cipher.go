package tlscrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"errors"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

var (
	errUnspoken = errors.New("this cipher is not spoken here")
	errIV       = errors.New("the iv has another length than the cipher wants")
)

func newProtection(s *tlswire.Suite, version uint16, etm bool, macKey, key, iv []byte) (protection, error) {
	if s.Cipher.Kind == tlswire.KindAEAD {
		if s.TLS13() || version < tlswire.VersionTLS12 {
			return nil, errUnspoken
		}
		a, err := newAEAD(s.Cipher.Name, key)
		if err != nil {
			return nil, err
		}
		return newNonceAEAD(a, &s.Cipher, iv)
	}
	mac, err := newRecordMAC(s.MAC, version, macKey)
	if err != nil {
		return nil, err
	}
	if s.Cipher.Kind != tlswire.KindCBC {
		return newStream(s.Cipher.Name, key, mac)
	}
	b, err := newBlock(s.Cipher.Name, key)
	if err != nil {
		return nil, err
	}
	return newCBC(b, version, etm, mac, iv)
}

// newBlock makes the block cipher of a name like "AES_128_CBC" or "CAMELLIA_256_GCM".
func newBlock(name string, key []byte) (cipher.Block, error) {
	family, _, _ := strings.Cut(name, "_")
	switch family {
	case "AES":
		return aes.NewCipher(key)
	case "3DES":
		return des.NewTripleDESCipher(key)
	case "DES":
		return des.NewCipher(key)
	case "CAMELLIA":
		return newCamellia(key)
	case "ARIA":
		return newARIA(key)
	}
	return nil, errUnspoken
}

func newAEAD(name string, key []byte) (cipher.AEAD, error) {
	if name == "CHACHA20_POLY1305" {
		return chacha20poly1305.New(key)
	}
	b, err := newBlock(name, key)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(name, "_GCM"):
		return cipher.NewGCM(b)
	case strings.HasSuffix(name, "_CCM"):
		return newCCM(b, 16), nil
	case strings.HasSuffix(name, "_CCM_8"):
		return newCCM(b, 8), nil
	}
	return nil, errUnspoken
}
