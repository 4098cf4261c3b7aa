package decrypt

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// distinguishedName is a DER name as RFC 4514 writes it, as hex when it is none.
func distinguishedName(der []byte) string {
	var rdn pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &rdn); err != nil || len(rest) > 0 {
		return "#" + hex.EncodeToString(der[:min(len(der), maxText/2)])
	}
	s := rdn.String()
	return s[:min(len(s), maxText)]
}

// readLoosely takes from a certificate that crypto/x509 refuses what stands at its place in the TBSCertificate (RFC 5280
// section 4.1): serial, issuer, dates, subject, key.
func readLoosely(d *fact.Certificate, der []byte) {
	var outer, tbs, v asn1.RawValue
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return
	}
	rest, err := asn1.Unmarshal(outer.Bytes, &tbs)
	if err != nil {
		return
	}
	d.Signature = algorithmName(rest)
	next := func() bool {
		tbs.Bytes, err = asn1.Unmarshal(tbs.Bytes, &v)
		return err == nil
	}
	if !next() || v.Class == asn1.ClassContextSpecific && !next() { // version
		return
	}
	d.Serial = hex.EncodeToString(v.Bytes[:min(len(v.Bytes), 64)])
	if !next() { // signature
		return
	}
	if !next() {
		return
	}
	d.Issuer = distinguishedName(v.FullBytes)
	if !next() {
		return
	}
	d.NotBefore, d.NotAfter = validity(v.Bytes)
	if !next() {
		return
	}
	d.Subject = distinguishedName(v.FullBytes)
	if next() {
		d.Key = keyName(v.FullBytes)
	}
}

// validity reads two times, zero where they are none.
func validity(der []byte) (before, after time.Time) {
	rest, err := asn1.Unmarshal(der, &before)
	if err == nil {
		_, _ = asn1.Unmarshal(rest, &after)
	}
	return before, after
}

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
