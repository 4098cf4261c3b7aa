package secrets

import (
	"bytes"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
)

// pbes1 is PBKDF1 (RFC 8018 5.1) with DES or RC2 of 64 bits: eight bytes of key, eight of IV.
func pbes1(scheme string, password, salt []byte, n int) (opener, error) {
	hash := func(b []byte) []byte { sum := sha1.Sum(b); return sum[:] }
	if scheme == "1.2.840.113549.1.5.3" || scheme == "1.2.840.113549.1.5.6" {
		hash = func(b []byte) []byte { sum := md5.Sum(b); return sum[:] }
	}
	t := hash(append(bytes.Clone(password), salt...))
	for range n - 1 {
		t = hash(t)
	}
	if scheme == "1.2.840.113549.1.5.6" || scheme == "1.2.840.113549.1.5.11" {
		return opener{block: newRC2(t[:8], 64), iv: t[8:16]}, nil
	}
	block, err := des.NewCipher(t[:8])
	return opener{block: block, iv: t[8:16]}, err
}
