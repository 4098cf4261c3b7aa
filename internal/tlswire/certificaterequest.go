package tlswire

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

	Context    []byte     // certificate_request_context of TLS 1.3
	Extensions Extensions // of TLS 1.3
}

// ParseCertificateRequest reads the body of a CertificateRequest (RFC 2246 and RFC 5246 section 7.4.4, RFC 8446 section 4.3.2).
func ParseCertificateRequest(body []byte, version uint16) (*CertificateRequest, error) {
	c := cursor{b: body}
	r := &CertificateRequest{}
	var names []byte
	if version >= VersionTLS13 {
		r.Context = c.vec8()
		r.Extensions = c.extensions()
		for _, e := range r.Extensions {
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
