package tlswire

// Message is one handshake message in clear.
type Message struct {
	Type   uint8
	Length int    // of the body, as the header says
	Body   []byte // valid until the callback returns; nil when Length > MaxMessage
	Raw    []byte // header and body, as the transcript hash wants them; nil like Body
}

// MessageScanner puts handshake messages together from the payloads of handshake records: several in one record,
// one over many. The zero value is ready. It is not safe for concurrent use.
type MessageScanner struct {
	buf  []byte // an unfinished message
	skip int    // bytes of a message longer than MaxMessage still to pass over
}

// Feed takes the payload of the next handshake record and calls on for each message that it completes.
// A message longer than MaxMessage is reported when its header is there, without its body.
func (s *MessageScanner) Feed(p []byte, on func(Message)) {
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, len(p))
			s.skip -= n
			p = p[n:]
			continue
		}
		if len(s.buf) == 0 {
			if n := whole(p); n > 0 {
				on(message(p[:n]))
				p = p[n:]
				continue
			}
		}
		p = s.gather(p, on)
	}
}

// Pending reports whether a message was begun and not ended.
func (s *MessageScanner) Pending() bool { return len(s.buf) > 0 || s.skip > 0 }

func (s *MessageScanner) gather(p []byte, on func(Message)) []byte {
	if missing := MessageHeaderLen - len(s.buf); missing > 0 {
		n := min(missing, len(p))
		s.buf = append(s.buf, p[:n]...)
		p = p[n:]
		if len(s.buf) < MessageHeaderLen {
			return p
		}
	}
	length := messageLen(s.buf)
	if length > MaxMessage {
		s.skip = length
		on(Message{Type: s.buf[0], Length: length})
		s.buf = s.buf[:0]
		return p
	}
	n := min(MessageHeaderLen+length-len(s.buf), len(p))
	s.buf = append(s.buf, p[:n]...)
	if len(s.buf) == MessageHeaderLen+length {
		on(message(s.buf))
		s.buf = s.buf[:0]
	}
	return p[n:]
}

// whole returns the size of the message at the start of p when all of it is there, else 0.
func whole(p []byte) int {
	if len(p) < MessageHeaderLen {
		return 0
	}
	n := messageLen(p)
	if n > MaxMessage || n > len(p)-MessageHeaderLen {
		return 0
	}
	return MessageHeaderLen + n
}

func messageLen(h []byte) int { return int(h[1])<<16 | int(h[2])<<8 | int(h[3]) }

func message(raw []byte) Message {
	return Message{Type: raw[0], Length: len(raw) - MessageHeaderLen, Body: raw[MessageHeaderLen:len(raw):len(raw)], Raw: raw}
}

// AppendMessage appends a handshake message: header and body.
func AppendMessage(dst []byte, typ uint8, body []byte) []byte {
	n := len(body)
	dst = append(dst, typ, byte(n>>16), byte(n>>8), byte(n))
	return append(dst, body...)
}

// HelloRequest is a whole HelloRequest message (RFC 5246 section 7.4.1.1); treat it as read-only.
func HelloRequest() []byte { return []byte{MsgHelloRequest, 0, 0, 0} }
