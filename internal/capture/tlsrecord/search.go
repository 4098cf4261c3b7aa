package tlsrecord

import (
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// maxSearch is how many bytes in one piece hold a header and the one after its record, wherever they begin: the rest of a record,
// a record, a header. If none was found in so many, the stream is no TLS.
const maxSearch = 2*maxRecord + headerLen

// maxMarks bounds how many pieces of a searched part keep their own stamps; those beyond share the last one.
const maxMarks = 256

// search looks for the next header.
type search struct {
	at    fact.Stamp // where the loss was noticed
	from  int64      // offset of the first byte that belongs to no known record
	seen  int        // bytes since the last gap
	head  []byte     // the first of them, up to maxStart
	buf   []byte     // the last of them, from the first header that may be one
	cand  int        // in buf, of the header that may be one
	marks []mark
}

// mark says which bytes of buf came when: those before end that no mark before covers.
type mark struct {
	end int
	at  fact.Stamp
}

// Midstream says that the capture begins within this stream, maybe within a record: the first header is searched. Call it before Feed.
func (s *Stream) Midstream() {
	if s.off == 0 && s.mode == framing {
		s.look(fact.Stamp{}, 0)
	}
}

// look begins to search; what is not known begins at offset from.
func (s *Stream) look(at fact.Stamp, from int64) {
	s.mode = searching
	s.tail.n = 0
	s.find = &search{at: at, from: from}
}

// restart is for another gap.
func (f *search) restart() {
	*f = search{at: f.at, from: f.from, head: f.head[:0], buf: f.buf[:0], marks: f.marks[:0]}
}

// search takes bytes until a header is sure.
func (s *Stream) search(at fact.Stamp, p []byte, on func(*Record)) int {
	f := s.find
	p = p[:min(len(p), maxSearch-f.seen)]
	taken := len(p)
	f.seen += taken
	f.head = append(f.head, p[:min(taken, maxStart-len(f.head))]...)
	if f.at == (fact.Stamp{}) {
		f.at = at
	}
	if len(f.buf) == 0 {
		i := s.candidate(p)
		s.tail.add(p[:i])
		p = p[i:]
	}
	f.buf = append(f.buf, p...)
	f.mark(at)
	if s.resolve() {
		s.confirm(s.off+int64(taken), on)
		s.off -= int64(taken)
	} else if f.seen == maxSearch {
		s.start = f.head
		s.mode, s.find = dead, nil
	}
	return taken
}

func (f *search) mark(at fact.Stamp) {
	if n := len(f.marks); n > 0 && (f.marks[n-1].at == at || n == maxMarks) {
		f.marks[n-1] = mark{len(f.buf), at}
		return
	}
	f.marks = append(f.marks, mark{len(f.buf), at})
}

// candidate returns the first place in p where a header can begin, len(p) when there is none.
func (s *Stream) candidate(p []byte) int {
	for i := range p {
		if s.mayBe(p[i:]) {
			return i
		}
	}
	return len(p)
}

// mayBe is tlswire.PlausibleRecord with what else is known: no empty record, and the version that was negotiated.
func (s *Stream) mayBe(h []byte) bool {
	if !tlswire.PlausibleRecord(h) {
		return false
	}
	if len(h) >= 3 && (h[2] > 4 || s.version != 0 && version(h) != s.version) {
		return false
	}
	return len(h) < headerLen || length(h) > 0
}

// resolve moves on to the first header in buf that may still be one, and reports whether it is one: another follows its record.
func (s *Stream) resolve() bool {
	f := s.find
	for f.cand < len(f.buf) {
		c := f.buf[f.cand:]
		if s.mayBe(c) {
			if len(c) <= headerLen || len(c) <= headerLen+length(c) {
				return false
			}
			next := c[headerLen+length(c):]
			if s.mayBe(next) && (len(next) < 3 || version(next) == version(c)) {
				return len(next) >= headerLen
			}
		}
		f.cand += 1 + s.candidate(c[1:])
	}
	s.tail.add(f.buf)
	f.buf, f.cand, f.marks = f.buf[:0], 0, f.marks[:0]
	return false
}

// confirm goes on from the header that was found; end is the offset behind buf.
func (s *Stream) confirm(end int64, on func(*Record)) {
	f := s.find
	header := end - int64(len(f.buf)-f.cand)
	s.tail.add(f.buf[:f.cand])
	s.unknown(f.stamp(), header, s.tail.bytes(), on)
	s.mode, s.find, s.off, s.n = framing, nil, header, 0
	at := f.cand
	for _, m := range f.marks {
		if m.end > at {
			s.Feed(m.at, f.buf[at:m.end], on)
			at = m.end
		}
	}
}

// stamp is that of the header that was found.
func (f *search) stamp() fact.Stamp {
	for _, m := range f.marks {
		if m.end > f.cand {
			return m.at
		}
	}
	return f.at
}

// unknown hands on that nobody knows what stood between the last record and offset end.
func (s *Stream) unknown(at fact.Stamp, end int64, tail []byte, on func(*Record)) {
	if end > s.find.from {
		on(&Record{At: s.find.at, End: at, Offset: s.find.from, Lost: true, Unknown: true, Skipped: end - s.find.from, Tail: tail})
	}
}

// Settle says that the side is silent for now, for instance because the other one speaks: a record after a gap that ends exactly here
// is taken for sure. It changes nothing when no header is searched.
func (s *Stream) Settle(on func(*Record)) {
	if s.mode != searching {
		return
	}
	f := s.find
	for c := f.cand; c+headerLen < len(f.buf); c++ {
		if h := f.buf[c:]; s.mayBe(h) && headerLen+length(h) == len(h) {
			f.cand = c
			s.confirm(s.off, on)
			return
		}
	}
}

// pending is what there is of the record that may be one.
func (f *search) pending() (have, lacks int) {
	c := f.buf[f.cand:]
	switch {
	case len(c) == 0:
		return 0, 0
	case len(c) < headerLen:
		return len(c), headerLen - len(c)
	}
	return len(c), max(headerLen+length(c)-len(c), 0)
}
