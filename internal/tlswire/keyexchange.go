package tlswire

import "strings"

// ServerKeyExchange carries a server's ephemeral key, the hint of a PSK, or both (RFC 5246 section 7.4.3, RFC 8422 section 5.4,
// RFC 4279, RFC 5489, RFC 5054).
type ServerKeyExchange struct {
	Hint   []byte // PSK kinds: psk_identity_hint
	Group  uint16 // ECDHE: named group
	Public []byte // ECDHE: point; DHE: Ys; SRP: B
	P, G   []byte // DHE and SRP: prime and generator
	Salt   []byte // SRP
	Params []byte // the signed part as it stands on the wire
	Signed Signature
}

// ParseServerKeyExchange reads the body of a ServerKeyExchange for the key exchange kx of the suite ("ECDHE_RSA", "DHE_RSA",
// "DHE_PSK", "SRP_SHA", …). Anonymous ones and those of a PSK carry no signature. The result aliases body.
func ParseServerKeyExchange(body []byte, kx string, version uint16) (*ServerKeyExchange, error) {
	c := cursor{b: body}
	k := &ServerKeyExchange{}
	psk := isPSK(kx)
	if psk {
		k.Hint = c.vec16()
	}
	switch {
	case strings.HasPrefix(kx, "ECDH"):
		if c.u8() != 3 { // named_curve
			return nil, &ParseError{"server key exchange", "curve type"}
		}
		k.Group = c.u16()
		k.Public = c.vec8()
	case isDH(kx) || kx == "RSA_EXPORT": // a short RSA key: modulus and exponent, no third value
		k.P, k.G = c.vec16(), c.vec16()
		if kx != "RSA_EXPORT" {
			k.Public = c.vec16()
		}
	case strings.HasPrefix(kx, "SRP"):
		k.P, k.G, k.Salt, k.Public = c.vec16(), c.vec16(), c.vec8(), c.vec16()
	case !psk:
		return nil, &ParseError{"server key exchange", "key exchange " + kx}
	}
	if c.bad {
		return nil, &ParseError{"server key exchange", "parameters"}
	}
	k.Params = body[:len(body)-len(c.b)]
	if !psk && !strings.HasSuffix(kx, "_anon") && kx != "SRP_SHA" {
		k.Signed = c.signature(version)
	}
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"server key exchange", "signature"}
	}
	return k, nil
}

func isPSK(kx string) bool { return strings.HasSuffix(kx, "PSK") || kx == "PSK_DHE" } // IANA spells two suites so

func isDH(kx string) bool {
	return strings.HasPrefix(kx, "DHE") || strings.HasPrefix(kx, "DH_anon") || kx == "PSK_DHE"
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

// ClientKeyExchange carries a client's part of the key (RFC 5246 section 7.4.7, RFC 8422 section 5.7, RFC 4279).
type ClientKeyExchange struct {
	Identity []byte // PSK kinds: psk_identity
	Value    []byte // RSA: the encrypted pre-master secret; else the client's public value; nil for PSK alone
}

// ParseClientKeyExchangeMessage reads the body of a ClientKeyExchange for the key exchange kx of the suite. A static (EC)DH
// client may send no value. The result aliases body.
func ParseClientKeyExchangeMessage(body []byte, kx string, version uint16) (*ClientKeyExchange, error) {
	c := cursor{b: body}
	k := &ClientKeyExchange{}
	if isPSK(kx) {
		k.Identity = c.vec16()
	}
	switch {
	case strings.HasPrefix(kx, "RSA") && version == VersionSSL30:
		k.Value, c.b = c.b, nil
	case len(c.b) == 0 && (kx == "PSK" || strings.HasPrefix(kx, "ECDH_") || strings.HasPrefix(kx, "DH_")):
	case strings.HasPrefix(kx, "ECDH"):
		k.Value = c.vec8()
	case strings.HasPrefix(kx, "RSA") || strings.HasPrefix(kx, "SRP") || strings.HasPrefix(kx, "DH") || kx == "PSK_DHE":
		k.Value = c.vec16()
	default:
		return nil, &ParseError{"client key exchange", "key exchange " + kx}
	}
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"client key exchange", "length"}
	}
	return k, nil
}

// ParseClientKeyExchange returns only the value of ParseClientKeyExchangeMessage, which must not be empty: the encrypted
// pre-master secret for kx "RSA", else the client's public value.
func ParseClientKeyExchange(body []byte, kx string, version uint16) ([]byte, error) {
	k, err := ParseClientKeyExchangeMessage(body, kx, version)
	if err != nil {
		return nil, err
	}
	if len(k.Value) == 0 {
		return nil, &ParseError{"client key exchange", "length"}
	}
	return k.Value, nil
}

// AppendClientKeyExchange appends the message, header included.
func AppendClientKeyExchange(dst []byte, kx string, value []byte) []byte {
	size := 2
	if strings.HasPrefix(kx, "ECDH") {
		size = 1
	}
	return appendVec(append(dst, MsgClientKeyExchange), 3, func(d []byte) []byte { return appendBytes(d, size, value) })
}
