package tlscrypt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Signature schemes (RFC 8446 section 4.2.3) that are spoken here.
const (
	RSAPKCS1SHA1   uint16 = 0x0201
	ECDSASHA1      uint16 = 0x0203
	RSAPKCS1SHA256 uint16 = 0x0401
	ECDSASHA256    uint16 = 0x0403
	RSAPKCS1SHA384 uint16 = 0x0501
	ECDSASHA384    uint16 = 0x0503
	RSAPKCS1SHA512 uint16 = 0x0601
	ECDSASHA512    uint16 = 0x0603
	RSAPSSSHA256   uint16 = 0x0804
	RSAPSSSHA384   uint16 = 0x0805
	RSAPSSSHA512   uint16 = 0x0806
)

// ErrBadSignature says that a signature does not fit.
var ErrBadSignature = errors.New("verify signature: it does not fit")

type scheme struct {
	hash crypto.Hash
	kind byte // r: RSA PKCS #1, p: RSA-PSS, e: ECDSA
}

// schemeOf reads a scheme; before TLS 1.2 the key decides (RFC 4346 section 7.4.3, RFC 8422 section 5.10).
func schemeOf(id, version uint16, key crypto.PublicKey) (scheme, bool) {
	if version < tlswire.VersionTLS12 {
		if _, ok := key.(*ecdsa.PublicKey); ok {
			return scheme{crypto.SHA1, 'e'}, true
		}
		return scheme{crypto.MD5SHA1, 'r'}, true
	}
	switch id {
	case RSAPKCS1SHA1:
		return scheme{crypto.SHA1, 'r'}, true
	case RSAPKCS1SHA256:
		return scheme{crypto.SHA256, 'r'}, true
	case RSAPKCS1SHA384:
		return scheme{crypto.SHA384, 'r'}, true
	case RSAPKCS1SHA512:
		return scheme{crypto.SHA512, 'r'}, true
	case RSAPSSSHA256:
		return scheme{crypto.SHA256, 'p'}, true
	case RSAPSSSHA384:
		return scheme{crypto.SHA384, 'p'}, true
	case RSAPSSSHA512:
		return scheme{crypto.SHA512, 'p'}, true
	case ECDSASHA1:
		return scheme{crypto.SHA1, 'e'}, true
	case ECDSASHA256:
		return scheme{crypto.SHA256, 'e'}, true
	case ECDSASHA384:
		return scheme{crypto.SHA384, 'e'}, true
	case ECDSASHA512:
		return scheme{crypto.SHA512, 'e'}, true
	}
	return scheme{}, false
}

// PickScheme returns the first scheme of offered that key can sign with in TLS 1.2, 0 when there is none.
func PickScheme(key crypto.PublicKey, offered []uint16) uint16 {
	for _, id := range offered {
		s, ok := schemeOf(id, tlswire.VersionTLS12, key)
		if !ok {
			continue
		}
		switch key.(type) {
		case *ecdsa.PublicKey:
			ok = s.kind == 'e'
		case *rsa.PublicKey:
			ok = s.kind != 'e'
		default:
			ok = false
		}
		if ok {
			return id
		}
	}
	return 0
}

// Sign signs message with key for version; id is the scheme from TLS 1.2 on.
func Sign(key crypto.Signer, id, version uint16, message []byte) (tlswire.Signature, error) {
	s, ok := schemeOf(id, version, key.Public())
	if !ok {
		return tlswire.Signature{}, fmt.Errorf("sign handshake: scheme %#04x is not spoken here", id)
	}
	var opts crypto.SignerOpts = s.hash
	if s.kind == 'p' {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: s.hash}
	}
	value, err := key.Sign(rand.Reader, digest(s.hash, message), opts)
	if err != nil {
		return tlswire.Signature{}, fmt.Errorf("sign handshake: %w", err)
	}
	if version < tlswire.VersionTLS12 {
		id = 0
	}
	return tlswire.Signature{Scheme: id, Value: value}, nil
}

// Verify checks a handshake signature of version under key; the error is ErrBadSignature or names what is not spoken here.
func Verify(key crypto.PublicKey, version uint16, message []byte, sig tlswire.Signature) error {
	s, ok := schemeOf(sig.Scheme, version, key)
	if !ok {
		return fmt.Errorf("verify signature: scheme %#04x is not spoken here", sig.Scheme)
	}
	sum := digest(s.hash, message)
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if s.kind == 'e' && ecdsa.VerifyASN1(k, sum, sig.Value) {
			return nil
		}
	case *rsa.PublicKey:
		if s.kind == 'r' && rsa.VerifyPKCS1v15(k, s.hash, sum, sig.Value) == nil {
			return nil
		}
		if s.kind == 'p' && rsa.VerifyPSS(k, s.hash, sum, sig.Value, nil) == nil {
			return nil
		}
	default:
		return fmt.Errorf("verify signature: a %T is not spoken here", key)
	}
	return ErrBadSignature
}
