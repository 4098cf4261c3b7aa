package tlswire

// ParseSSL2ClientHello reads a ClientHello in the format of SSL 2.0, with which old clients offer SSL 3.0 and TLS (RFC 5246
// appendix E.2): msg is the message without its two bytes of length, which is also what the transcript hash takes.
// The result is its counterpart of later versions: the challenge is the end of Random, and the cipher specs of SSL 2.0 itself
// stand apart. It aliases msg.
func ParseSSL2ClientHello(msg []byte) (*ClientHello, error) {
	c := cursor{b: msg}
	typ := c.u8()
	h := &ClientHello{SSL2: true, Version: c.u16()}
	specs, id, challenge := int(c.u16()), int(c.u16()), int(c.u16())
	switch {
	case c.bad || typ != MsgClientHello:
		return nil, &ParseError{"ssl 2.0 client hello", "header"}
	case specs == 0 || specs%3 != 0:
		return nil, &ParseError{"ssl 2.0 client hello", "cipher specs"}
	case id > 32:
		return nil, &ParseError{"ssl 2.0 client hello", "session id"}
	case challenge < 16 || challenge > 32:
		return nil, &ParseError{"ssl 2.0 client hello", "challenge"}
	case len(c.b) != specs+id+challenge:
		return nil, &ParseError{"ssl 2.0 client hello", "length"}
	}
	for list := (cursor{b: c.take(specs)}); len(list.b) > 0; {
		spec := list.u24()
		if spec > 0xffff {
			h.SSL2Specs = append(h.SSL2Specs, uint32(spec))
			continue
		}
		h.Suites = append(h.Suites, uint16(spec))
		if uint16(spec) == SuiteRenegotiationSCSV {
			h.SecureRenegotiation = true
		}
	}
	h.SessionID = c.take(id)
	copy(h.Random[32-challenge:], c.take(challenge))
	return h, nil
}

// SSL2SpecName returns the name of a cipher spec of SSL 2.0, its number as hex when it is not known.
func SSL2SpecName(spec uint32) string {
	for i := range ssl2Names {
		if ssl2Names[i].n == spec {
			return ssl2Names[i].name
		}
	}
	return hex16(uint16(spec>>8)) + string([]byte{hexDigits[spec>>4&15], hexDigits[spec&15]})
}

var ssl2Names = [...]struct {
	n    uint32
	name string
}{
	{0x010080, "SSL2_RC4_128_WITH_MD5"}, {0x020080, "SSL2_RC4_128_EXPORT40_WITH_MD5"}, {0x030080, "SSL2_RC2_128_CBC_WITH_MD5"},
	{0x040080, "SSL2_RC2_128_CBC_EXPORT40_WITH_MD5"}, {0x050080, "SSL2_IDEA_128_CBC_WITH_MD5"}, {0x060040, "SSL2_DES_64_CBC_WITH_MD5"},
	{0x0700c0, "SSL2_DES_192_EDE3_CBC_WITH_MD5"}, {0x080080, "SSL2_RC4_64_WITH_MD5"},
}
