package secrets

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rc4"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of the work that passwords take: files in use hash one from 1 to 1,000,000 times.
const (
	maxIterations = 5_000_000  // of one key derivation
	maxWork       = 25_000_000 // of all that one file takes: a few seconds
)

// pbePassword is a password as the schemes want it.
type pbePassword struct {
	text           []byte // UTF-8, or any bytes
	emptyIsNothing bool   // PKCS#12 has two ways to write an empty password: two zero bytes, or nothing
	work           *int   // iterations that the file may still take
}

// bmp is the password as PKCS#12 wants it (RFC 7292 B.1): UTF-16, high bytes first, with two zero bytes behind it.
func (p pbePassword) bmp() []byte {
	if len(p.text) == 0 && p.emptyIsNothing {
		return nil
	}
	chars := []rune(string(p.text))
	if !utf8.Valid(p.text) { // one byte is one character
		chars = chars[:0]
		for _, b := range p.text {
			chars = append(chars, rune(b))
		}
	}
	var out []byte
	for _, unit := range utf16.Encode(chars) {
		out = append(out, byte(unit>>8), byte(unit))
	}
	return append(out, 0, 0)
}

// opener opens what one password-based scheme has encrypted.
type opener struct {
	block  cipher.Block // nil for a stream
	iv     []byte
	stream cipher.Stream
}

// decryptPBE opens data. The error is [ErrWrongPassword] where the padding is not good.
func decryptPBE(a pkix.AlgorithmIdentifier, data []byte, p pbePassword) ([]byte, error) {
	o, err := openerFor(a, p)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(data)
	if o.stream != nil {
		o.stream.XORKeyStream(out, out)
		return out, nil
	}
	size := o.block.BlockSize()
	if len(data) == 0 || len(data)%size != 0 || len(o.iv) != size {
		return nil, errors.New("the key is damaged: its encrypted part has no whole number of blocks")
	}
	cipher.NewCBCDecrypter(o.block, o.iv).CryptBlocks(out, out)
	pad := int(out[len(out)-1])
	if pad == 0 || pad > size || !bytes.Equal(out[len(out)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, ErrWrongPassword
	}
	return out[:len(out)-pad], nil
}

// openerFor derives the key of a scheme: PBES2, PBES1 (RFC 8018 6) or those of PKCS#12 (RFC 7292 C).
func openerFor(a pkix.AlgorithmIdentifier, p pbePassword) (opener, error) {
	scheme := a.Algorithm.String()
	if scheme == "1.2.840.113549.1.5.13" {
		return pbes2(a.Parameters.FullBytes, p)
	}
	var params struct {
		Salt       []byte
		Iterations int
	}
	if _, err := asn1.Unmarshal(a.Parameters.FullBytes, &params); err != nil {
		return opener{}, errors.New("the key is damaged: the parameters of its encryption do not parse")
	}
	if err := p.iterations(params.Iterations); err != nil {
		return opener{}, err
	}
	pkcs12 := func(purpose byte, size int) []byte {
		return pkcs12Key(p.bmp(), params.Salt, params.Iterations, purpose, size)
	}
	switch scheme {
	case "1.2.840.113549.1.5.3", "1.2.840.113549.1.5.10", "1.2.840.113549.1.5.6", "1.2.840.113549.1.5.11":
		return pbes1(scheme, p.text, params.Salt, params.Iterations)
	case "1.2.840.113549.1.12.1.1", "1.2.840.113549.1.12.1.2": // RC4, 128 and 40 bits
		size := 16
		if scheme[len(scheme)-1] == '2' {
			size = 5
		}
		stream, err := rc4.NewCipher(pkcs12(purposeKey, size))
		return opener{stream: stream}, err
	case "1.2.840.113549.1.12.1.3":
		block, err := des.NewTripleDESCipher(pkcs12(purposeKey, 24))
		return opener{block: block, iv: pkcs12(purposeIV, 8)}, err
	case "1.2.840.113549.1.12.1.4": // two keys
		k := pkcs12(purposeKey, 16)
		block, err := des.NewTripleDESCipher(append(k, k[:8]...))
		return opener{block: block, iv: pkcs12(purposeIV, 8)}, err
	case "1.2.840.113549.1.12.1.5":
		return opener{block: newRC2(pkcs12(purposeKey, 16), 128), iv: pkcs12(purposeIV, 8)}, nil
	case "1.2.840.113549.1.12.1.6":
		return opener{block: newRC2(pkcs12(purposeKey, 5), 40), iv: pkcs12(purposeIV, 8)}, nil
	}
	return opener{}, unsupported("scheme", scheme)
}

// iterations allows n of them.
func (p pbePassword) iterations(n int) error {
	if n < 1 || n > maxIterations {
		return fmt.Errorf("its password is hashed %d times, from 1 to %d are allowed: %s", n, maxIterations, decryptFirst)
	}
	if *p.work -= n; *p.work < 0 {
		return fmt.Errorf("its passwords are hashed more than %d times: %s", maxWork, decryptFirst)
	}
	return nil
}

const decryptFirst = "decrypt it with openssl pkey -in FILE -out plain.key, or export it anew"

func unsupported(what, oid string) error {
	return fmt.Errorf("the %s %s of its encryption is not supported: %s", what, oid, decryptFirst)
}
