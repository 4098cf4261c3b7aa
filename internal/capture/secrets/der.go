package secrets

import (
	"bytes"
	"encoding/asn1"
)

// der reads a file that is not PEM: it goes by the first elements of its outermost sequence.
func (f *keyFile) der(data []byte) error {
	var outer asn1.RawValue
	if normal, err := toDER(data); err == nil {
		data = normal
	}
	if _, err := asn1.Unmarshal(data, &outer); err != nil || outer.Tag != asn1.TagSequence || outer.Class != asn1.ClassUniversal {
		return nil // notKey says what it is
	}
	data = outer.FullBytes
	var first, second, third asn1.RawValue
	rest, err := asn1.Unmarshal(outer.Bytes, &first)
	if err == nil {
		rest, err = asn1.Unmarshal(rest, &second)
	}
	if err != nil {
		return nil
	}
	_, _ = asn1.Unmarshal(rest, &third)
	switch [3]int{first.Tag, second.Tag, third.Tag} {
	case [3]int{asn1.TagInteger, asn1.TagInteger, asn1.TagInteger}:
		return f.pkcs1(data)
	case [3]int{asn1.TagInteger, asn1.TagSequence, asn1.TagOctetString}:
		return f.pkcs8(data)
	case [3]int{asn1.TagSequence, asn1.TagOctetString, 0}:
		return f.encryptedPKCS8(data)
	}
	switch {
	case first.Tag == asn1.TagInteger && bytes.Equal(first.Bytes, []byte{3}) && second.Tag == asn1.TagSequence:
		return f.pkcs12(data)
	case first.Tag == asn1.TagInteger && second.Tag == asn1.TagOctetString:
		f.found(ecdsaKey)
	case first.Tag == asn1.TagSequence && second.Tag == asn1.TagBitString:
		f.found(publicKey)
	case first.Tag == asn1.TagSequence && third.Tag == asn1.TagBitString:
		f.found(certificateOrRequest(first.Bytes))
	case first.Tag == asn1.TagOID:
		f.found(otherBlock("PKCS7"))
	case first.Tag == asn1.TagInteger && second.Tag == asn1.TagInteger:
		f.found(publicKey)
	}
	return nil
}

// certificateOrRequest tells one from the other: a certificate's version is tagged [0], or missing where a serial number stands
// before a sequence; a request begins with its version, the names follow, and its key has a tagged set behind it.
func certificateOrRequest(tbs []byte) format {
	var version, next asn1.RawValue
	rest, err := asn1.Unmarshal(tbs, &version)
	if err == nil && version.Class == asn1.ClassUniversal && len(version.Bytes) == 1 && version.Bytes[0] == 0 {
		if _, err = asn1.Unmarshal(rest, &next); err == nil && next.Tag == asn1.TagSequence {
			return otherBlock("CERTIFICATE REQUEST")
		}
	}
	return otherBlock("CERTIFICATE")
}
