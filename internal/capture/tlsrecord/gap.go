package tlsrecord

import "github.com/lunette-waf/lunette/internal/fact"

// Gap takes note of n missing bytes. A gap within a record costs that record alone; after one that reaches beyond its end the next
// header is searched.
func (s *Stream) Gap(at fact.Stamp, n int64, on func(*Record)) {
	if n <= 0 {
		return
	}
	if s.mode == searching {
		s.Settle(on)
	}
	switch s.mode {
	case framing:
		from := s.off - int64(s.n)
		s.off += n
		s.look(at, from)
		s.n = 0
	case gathering, skipping:
		s.rec.Lost = true
		s.release()
		s.tail.n = 0
		rest := n - int64(s.lack)
		if rest < 0 {
			s.mode = skipping
			s.lack -= int(n)
			s.off += n
			return
		}
		s.off += int64(s.lack)
		s.emit(at, nil, on)
		if rest > 0 {
			from := s.off
			s.off += rest
			s.look(at, from)
		}
	case searching:
		s.off += n
		s.find.restart()
		s.tail.n = 0
	}
}

// Miss takes note of missing bytes of which it is known that they are whole records: n bytes, so many records, the last of which ends
// with tail. What follows begins with a header. Where a record is under way it is a gap like any other.
func (s *Stream) Miss(at fact.Stamp, n, records int64, tail []byte, on func(*Record)) {
	if s.mode != framing || s.n > 0 || records <= 0 || n <= 0 {
		s.Gap(at, n, on)
		return
	}
	r := Record{At: at, End: at, Offset: s.off, Lost: true, Unknown: true, Skipped: n, Count: records, Tail: tail[max(0, len(tail)-maxTail):]}
	s.off += n
	on(&r)
}

// skip passes over the rest of a lost record.
func (s *Stream) skip(at fact.Stamp, p []byte, on func(*Record)) int {
	n := min(s.lack, len(p))
	s.tail.add(p[:n])
	if s.lack -= n; s.lack == 0 {
		s.rec.Tail = s.tail.bytes()
		s.emit(at, nil, on)
	}
	return n
}

// Close says that the side sends no more. A record that bytes are missing of is reported as lost, bytes in which no header was found as
// an unknown one; a record that is cut short by the end shows in Pending, which stays as it was.
func (s *Stream) Close(at fact.Stamp, on func(*Record)) {
	s.Settle(on)
	have, lacks := s.Pending()
	switch s.mode {
	case skipping:
		s.emit(at, nil, on)
	case searching:
		s.unknown(at, s.off, nil, on)
	case dead, closed:
		return
	}
	s.release()
	s.mode, s.find, s.have, s.lack = closed, nil, have, lacks
}

// tail keeps the last bytes of what was passed over.
type tail struct {
	b [maxTail]byte
	n int
}

func (t *tail) add(p []byte) {
	if len(p) >= maxTail {
		t.n = copy(t.b[:], p[len(p)-maxTail:])
		return
	}
	if drop := t.n + len(p) - maxTail; drop > 0 {
		t.n = copy(t.b[:], t.b[drop:t.n])
	}
	t.n += copy(t.b[t.n:], p)
}

func (t *tail) bytes() []byte {
	if t.n == 0 {
		return nil
	}
	return t.b[:t.n:t.n]
}
