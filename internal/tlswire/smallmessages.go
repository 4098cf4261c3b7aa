package tlswire

// Kinds of certificate status (RFC 6066 section 8, RFC 6961 section 2.2).
const (
	StatusOCSP      uint8 = 1
	StatusOCSPMulti uint8 = 2
)

// CertificateStatus is a stapled answer about the server's certificate.
type CertificateStatus struct {
	Type     uint8
	Response []byte // DER OCSPResponse, of the leaf when there are several
	Count    int    // responses, those that are empty left out
}

// ParseCertificateStatus reads the body of a CertificateStatus, or the status_request extension of a TLS 1.3 certificate.
func ParseCertificateStatus(body []byte) (*CertificateStatus, error) {
	c := cursor{b: body}
	m := &CertificateStatus{Type: c.u8()}
	switch m.Type {
	case StatusOCSP:
		if m.Response = c.vec24(); len(m.Response) > 0 {
			m.Count = 1
		}
	case StatusOCSPMulti:
		list := cursor{b: c.vec24()}
		for first := true; len(list.b) > 0; first = false {
			one := list.vec24()
			if first {
				m.Response = one
			}
			if len(one) > 0 {
				m.Count++
			}
		}
		c.bad = c.bad || list.bad
	default:
		return nil, &ParseError{"certificate status", "type"}
	}
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"certificate status", "length"}
	}
	return m, nil
}

// ParseKeyUpdate reads the body of a KeyUpdate; requested says that the other side is asked to do the same (RFC 8446 section 4.6.3).
func ParseKeyUpdate(body []byte) (requested bool, err error) {
	if len(body) != 1 || body[0] > 1 {
		return false, &ParseError{"key update", "request"}
	}
	return body[0] == 1, nil
}

// ParseNextProtocol reads the protocol of a NextProtocol message (NPN: a name, then padding).
func ParseNextProtocol(body []byte) (string, error) {
	c := cursor{b: body}
	proto := c.vec8()
	c.vec8()
	if c.bad || len(c.b) > 0 {
		return "", &ParseError{"next protocol", "length"}
	}
	return string(proto), nil
}
