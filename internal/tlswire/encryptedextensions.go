package tlswire

// EncryptedExtensions is what a TLS 1.3 server says under the first keys (RFC 8446 section 4.3.1).
type EncryptedExtensions struct {
	Extensions Extensions // in order, as sent

	ALPN            string
	Groups          []uint16 // supported_groups, for the client's next handshake
	EarlyData       bool     // 0-RTT data is accepted
	ServerNameAck   bool
	RecordSizeLimit uint16 // bytes, 0 when absent
	MaxFragmentCode uint8  // max_fragment_length: 1 to 4 for 2^9 to 2^12 bytes, 0 when absent
	RetryECH        bool   // retry configs: the client's ECH was not accepted (RFC 9849 section 5)
}

// ParseEncryptedExtensions reads the body of the message. The result aliases body, strings apart.
func ParseEncryptedExtensions(body []byte) (*EncryptedExtensions, error) {
	c := cursor{b: body}
	m := &EncryptedExtensions{Extensions: c.extensionBlock()}
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"encrypted extensions", "length"}
	}
	for _, e := range m.Extensions {
		x := cursor{b: e.Data}
		switch e.Type {
		case ExtALPN:
			names, ok := alpnNames(e.Data)
			if !ok || len(names) != 1 {
				x.bad = true
				break
			}
			m.ALPN = names[0]
		case ExtSupportedGroups:
			m.Groups = x.u16s(x.vec16())
		case ExtEarlyData:
			m.EarlyData = true
		case ExtServerName:
			m.ServerNameAck = true
		case ExtRecordSizeLimit:
			m.RecordSizeLimit = x.u16()
		case ExtMaxFragmentLength:
			m.MaxFragmentCode = x.u8()
		case ExtEncryptedClientHello:
			m.RetryECH = true
		}
		if x.bad {
			return nil, &ParseError{"encrypted extensions", ExtensionName(e.Type) + " extension"}
		}
	}
	return m, nil
}
