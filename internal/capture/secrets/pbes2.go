package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"hash"

	"golang.org/x/crypto/scrypt"
)

// Bounds of scrypt: memory in bytes, and how often it is used anew.
const (
	maxScryptMemory   = 64 << 20
	maxScryptParallel = 16
)

// pbes2 reads PBES2-params (RFC 8018 A.4) and derives the key.
func pbes2(der []byte, p pbePassword) (opener, error) {
	var params struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	if _, err := asn1.Unmarshal(der, &params); err != nil {
		return opener{}, errParams
	}
	var iv []byte
	oid := params.Cipher.Algorithm.String()
	size, newBlock := blockCipher(oid)
	if newBlock == nil {
		return opener{}, unsupported("cipher", oid)
	}
	if oid == "1.2.840.113549.3.2" { // RC2-CBC-Parameter, with a version
		var rc2 struct {
			Version int
			IV      []byte
		}
		if _, err := asn1.Unmarshal(params.Cipher.Parameters.FullBytes, &rc2); err != nil || rc2.Version != 58 {
			return opener{}, errParams
		}
		iv = rc2.IV
	} else if _, err := asn1.Unmarshal(params.Cipher.Parameters.FullBytes, &iv); err != nil {
		return opener{}, errParams
	}
	key, err := derive(params.KDF, p, size)
	if err != nil {
		return opener{}, err
	}
	block, err := newBlock(key)
	return opener{block: block, iv: iv}, err
}

var errParams = errors.New("the key is damaged: the parameters of its encryption do not parse")

// blockCipher returns the key size in bytes of a cipher in CBC mode, and how to make it; nil when it is not known.
func blockCipher(oid string) (size int, newBlock func([]byte) (cipher.Block, error)) {
	switch oid {
	case "2.16.840.1.101.3.4.1.2":
		return 16, aes.NewCipher
	case "2.16.840.1.101.3.4.1.22":
		return 24, aes.NewCipher
	case "2.16.840.1.101.3.4.1.42":
		return 32, aes.NewCipher
	case "1.2.840.113549.3.7":
		return 24, des.NewTripleDESCipher
	case "1.3.14.3.2.7":
		return 8, des.NewCipher
	case "1.2.840.113549.3.2":
		return 16, func(key []byte) (cipher.Block, error) { return newRC2(key, 128), nil }
	}
	return 0, nil
}

// derive makes the key from the password.
func derive(kdf pkix.AlgorithmIdentifier, p pbePassword, size int) ([]byte, error) {
	switch oid := kdf.Algorithm.String(); oid {
	case "1.2.840.113549.1.5.12":
		return derivePBKDF2(kdf.Parameters.FullBytes, p, size)
	case "1.3.6.1.4.1.11591.4.11":
		return deriveScrypt(kdf.Parameters.FullBytes, p, size)
	default:
		return nil, unsupported("key derivation", oid)
	}
}

// derivePBKDF2 reads PBKDF2-params (RFC 8018 A.2).
func derivePBKDF2(der []byte, p pbePassword, size int) ([]byte, error) {
	var params struct {
		Salt       []byte
		Iterations int
		Size       int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &params); err != nil {
		return nil, errParams
	}
	if err := p.iterations(params.Iterations); err != nil {
		return nil, err
	}
	var h func() hash.Hash
	switch oid := params.PRF.Algorithm.String(); oid {
	case "", "1.2.840.113549.2.7":
		h = sha1.New
	case "1.2.840.113549.2.8":
		h = sha256.New224
	case "1.2.840.113549.2.9":
		h = sha256.New
	case "1.2.840.113549.2.10":
		h = sha512.New384
	case "1.2.840.113549.2.11":
		h = sha512.New
	default:
		return nil, unsupported("hash", oid)
	}
	return pbkdf2.Key(h, string(p.text), params.Salt, params.Iterations, size)
}

// deriveScrypt reads scrypt-params (RFC 7914 7).
func deriveScrypt(der []byte, p pbePassword, size int) ([]byte, error) {
	var params struct {
		Salt                 []byte
		Cost, Block, Threads int
	}
	if _, err := asn1.Unmarshal(der, &params); err != nil {
		return nil, errParams
	}
	const unit = 128 // bytes for a cost and a block size of 1
	if params.Block < 1 || params.Block > maxScryptMemory/unit || params.Cost < 2 || params.Cost > maxScryptMemory/unit/params.Block ||
		params.Threads < 1 || params.Threads > maxScryptParallel {
		return nil, errors.New("its password takes more than 64 MiB of scrypt to try: " + decryptFirst)
	}
	if err := p.iterations(params.Cost * params.Block * params.Threads / 8); err != nil {
		return nil, err
	}
	key, err := scrypt.Key(p.text, params.Salt, params.Cost, params.Block, params.Threads, size)
	if err != nil {
		return nil, errParams
	}
	return key, nil
}
