package tlswire

// CertificateEntry is one certificate of a Certificate message.
type CertificateEntry struct {
	DER        []byte
	Extensions Extensions // TLS 1.3
}

// Status returns the stapled OCSP response of an entry of TLS 1.3, nil without one (RFC 8446 section 4.4.2.1).
func (e *CertificateEntry) Status() []byte {
	data, ok := e.Extensions.Get(ExtStatusRequest)
	if !ok {
		return nil
	}
	s, err := ParseCertificateStatus(data)
	if err != nil {
		return nil
	}
	return s.Response
}

// CertificateMessage is a whole Certificate message.
type CertificateMessage struct {
	Context []byte // certificate_request_context of TLS 1.3: not empty in answers to a request after the handshake
	Entries []CertificateEntry
}

// ParseCertificateMessage reads the body of a Certificate message: DER certificates in the order sent, leaf first (RFC 5246
// section 7.4.2, RFC 8446 section 4.4.2). An empty list is a client that has none to give. The result aliases body.
func ParseCertificateMessage(body []byte, version uint16) (*CertificateMessage, error) {
	c := cursor{b: body}
	m := &CertificateMessage{}
	if version >= VersionTLS13 {
		m.Context = c.vec8()
	}
	list := cursor{b: c.vec24()}
	for len(list.b) > 0 {
		e := CertificateEntry{DER: list.vec24()}
		if version >= VersionTLS13 {
			e.Extensions = list.extensionBlock()
		}
		if list.bad || len(e.DER) == 0 {
			return nil, &ParseError{"certificate", "list"}
		}
		m.Entries = append(m.Entries, e)
	}
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"certificate", "length"}
	}
	return m, nil
}

// ParseCertificate returns only the certificates of ParseCertificateMessage.
func ParseCertificate(body []byte, version uint16) ([][]byte, error) {
	m, err := ParseCertificateMessage(body, version)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for i := range m.Entries {
		out = append(out, m.Entries[i].DER)
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
