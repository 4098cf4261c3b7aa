package body

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pbScan reads messages of protobuf without their schema.
type pbScan struct {
	r       *Result
	text    string
	partial bool
	limits  Limits
	bytes   int // of names and of text that is looked at, so many are left
	stop    bool
}

// protobuf reads a message: the field 3 in the field 1 is named protobuf.1.3.
func (r *Result) protobuf(text string, partial bool, l Limits) {
	r.key = append(r.key[:0], "protobuf"...)
	names := max(maxNames*len(text), minNames)
	r.pbMessage(text, 0, partial, l, &names)
}

// pbMessage reads a message that begins at byte at of the body, into the path in key. It takes what it uses off names.
func (r *Result) pbMessage(text string, at int, partial bool, l Limits, names *int) {
	s := pbScan{r: r, text: text, partial: partial, limits: l, bytes: *names}
	defer func() { *names = s.bytes }()
	if end, ok := s.fields(0, len(text), 0, 1); !ok && !s.stop && (!partial || end < len(text)) {
		r.fail(at+end, "read protobuf: no field")
	}
}

// fields reads the fields from at up to end, in a group up to its end. ok is false if something is no field, at the byte that is returned. What
// stands in a field is looked at only once, whatever it is, so that the whole is linear.
func (s *pbScan) fields(at, end int, group uint64, depth int) (int, bool) {
	if depth > s.limits.Depth {
		s.r.tooDeep(at, s.limits.Depth, "protobuf")
		s.stop = true
		return at, false
	}
	for at < end && !s.stop {
		s.r.steps++
		from := at
		tag, n := varint(s.text[at:end])
		field := tag >> 3
		if n == 0 || field == 0 || field >= 1<<29 {
			return from, false
		}
		at += n
		if tag&7 == 4 {
			return at, group == field
		}
		before := len(s.r.key)
		s.r.key = strconv.AppendUint(append(s.r.key, '.'), field, 10)
		next, ok := s.field(tag, at, end, depth)
		s.r.key = s.r.key[:before]
		if !ok {
			if next >= end && s.partial {
				return end, false
			}
			return from, false
		}
		at = next
	}
	return at, group == 0 && !s.stop
}

// field reads what stands behind a tag.
func (s *pbScan) field(tag uint64, at, end, depth int) (int, bool) {
	rest := s.text[at:end]
	switch tag & 7 {
	case 0:
		v, n := varint(rest)
		if n == 0 {
			return end, false
		}
		s.number(int64(v))
		return at + n, true
	case 1:
		if len(rest) < 8 {
			return end, false
		}
		s.number(int64(binary.LittleEndian.Uint64([]byte(rest[:8]))))
		return at + 8, true
	case 5:
		if len(rest) < 4 {
			return end, false
		}
		s.number(int64(int32(binary.LittleEndian.Uint32([]byte(rest[:4])))))
		return at + 4, true
	case 2:
		size, n := varint(rest)
		if n == 0 {
			return end, false
		}
		at += n
		if size > uint64(end-at) {
			if s.partial && end == len(s.text) { // cut here
				s.payload(at, end, depth)
			} else if !s.partial && depth == 1 {
				s.emit(s.text[at:end])
			}
			return end, false
		}
		s.payload(at, at+int(size), depth)
		return at + int(size), true
	case 3:
		return s.fields(at, end, tag>>3, depth+1)
	}
	return at, false
}

// payload takes a field of bytes: as a message if it can be one, and as it stands if it is text or no message.
func (s *pbScan) payload(at, end, depth int) {
	text, r := s.text[at:end], s.r
	mark, message := len(r.Args), false
	before := r.state()
	if text != "" {
		stopped := 0
		stopped, message = s.fields(at, end, 0, depth+1)
		switch {
		case s.stop && isPlain(text): // text that looks like a message of very many or very deep fields
			s.stop = s.bytes < 0
			r.restore(before)
			r.Args = r.Args[:mark]
		case s.stop:
			return
		case !message && (!s.partial || stopped < end):
			r.Args = r.Args[:mark]
		}
	}
	if message { // the same text may be looked at once more for the message that it is in
		n := textPrefix(text)
		if s.bytes -= n; n < len(text) || !utf8.ValidString(text) {
			return
		}
	}
	s.emit(text)
}

// textPrefix counts the bytes before the first control character that no text has.
func textPrefix(s string) int {
	n := 0
	for n < len(s) && (s[n] >= ' ' && s[n] != 0x7f || s[n] >= '\t' && s[n] <= '\r') {
		n++
	}
	return n
}

// isPlain reports whether s is UTF-8 without control characters that no text has.
func isPlain(s string) bool { return textPrefix(s) == len(s) && utf8.ValidString(s) }

func (s *pbScan) number(v int64) {
	var digits [20]byte
	s.emit(s.r.arena.keep(strconv.AppendInt(digits[:0], v, 10)))
}

func (s *pbScan) emit(value string) {
	if s.bytes -= len(s.r.key); s.bytes < 0 || !s.r.add(s.r.arena.keep(s.r.key), value, s.limits) {
		s.r.TooMany, s.stop = true, true
	}
}

// varint reads a varint of up to ten bytes; n is 0 if there is none.
func varint(s string) (v uint64, n int) {
	for n < len(s) && n < binary.MaxVarintLen64 {
		c := s[n]
		v |= uint64(c&0x7f) << (7 * n)
		n++
		if c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}

// isGRPCText reports whether a Content-Type is that of gRPC-Web in base64.
func isGRPCText(contentType string) bool {
	return hasPrefixFold(strings.TrimSpace(contentType), "application/grpc-web-text")
}
