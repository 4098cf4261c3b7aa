package tlsrecord

import (
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Stream cuts one side of one connection. The zero value is ready. It is for one goroutine.
type Stream struct {
	// Buffers may be shared with other streams of the same goroutine. Nil: the stream makes its own. Set it before the first call.
	Buffers *Buffers

	mode    mode
	off     int64 // in the stream, of the next byte
	hdr     [headerLen]byte
	n       int    // bytes in hdr
	rec     Record // under way
	body    []byte // what came of its payload
	lack    int    // payload bytes that rec lacks
	version uint16 // of the last record that was no handshake, which is the negotiated one; 0 before
	start   []byte // what stood where a header should have been
	tail    tail   // of what was passed over last
	find    *search
	have    int // Pending, after Close
}

type mode uint8

const (
	framing   mode = iota // a header comes next, n bytes of it are there
	gathering             // rec is under way
	skipping              // rec is under way, and bytes of it are missing
	searching             // nobody knows where the next header is
	dead                  // no TLS
	closed
)

// Feed takes the next bytes and calls on for each record that they complete. It returns false once the stream is no TLS (any more): see Lost.
func (s *Stream) Feed(at fact.Stamp, p []byte, on func(*Record)) bool {
	for len(p) > 0 {
		n := 0
		switch s.mode {
		case framing:
			n = s.frame(at, p, on)
		case gathering:
			n = s.gather(at, p, on)
		case skipping:
			n = s.skip(at, p, on)
		case searching:
			n = s.search(at, p, on)
		case closed:
			return false
		default:
			s.start = append(s.start, p[:min(len(p), max(maxStart-len(s.start), 0))]...)
			return false
		}
		s.off += int64(n)
		p = p[n:]
	}
	return s.mode < dead
}

// Lost returns up to 64 bytes from where a record header should have stood, nil while the stream is TLS.
func (s *Stream) Lost() []byte { return s.start }

// Pending is how many bytes of an unfinished record are there and how many it lacks; the end of the stream here is a truncation.
func (s *Stream) Pending() (have, lacks int) {
	switch s.mode {
	case framing:
		if s.n > 0 {
			return s.n, headerLen - s.n
		}
	case gathering, skipping:
		return headerLen + s.rec.Length - s.lack, s.lack
	case searching:
		return s.find.pending()
	case closed:
		return s.have, s.lack
	}
	return 0, 0
}

// frame reads one header, and the record too when it is all there. It returns how many bytes it took.
func (s *Stream) frame(at fact.Stamp, p []byte, on func(*Record)) int {
	if s.n > 0 || len(p) < headerLen {
		return s.frameSlowly(at, p, on)
	}
	if !tlswire.PlausibleRecord(p) {
		if s.off == 0 && plausibleSSL2(p) {
			return s.frameSlowly(at, p, on)
		}
		return s.die(p)
	}
	s.begin(at, p, s.off)
	if end := headerLen + s.lack; end <= len(p) {
		s.emit(at, p[headerLen:end:end], on)
		return end
	}
	s.mode = gathering
	return headerLen
}

// frameSlowly gathers a header that comes in pieces.
func (s *Stream) frameSlowly(at fact.Stamp, p []byte, on func(*Record)) int {
	if s.n == 0 {
		s.rec.At = at
	}
	begin := s.off - int64(s.n)
	n := copy(s.hdr[s.n:], p)
	h := s.hdr[:s.n+n]
	ssl2 := begin == 0 && plausibleSSL2(h)
	if !ssl2 && !tlswire.PlausibleRecord(h) {
		s.start = append(make([]byte, 0, maxStart), h[:s.n]...)
		return s.die(p)
	}
	if s.n += n; s.n < headerLen {
		return n
	}
	s.n = 0
	s.begin(s.rec.At, h, begin)
	if ssl2 {
		s.beginSSL2(h)
	}
	if s.mode = gathering; s.lack == 0 {
		s.emit(at, s.hdr[:0], on)
	}
	return n
}

// begin takes note of a header at offset off.
func (s *Stream) begin(at fact.Stamp, h []byte, off int64) {
	s.lack = length(h)
	s.rec = Record{Type: h[0], Version: version(h), Length: s.lack, At: at, Offset: off}
	if h[0] != tlswire.TypeHandshake {
		s.version = s.rec.Version
	}
}

// beginSSL2 makes a ClientHello of SSL 2.0 of the five bytes h, of which three are its payload.
func (s *Stream) beginSSL2(h []byte) {
	n := ssl2Length(h)
	s.rec.Type, s.rec.Version, s.rec.Length = TypeSSL2ClientHello, uint16(h[3])<<8|uint16(h[4]), n
	s.version = 0
	s.body = append(s.buffers().grow(nil, headerLen-ssl2Header), h[ssl2Header:]...)
	s.lack = n - len(s.body)
}

// gather takes payload of the record under way.
func (s *Stream) gather(at fact.Stamp, p []byte, on func(*Record)) int {
	n := min(s.lack, len(p))
	s.body = append(s.buffers().grow(s.body, n), p[:n]...)
	if s.lack -= n; s.lack == 0 {
		s.emit(at, s.body, on)
		s.release()
	}
	return n
}

// emit hands the record under way on; nil as its payload says that it is lost.
func (s *Stream) emit(at fact.Stamp, payload []byte, on func(*Record)) {
	s.mode = framing
	s.rec.End, s.rec.Payload, s.lack = at, payload, 0
	on(&s.rec)
	s.rec.Payload, s.rec.Tail = nil, nil
}

func (s *Stream) die(p []byte) int {
	s.mode = dead
	s.start = append(s.start, p[:min(len(p), maxStart-len(s.start))]...)
	s.release()
	return len(p)
}

func (s *Stream) buffers() *Buffers {
	if s.Buffers == nil {
		s.Buffers = &Buffers{}
	}
	return s.Buffers
}

// release gives the memory back.
func (s *Stream) release() {
	if s.body != nil {
		s.Buffers.put(s.body)
		s.body = nil
	}
}
