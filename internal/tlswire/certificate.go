package tlswire

// ParseCertificate reads the body of a Certificate message: DER certificates in the order sent, leaf first (RFC 5246 section
// 7.4.2, RFC 8446 section 4.4.2). An empty list is a client that has none to give. The result aliases body.
func ParseCertificate(body []byte, version uint16) ([][]byte, error) {
	c := cursor{b: body}
	if version >= VersionTLS13 {
		c.vec8() // request context
	}
	list := cursor{b: c.vec24()}
	var out [][]byte
	for len(list.b) > 0 {
		der := list.vec24()
		if version >= VersionTLS13 {
			list.vec16() // extensions of this entry
		}
		if list.bad || len(der) == 0 {
			return nil, &ParseError{"certificate", "list"}
		}
		out = append(out, der)
	}
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"certificate", "length"}
	}
	return out, nil
}

// AppendCertificate appends a Certificate message of TLS 1.2 and earlier, header included.
func AppendCertificate(dst []byte, chain [][]byte) []byte {
	return appendVec(append(dst, MsgCertificate), 3, func(d []byte) []byte {
		return appendVec(d, 3, func(d []byte) []byte {
			for _, der := range chain {
				d = appendBytes(d, 3, der)
			}
			return d
		})
	})
}

// Client certificate types (RFC 5246 section 7.4.4).
const (
	CertTypeRSASign   uint8 = 1
	CertTypeECDSASign uint8 = 64
)

// CertificateRequest asks for a client certificate.
type CertificateRequest struct {
	Types            []uint8  // up to TLS 1.2
	SignatureSchemes []uint16 // from TLS 1.2 on
	Authorities      [][]byte // DER distinguished names; empty: any
}

// ParseCertificateRequest reads the body of a CertificateRequest (RFC 2246 and RFC 5246 section 7.4.4, RFC 8446 section 4.3.2).
func ParseCertificateRequest(body []byte, version uint16) (*CertificateRequest, error) {
	c := cursor{b: body}
	r := &CertificateRequest{}
	var names []byte
	if version >= VersionTLS13 {
		c.vec8() // request context
		for _, e := range c.extensions() {
			x := cursor{b: e.Data}
			switch e.Type {
			case ExtSignatureAlgorithms:
				r.SignatureSchemes = x.u16s(x.vec16())
			case extCertificateAuthorities:
				names = x.vec16()
			}
			c.bad = c.bad || x.bad
		}
	} else {
		r.Types = c.vec8()
		if version >= VersionTLS12 {
			r.SignatureSchemes = c.u16s(c.vec16())
		}
		names = c.vec16()
	}
	list := cursor{b: names}
	for len(list.b) > 0 {
		r.Authorities = append(r.Authorities, list.vec16())
	}
	if c.bad || list.bad || len(c.b) > 0 {
		return nil, &ParseError{"certificate request", "length"}
	}
	return r, nil
}

const extCertificateAuthorities uint16 = 47 // RFC 8446 section 4.2.4

// AppendCertificateRequest appends a CertificateRequest of TLS 1.2 and earlier, header included.
func AppendCertificateRequest(dst []byte, r *CertificateRequest, version uint16) []byte {
	return appendVec(append(dst, MsgCertificateRequest), 3, func(d []byte) []byte {
		d = appendBytes(d, 1, r.Types)
		if version >= VersionTLS12 {
			d = appendVec(d, 2, func(d []byte) []byte { return appendU16s(d, r.SignatureSchemes) })
		}
		return appendVec(d, 2, func(d []byte) []byte {
			for _, name := range r.Authorities {
				d = appendBytes(d, 2, name)
			}
			return d
		})
	})
}

// Signature is a signature with its scheme, as in ServerKeyExchange and CertificateVerify.
type Signature struct {
	Scheme uint16 // SignatureScheme from TLS 1.2 on, 0 before
	Value  []byte
}

func (c *cursor) signature(version uint16) Signature {
	var s Signature
	if version >= VersionTLS12 {
		s.Scheme = c.u16()
	}
	s.Value = c.vec16()
	return s
}

func appendSignature(dst []byte, s Signature, version uint16) []byte {
	if version >= VersionTLS12 {
		dst = appendU16(dst, s.Scheme)
	}
	return appendBytes(dst, 2, s.Value)
}

// ParseCertificateVerify reads the body of a CertificateVerify (RFC 5246 section 7.4.8).
func ParseCertificateVerify(body []byte, version uint16) (Signature, error) {
	c := cursor{b: body}
	s := c.signature(version)
	if c.bad || len(c.b) > 0 {
		return Signature{}, &ParseError{"certificate verify", "length"}
	}
	return s, nil
}

// AppendCertificateVerify appends the message, header included.
func AppendCertificateVerify(dst []byte, s Signature, version uint16) []byte {
	return appendVec(append(dst, MsgCertificateVerify), 3, func(d []byte) []byte { return appendSignature(d, s, version) })
}
