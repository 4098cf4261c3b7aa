package tlswire

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// JA4 is the fingerprint of a client over TCP as FoxIO describes it: "t13d1516h2_8daaf6152771_e5627efa2ab1". Its parts: version,
// SNI or not, how many suites and extensions, ALPN; a hash of the suites in order of number; a hash of the extensions in order of
// number, SNI and ALPN left out, and of the signature schemes in the order of the wire. GREASE values are left out.
func (h *ClientHello) JA4() string {
	suites := sortedWithoutGREASE(h.Suites)
	types := make([]uint16, len(h.Extensions))
	for i := range h.Extensions {
		types[i] = h.Extensions[i].Type
	}
	types = sortedWithoutGREASE(types)
	b := make([]byte, 0, 512)
	b = append(b, 't')
	b = append(b, ja4Version(h.MaxVersion())...)
	if slices.Contains(types, ExtServerName) {
		b = append(b, 'd')
	} else {
		b = append(b, 'i')
	}
	b = appendTwoDigits(b, len(suites))
	b = appendTwoDigits(b, len(types))
	b = appendJA4ALPN(b, h.ALPN)
	var scratch [512]byte
	b = appendShortHash(append(b, '_'), appendHexList(scratch[:0], suites))
	types = slices.DeleteFunc(types, func(t uint16) bool { return t == ExtServerName || t == ExtALPN })
	list := appendHexList(scratch[:0], types)
	if schemes := withoutGREASE(h.SignatureSchemes); len(schemes) > 0 {
		list = appendHexList(append(list, '_'), schemes)
	}
	return string(appendShortHash(append(b, '_'), list))
}

func ja4Version(v uint16) string {
	switch v {
	case VersionTLS13:
		return "13"
	case VersionTLS12:
		return "12"
	case VersionTLS11:
		return "11"
	case VersionTLS10:
		return "10"
	case VersionSSL30:
		return "s3"
	case VersionSSL20:
		return "s2"
	}
	return "00"
}

// appendJA4ALPN appends the first and the last character of the first protocol; those of its hex form when one of them is
// neither letter nor digit; 00 without a protocol.
func appendJA4ALPN(b []byte, protocols []string) []byte {
	if len(protocols) == 0 || protocols[0] == "" {
		return append(b, "00"...)
	}
	p := protocols[0]
	first, last := p[0], p[len(p)-1]
	if !alphanumeric(first) || !alphanumeric(last) {
		first, last = hexDigits[first>>4], hexDigits[last&15]
	}
	return append(b, first, last)
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// appendTwoDigits appends n as two digits, 99 for all that is more.
func appendTwoDigits(b []byte, n int) []byte {
	n = min(n, 99)
	return append(b, byte('0'+n/10), byte('0'+n%10))
}

func withoutGREASE(v []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(v), GREASE)
}

func sortedWithoutGREASE(v []uint16) []uint16 {
	v = withoutGREASE(v)
	slices.Sort(v)
	return v
}

// appendHexList appends 002f,0035.
func appendHexList(b []byte, v []uint16) []byte {
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, hexDigits[x>>12], hexDigits[x>>8&15], hexDigits[x>>4&15], hexDigits[x&15])
	}
	return b
}

// appendShortHash appends the first 12 digits of the SHA-256 of list, zeros for an empty one.
func appendShortHash(b, list []byte) []byte {
	if len(list) == 0 {
		return append(b, "000000000000"...)
	}
	sum := sha256.Sum256(list)
	return hex.AppendEncode(b, sum[:6])
}
