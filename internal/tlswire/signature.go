package tlswire

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
