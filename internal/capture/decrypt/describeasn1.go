package decrypt

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
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
	return utc(before), utc(after)
}

// utc is t in UTC, zero when JSON cannot hold it: an offset may carry the last hour of 9999 into the next year.
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
