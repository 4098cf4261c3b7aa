package decrypt

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strconv"
)

// keyName names a SubjectPublicKeyInfo with its size or curve: "RSA 2048", "ECDSA P-256", "Ed25519", "ML-DSA-65".
func keyName(spki []byte) string {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return ""
	}
	name := oidName(info.Algorithm.Algorithm)
	switch name {
	case "RSA", "RSA-PSS":
		var key, modulus asn1.RawValue
		if _, err := asn1.Unmarshal(info.Key.Bytes, &key); err == nil {
			if _, err := asn1.Unmarshal(key.Bytes, &modulus); err == nil {
				return name + " " + bitsText(modulus.Bytes)
			}
		}
	case "DSA":
		var params, p asn1.RawValue
		if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &params); err == nil {
			if _, err := asn1.Unmarshal(params.Bytes, &p); err == nil {
				return name + " " + bitsText(p.Bytes)
			}
		}
	case "ECDSA":
		var curve asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &curve); err == nil {
			return name + " " + oidName(curve)
		}
		return name + " explicit curve"
	}
	return name
}

// bitsText is the length in bits of a number in big-endian bytes.
func bitsText(b []byte) string {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 {
		return "0"
	}
	n := len(b) * 8
	for top := b[0]; top < 0x80; top <<= 1 {
		n--
	}
	return strconv.Itoa(n)
}

// signatureName is crypto/x509's name of the signature algorithm, or that of its object identifier.
func signatureName(cert *x509.Certificate) string {
	if cert.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		return cert.SignatureAlgorithm.String()
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(cert.Raw, &outer); err != nil {
		return ""
	}
	var tbs asn1.RawValue
	rest, err := asn1.Unmarshal(outer.Bytes, &tbs)
	if err != nil {
		return ""
	}
	return algorithmName(rest)
}

// algorithmName names the AlgorithmIdentifier at the start of der.
func algorithmName(der []byte) string {
	var a pkix.AlgorithmIdentifier
	if _, err := asn1.Unmarshal(der, &a); err != nil {
		return ""
	}
	return oidName(a.Algorithm)
}
