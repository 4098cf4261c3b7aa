package tlswire

import "strings"

// ServerKeyExchange carries a server's ephemeral key (RFC 5246 section 7.4.3, RFC 8422 section 5.4).
type ServerKeyExchange struct {
	Group  uint16 // ECDHE: named group
	Public []byte // ECDHE: point; DHE: Ys
	P, G   []byte // DHE: prime and generator
	Params []byte // the signed part as it stands on the wire
	Signed Signature
}

// ParseServerKeyExchange reads the body of a ServerKeyExchange for the key exchange kx of the suite ("ECDHE_RSA", "DHE_RSA", …).
// Anonymous ones carry no signature. The result aliases body.
func ParseServerKeyExchange(body []byte, kx string, version uint16) (*ServerKeyExchange, error) {
	c := cursor{b: body}
	k := &ServerKeyExchange{}
	switch {
	case strings.HasPrefix(kx, "ECDH"):
		if c.u8() != 3 { // named_curve
			return nil, &ParseError{"server key exchange", "curve type"}
		}
		k.Group = c.u16()
		k.Public = c.vec8()
	case strings.HasPrefix(kx, "DHE") || strings.HasPrefix(kx, "DH_anon"):
		k.P, k.G, k.Public = c.vec16(), c.vec16(), c.vec16()
	default:
		return nil, &ParseError{"server key exchange", "key exchange " + kx}
	}
	if c.bad {
		return nil, &ParseError{"server key exchange", "parameters"}
	}
	k.Params = body[:len(body)-len(c.b)]
	if strings.HasSuffix(kx, "_anon") {
		return k, nil
	}
	k.Signed = c.signature(version)
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"server key exchange", "signature"}
	}
	return k, nil
}

// AppendECDHEParams appends the part of an ECDHE ServerKeyExchange that is signed.
func AppendECDHEParams(dst []byte, group uint16, public []byte) []byte {
	return appendBytes(appendU16(append(dst, 3), group), 1, public)
}

// AppendServerKeyExchange appends the message, header included: Params, then the signature.
func AppendServerKeyExchange(dst []byte, k *ServerKeyExchange, version uint16) []byte {
	return appendVec(append(dst, MsgServerKeyExchange), 3, func(d []byte) []byte {
		return appendSignature(append(d, k.Params...), k.Signed, version)
	})
}

// ParseClientKeyExchange reads the body of a ClientKeyExchange: the encrypted pre-master secret for kx "RSA", else the
// client's public value (RFC 5246 section 7.4.7, RFC 8422 section 5.7).
func ParseClientKeyExchange(body []byte, kx string, version uint16) ([]byte, error) {
	c := cursor{b: body}
	var v []byte
	switch {
	case kx == "RSA" && version == VersionSSL30:
		v, c.b = c.b, nil
	case strings.HasPrefix(kx, "ECDH"):
		v = c.vec8()
	case kx == "RSA" || strings.HasPrefix(kx, "DH"):
		v = c.vec16()
	default:
		return nil, &ParseError{"client key exchange", "key exchange " + kx}
	}
	if c.bad || len(c.b) > 0 || len(v) == 0 {
		return nil, &ParseError{"client key exchange", "length"}
	}
	return v, nil
}

// AppendClientKeyExchange appends the message, header included.
func AppendClientKeyExchange(dst []byte, kx string, value []byte) []byte {
	size := 2
	if strings.HasPrefix(kx, "ECDH") {
		size = 1
	}
	return appendVec(append(dst, MsgClientKeyExchange), 3, func(d []byte) []byte { return appendBytes(d, size, value) })
}
