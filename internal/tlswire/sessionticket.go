package tlswire

// NewSessionTicket is a ticket to resume with (RFC 5077 section 3.3, RFC 8446 section 4.6.1).
type NewSessionTicket struct {
	Lifetime uint32 // seconds, as a hint up to TLS 1.2
	Ticket   []byte // may be empty up to TLS 1.2: the server changed its mind

	AgeAdd     uint32     // TLS 1.3: milliseconds
	Nonce      []byte     // TLS 1.3
	Extensions Extensions // TLS 1.3
	EarlyData  uint32     // TLS 1.3: most bytes of 0-RTT data, 0 when none may be sent
}

// ParseNewSessionTicket reads the body of the message. The result aliases body.
func ParseNewSessionTicket(body []byte, version uint16) (*NewSessionTicket, error) {
	c := cursor{b: body}
	m := &NewSessionTicket{Lifetime: c.u32()}
	if version < VersionTLS13 {
		if m.Ticket = c.vec16(); c.bad || len(c.b) > 0 {
			return nil, &ParseError{"new session ticket", "ticket"}
		}
		return m, nil
	}
	m.AgeAdd = c.u32()
	m.Nonce = c.vec8()
	if m.Ticket = c.vec16(); c.bad || len(m.Ticket) == 0 {
		return nil, &ParseError{"new session ticket", "ticket"}
	}
	if m.Extensions = c.extensionBlock(); c.bad || len(c.b) > 0 {
		return nil, &ParseError{"new session ticket", "extensions"}
	}
	if data, ok := m.Extensions.Get(ExtEarlyData); ok {
		x := cursor{b: data}
		if m.EarlyData = x.u32(); x.bad || len(x.b) > 0 {
			return nil, &ParseError{"new session ticket", "early_data extension"}
		}
	}
	return m, nil
}
