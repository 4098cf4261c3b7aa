package tlswire

// PeekClientHello reads the ClientHello at the start of a connection from the bytes so far, without consuming them.
// The error is ErrShort while more bytes may complete it, ErrNotTLS when this is no TLS, or a *ParseError.
// It looks at no more than MaxHello bytes: a hello that is longer is refused, so a caller may bound its buffer so.
func PeekClientHello(b []byte) (*ClientHello, error) {
	var rest []byte // the handshake bytes of all records so far
	joined := false
	for first := true; ; first = false {
		if len(b) == 0 {
			return nil, ErrShort
		}
		if !PlausibleRecord(b) || b[0] != TypeHandshake {
			if first {
				return nil, ErrNotTLS
			}
			return nil, &ParseError{"client hello", "record type"}
		}
		if len(b) < RecordHeaderLen {
			return nil, ErrShort
		}
		n := int(b[3])<<8 | int(b[4])
		if n == 0 {
			return nil, &ParseError{"client hello", "record length"}
		}
		part := b[RecordHeaderLen:]
		whole := len(part) >= n
		part = part[:min(n, len(part))]
		if first {
			rest = part
		} else {
			if !joined {
				rest, joined = append([]byte(nil), rest...), true
			}
			rest = append(rest, part...)
		}
		if h, err := helloIn(rest); h != nil || err != nil {
			return h, err
		}
		if !whole {
			return nil, ErrShort
		}
		b = b[RecordHeaderLen+n:]
	}
}

// helloIn returns nil, nil when the message has not ended yet.
func helloIn(b []byte) (*ClientHello, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if b[0] != MsgClientHello {
		return nil, &ParseError{"client hello", "message type"}
	}
	if len(b) < MessageHeaderLen {
		return nil, nil
	}
	n := messageLen(b)
	if n > MaxHello-MessageHeaderLen {
		return nil, &ParseError{"client hello", "message length"}
	}
	if len(b)-MessageHeaderLen < n {
		return nil, nil
	}
	return ParseClientHello(b[MessageHeaderLen : MessageHeaderLen+n])
}
