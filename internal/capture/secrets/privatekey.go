package secrets

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// maxKeyFile is the largest file with private keys that is read, in bytes.
const maxKeyFile = 1 << 20

// Errors of passwords: what wraps ErrWrongPassword may be asked again.
var (
	ErrWrongPassword  = errors.New("the password is wrong")
	ErrPasswordNeeded = errors.New("it is encrypted and there is no password")
)

// AddPrivateKey reads RSA keys: PEM (PKCS#1, PKCS#8, encrypted either way), DER, PKCS#12. Certificates beside them are passed
// over. password is asked only when one is needed, once, and may be nil; with PKCS#12 the empty password is tried first.
// The error wraps [ErrWrongPassword] or [ErrPasswordNeeded], or is a [*FormatError] where no RSA key is in it; keys before the fault are added.
func (s *Store) AddPrivateKey(name string, data []byte, password func() ([]byte, error)) error {
	if len(data) > maxKeyFile {
		return fmt.Errorf("read private key %s: it has %d bytes, more than the %d of any key: give the file of the key alone", name, len(data), maxKeyFile)
	}
	f := keyFile{add: s.addKey, ask: password, work: maxWork}
	var err error
	if text := plainText(data); bytes.Contains(text, []byte("-----BEGIN ")) {
		err = f.pem(text)
	} else {
		err = f.der(data)
	}
	if err != nil {
		return fmt.Errorf("read private key %s: %w", name, err)
	}
	if f.keys > 0 {
		return nil
	}
	if f.other.seems == "" {
		f.other = notKey(data)
	}
	return &FormatError{Name: name, Want: "private key", Seems: f.other.seems, Next: f.other.next}
}

// addKey adds a key unless it is there.
func (s *Store) addKey(k *rsa.PrivateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.keys, func(known *rsa.PrivateKey) bool { return known.N.Cmp(k.N) == 0 }) {
		return
	}
	s.keys = append(s.keys, k)
	s.generation.Add(1)
}

// keyFile is a file that is being read.
type keyFile struct {
	add      func(*rsa.PrivateKey)
	ask      func() ([]byte, error)
	password []byte // once it was asked
	asked    bool
	keys     int
	work     int    // iterations that are left
	other    format // the most telling of what is no RSA key
}

// found notes something that is no RSA key: of several, a key says more than a certificate.
func (f *keyFile) found(o format) {
	if f.other.seems == "" || o.starts != "" {
		f.other = o
	}
}

// secret asks for the password, once.
func (f *keyFile) secret() ([]byte, error) {
	if f.asked {
		return f.password, nil
	}
	if f.ask == nil {
		return nil, ErrPasswordNeeded
	}
	password, err := f.ask()
	if err != nil {
		return nil, err
	}
	f.password, f.asked = password, true
	return password, nil
}

// pem reads every block.
func (f *keyFile) pem(text []byte) error {
	for n := 1; ; n++ {
		block, rest := pem.Decode(text)
		if block == nil {
			if n == 1 {
				return errors.New("the PEM block is damaged: there is no END line, or what lies between is no Base64")
			}
			return nil
		}
		if err := f.block(block); err != nil {
			return fmt.Errorf("PEM block %d: %w", n, err)
		}
		text = rest
	}
}

func (f *keyFile) block(b *pem.Block) error {
	switch b.Type {
	case "RSA PRIVATE KEY":
		return f.traditional(b)
	case "PRIVATE KEY":
		return f.pkcs8(b.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return f.encryptedPKCS8(b.Bytes)
	case "PKCS12":
		return f.pkcs12(b.Bytes)
	}
	f.found(otherBlock(b.Type))
	return nil
}

// traditional reads PKCS#1, which OpenSSL encrypts in its own way: DEK-Info.
func (f *keyFile) traditional(b *pem.Block) error {
	if b.Headers["DEK-Info"] == "" {
		return f.pkcs1(b.Bytes)
	}
	password, err := f.secret()
	if err != nil {
		return err
	}
	der, err := x509.DecryptPEMBlock(b, password) //nolint:staticcheck // deprecated because nobody should write such files; people have them
	if errors.Is(err, x509.IncorrectPasswordError) || err == nil && f.pkcs1(der) != nil {
		return ErrWrongPassword
	}
	if err != nil {
		return fmt.Errorf("%w: decrypt it with openssl rsa -in FILE -out plain.key", err)
	}
	return nil
}
