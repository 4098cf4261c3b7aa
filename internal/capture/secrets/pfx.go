package secrets

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
)

// pfx is PFX (RFC 7292 4). The MAC behind it is not looked at: a key that opens and makes sense is the right one.
type pfx struct {
	Version int
	Safe    contentInfo
	Mac     asn1.RawValue `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

// encryptedData is EncryptedData (RFC 2315 13).
type encryptedData struct {
	Version int
	Info    struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Content   asn1.RawValue `asn1:"tag:0,optional"` // one string, or its pieces
	}
}

// safeBag is SafeBag; its attributes do not matter.
type safeBag struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue `asn1:"tag:0,explicit"`
	Attrs asn1.RawValue `asn1:"set,optional"`
}

// The types of contents and bags.
const (
	typeData          = "1.2.840.113549.1.7.1"
	typeEncryptedData = "1.2.840.113549.1.7.6"
	typeEnvelopedData = "1.2.840.113549.1.7.3"
	bagKey            = "1.2.840.113549.1.12.10.1.1"
	bagShroudedKey    = "1.2.840.113549.1.12.10.1.2"
	bagSafeContents   = "1.2.840.113549.1.12.10.1.6"
)

// safesOf unwraps the authenticated safe.
func safesOf(der []byte) ([]contentInfo, error) {
	var outer pfx
	if err := unmarshal(der, &outer); err != nil {
		return nil, errors.New("the PKCS#12 file is damaged: its ASN.1 does not parse")
	}
	if outer.Safe.Type.String() != typeData {
		return nil, errors.New("the PKCS#12 file is protected by a public key, not a password: export it again with a password")
	}
	var inner []byte
	var safes []contentInfo
	if err := unmarshal(outer.Safe.Content.Bytes, &inner); err != nil {
		return nil, errors.New("the PKCS#12 file is damaged: its safe does not parse")
	}
	if err := unmarshal(inner, &safes); err != nil || len(safes) > maxBags {
		return nil, errors.New("the PKCS#12 file is damaged: its safes do not parse")
	}
	return safes, nil
}

// unmarshal reads DER, or BER as some exporters write it.
func unmarshal(data []byte, to any) error {
	_, err := asn1.Unmarshal(data, to)
	if err == nil {
		return nil
	}
	der, err := toDER(data)
	if err != nil {
		return err
	}
	_, err = asn1.Unmarshal(der, to)
	return err
}
