package tlswire

// Record is one TLS record as its header shows it.
type Record struct {
	Type    uint8
	Version uint16
	Length  int // payload bytes, 0..MaxRecordPayload
	// Head is the start of the payload: min(Length, Collect) bytes. It is valid until the callback returns.
	// The two bytes of an alert in clear are always there.
	Head []byte
}

// maxStart bounds what Lost keeps for the log.
const maxStart = 64

// RecordScanner follows the records of one direction of one connection, fed with slices cut anywhere.
// The zero value is ready. It is not safe for concurrent use.
type RecordScanner struct {
	// Collect is how many payload bytes of each record the callback wants to see in Record.Head. Zero: headers only.
	// It may be changed between records, also from within the callback (a tap sets it back to 0 once the handshake is over).
	Collect int

	hdr   [RecordHeaderLen]byte
	n     int    // bytes in hdr
	rec   Record // the record whose head is being gathered
	want  int    // bytes of its head still missing
	skip  int    // payload bytes to pass over
	head  []byte // gathered head of a record that came in pieces
	start []byte // what stood where a record header should have been; nil while all is well
}

// Feed takes the next bytes and calls on for each record, as soon as the header and the wanted head are there.
// It returns false once the stream is no TLS: see [RecordScanner.Lost].
func (s *RecordScanner) Feed(p []byte, on func(Record)) bool {
	for len(p) > 0 {
		switch {
		case s.start != nil:
			s.start = append(s.start, p[:min(len(p), maxStart-len(s.start))]...)
			return false
		case s.skip > 0:
			n := min(s.skip, len(p))
			s.skip -= n
			p = p[n:]
		case s.want > 0:
			p = s.gather(p, on)
		default:
			p = s.header(p, on)
		}
	}
	return s.start == nil
}

// Lost returns up to 64 bytes from where a record header should have stood, nil while the stream is TLS.
func (s *RecordScanner) Lost() []byte { return s.start }

// Pending reports whether the stream stands inside a record: its end here is a truncation.
func (s *RecordScanner) Pending() bool { return s.n > 0 || s.want > 0 || s.skip > 0 }

func (s *RecordScanner) header(p []byte, on func(Record)) []byte {
	h := p
	if s.n > 0 || len(p) < RecordHeaderLen {
		n := copy(s.hdr[s.n:], p)
		s.n += n
		p = p[n:]
		h = s.hdr[:s.n]
	}
	if !PlausibleRecord(h) {
		s.start = append(make([]byte, 0, maxStart), h[:min(len(h), maxStart)]...)
		if s.n == 0 {
			return nil
		}
		s.n = 0
		return p
	}
	if len(h) < RecordHeaderLen {
		return p
	}
	if s.n == 0 {
		p = p[RecordHeaderLen:]
	}
	s.n = 0
	r := Record{Type: h[0], Version: uint16(h[1])<<8 | uint16(h[2]), Length: int(h[3])<<8 | int(h[4])}
	want := min(s.Collect, r.Length)
	if r.Type == TypeAlert && r.Length == 2 {
		want = 2
	}
	if want > len(p) {
		s.rec, s.want, s.head = r, want, s.head[:0]
		return p
	}
	r.Head = p[:want:want]
	s.skip = r.Length - want
	on(r)
	return p[want:]
}

func (s *RecordScanner) gather(p []byte, on func(Record)) []byte {
	n := min(s.want, len(p))
	s.head = append(s.head, p[:n]...)
	s.want -= n
	if s.want == 0 {
		s.rec.Head = s.head
		s.skip = s.rec.Length - len(s.head)
		on(s.rec)
	}
	return p[n:]
}

// PlausibleRecord reports whether h can begin a record (RFC 8446 section 5.1): one byte of the header or more, of which five count.
func PlausibleRecord(h []byte) bool {
	if h[0] < TypeChangeCipherSpec || h[0] > TypeHeartbeat {
		return false
	}
	if len(h) > 1 && h[1] != 3 {
		return false
	}
	return len(h) < RecordHeaderLen || int(h[3])<<8|int(h[4]) <= MaxRecordPayload
}

// AppendRecord appends payload as records of at most MaxPlaintext bytes; an empty payload makes one empty record.
func AppendRecord(dst []byte, typ uint8, version uint16, payload []byte) []byte {
	for {
		n := min(len(payload), MaxPlaintext)
		dst = append(dst, typ, byte(version>>8), byte(version), byte(n>>8), byte(n))
		dst = append(dst, payload[:n]...)
		payload = payload[n:]
		if len(payload) == 0 {
			return dst
		}
	}
}
