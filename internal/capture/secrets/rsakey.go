package secrets

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
)

// maxModulus is the largest RSA key that is read, in bits.
const maxModulus = 16384

// pkcs1Key is RSAPrivateKey (RFC 8017 A.1.2) as far as it is needed here.
type pkcs1Key struct {
	Version      int
	N            *big.Int
	E            int
	D, P, Q      *big.Int
	DP, DQ, QInv *big.Int
}

// pkcs1 reads one RSAPrivateKey.
func (f *keyFile) pkcs1(der []byte) error {
	var k pkcs1Key
	if err := unmarshal(der, &k); err != nil {
		return errDamaged
	}
	if k.N.BitLen() > maxModulus || max(k.D.BitLen(), k.P.BitLen(), k.Q.BitLen(), k.DP.BitLen(), k.DQ.BitLen(), k.QInv.BitLen()) > maxModulus {
		return fmt.Errorf("the RSA key has %d bits, more than %d", k.N.BitLen(), maxModulus)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		if key, err = k.plain(); err != nil {
			return err
		}
	}
	f.keys++
	f.add(key)
	return nil
}

var errDamaged = errors.New("the key is damaged: its ASN.1 does not parse")

// plain makes a key that works without the Chinese remainder theorem, where the standard library refuses one: it wants the values
// of old and odd generators to be as its own. What counts is that d undoes e.
func (k *pkcs1Key) plain() (*rsa.PrivateKey, error) {
	if k.N.Sign() <= 0 || k.D.Sign() <= 0 || k.E < 2 || k.N.Bit(0) == 0 {
		return nil, errDamaged
	}
	two := big.NewInt(2)
	there := new(big.Int).Exp(two, big.NewInt(int64(k.E)), k.N)
	if back := there.Exp(there, k.D, k.N); back.Cmp(two) != 0 {
		return nil, errors.New("the key is damaged: its private exponent does not belong to its modulus")
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: k.N, E: k.E}, D: k.D}
	key.Precompute()
	return key, nil
}

// pkcs8Key is PrivateKeyInfo (RFC 5208 5); attributes and the public key after it do not matter.
type pkcs8Key struct {
	Version   int
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

// pkcs8 reads one PrivateKeyInfo.
func (f *keyFile) pkcs8(der []byte) error {
	var k pkcs8Key
	if err := unmarshal(der, &k); err != nil {
		return errDamaged
	}
	switch k.Algorithm.Algorithm.String() {
	case "1.2.840.113549.1.1.1":
		return f.pkcs1(k.Key)
	case "1.2.840.10045.2.1":
		f.found(ecdsaKey)
	case "1.3.101.112", "1.3.101.113":
		f.found(ephemeralKey("an EdDSA key"))
	case "1.2.840.113549.1.1.10":
		f.found(ephemeralKey("an RSA-PSS key, which signs only"))
	case "1.2.840.10040.4.1":
		f.found(ephemeralKey("a DSA key"))
	default:
		f.found(ephemeralKey("a key of the algorithm " + k.Algorithm.Algorithm.String()))
	}
	return nil
}

// encryptedKey is EncryptedPrivateKeyInfo (RFC 5208 6).
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// encryptedPKCS8 asks for the password and reads one EncryptedPrivateKeyInfo.
func (f *keyFile) encryptedPKCS8(der []byte) error {
	var k encryptedKey
	if err := unmarshal(der, &k); err != nil {
		return errDamaged
	}
	password, err := f.secret()
	if err != nil {
		return err
	}
	return f.shrouded(&k, pbePassword{text: password, work: &f.work})
}

// shrouded opens and reads one encrypted key.
func (f *keyFile) shrouded(k *encryptedKey, p pbePassword) error {
	der, err := decryptPBE(k.Algorithm, k.Data, p)
	if err != nil {
		return err
	}
	if err := f.pkcs8(der); errors.Is(err, errDamaged) { // one wrong password in 256 gives a good padding
		return ErrWrongPassword
	} else if err != nil {
		return err
	}
	return nil
}
