package body

import (
	"strconv"
	"strings"
)

// Names repeat what they are in, so that they may grow as depth times leaves. They come to at most maxNames times the body, or minNames bytes.
const (
	maxNames = 8
	minNames = 64 << 10
)

// jsonScan is one pass over a JSON text.
type jsonScan struct {
	r       *Result
	text    string
	at      int
	partial bool
	limits  Limits
	dry     bool // look at the syntax only
	leaves  int
	lengths int // entries that tell the length of an array; they count apart
	bytes   int // of names, so many are left
	stop    bool
}

// json reads a JSON text: the value at a.0.b is named json.a.0.b, and json.a holds the length of the array a. A text that holds GraphQL
// in a member "query" gives its values as well.
func (r *Result) json(text string, partial bool, l Limits) {
	first := len(r.Args)
	s := jsonScan{r: r, text: text, partial: partial, limits: l}
	s.scan()
	r.graphQLInJSON(first, partial, l)
}

func (s *jsonScan) scan() {
	r := s.r
	s.bytes = max(maxNames*len(s.text), minNames)
	if strings.HasPrefix(s.text, byteOrderMark) {
		s.at = len(byteOrderMark)
	}
	r.key = append(r.key[:0], "json"...)
	r.frames = r.frames[:0]
	s.space()
	if s.at < len(s.text) && s.text[s.at] != '{' && s.text[s.at] != '[' { // a lone value is named as the only one of an array
		r.key = append(r.key, ".0"...)
		s.value()
		if s.leaves > 0 && !s.stop {
			s.emit(r.key[:len("json")], "1")
		}
	} else {
		s.value()
	}
	for len(r.frames) > 0 && !s.stop {
		s.next()
	}
	if s.stop {
		return
	}
	s.space()
	if s.at < len(s.text) {
		s.fault("more text behind the value")
	}
}

// fault stops, unless the text was cut here.
func (s *jsonScan) fault(what string) {
	s.stop = true
	if s.at >= len(s.text) {
		if s.partial {
			return
		}
		what = "it ends too early"
	}
	s.r.fail(s.at, "read JSON: %s", what)
}

func (s *jsonScan) space() {
	for s.at < len(s.text) {
		if c := s.text[s.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.at++
	}
}

// value reads a value, of an array or object only its beginning.
func (s *jsonScan) value() {
	s.space()
	s.r.steps++
	if s.at >= len(s.text) {
		s.fault("")
		return
	}
	switch c := s.text[s.at]; c {
	case '{', '[':
		if len(s.r.frames) >= s.limits.Depth {
			s.r.tooDeep(s.at, s.limits.Depth, "JSON")
			s.stop = true
			return
		}
		s.at++
		s.r.frames = append(s.r.frames, frame{prefix: len(s.r.key), object: c == '{'})
	case '"':
		s.at++
		s.leaf(s.str())
	default:
		s.leaf(s.word())
	}
}

// next goes on in the innermost array or object: to its next value or to its end.
func (s *jsonScan) next() {
	r := s.r
	s.space()
	if s.at >= len(s.text) {
		s.fault("")
		return
	}
	f := &r.frames[len(r.frames)-1]
	c := s.text[s.at]
	switch {
	case f.object && c == '}' || !f.object && c == ']':
		s.at++
		s.end()
		return
	case f.count > 0 && c != ',':
		s.fault("a comma or the end of the object or array is missing")
		return
	case f.count > 0:
		s.at++
		s.space()
	}
	r.key = append(r.key[:f.prefix], '.')
	if !f.object {
		r.key = strconv.AppendInt(r.key, int64(f.count), 10)
		f.count++
		s.value()
		return
	}
	f.count++
	if s.at >= len(s.text) || s.text[s.at] != '"' {
		s.fault("the name of a member is missing")
		return
	}
	s.at++
	name := s.str()
	r.key = append(r.key, name...)
	s.space()
	if s.stop || s.at >= len(s.text) || s.text[s.at] != ':' {
		s.leaf("") // so that the name is seen
		if !s.stop {
			s.fault("a colon is missing")
		}
		return
	}
	s.at++
	s.value()
}

// end closes the innermost array or object.
func (s *jsonScan) end() {
	r := s.r
	f := r.frames[len(r.frames)-1]
	r.frames = r.frames[:len(r.frames)-1]
	switch {
	case f.count == 0 && len(r.frames) > 0: // its name would be seen nowhere else
		r.key = r.key[:f.prefix]
		if f.object {
			s.leaf("")
		} else {
			s.leaf("0")
		}
	case !f.object && f.count > 0:
		if s.lengths++; s.lengths > s.limits.Values {
			r.TooMany, s.stop = true, true
			return
		}
		var digits [20]byte
		s.emit(r.key[:f.prefix], r.arenaText(strconv.AppendInt(digits[:0], int64(f.count), 10), s.dry))
	}
}

// leaf takes a value by the name in key.
func (s *jsonScan) leaf(value string) {
	s.leaves++
	if s.leaves > s.limits.Values {
		s.r.TooMany, s.stop = true, true
		return
	}
	s.emit(s.r.key, value)
}

func (s *jsonScan) emit(name []byte, value string) {
	s.bytes -= len(name)
	if s.bytes < 0 {
		s.r.TooMany, s.stop = true, true
		return
	}
	if !s.dry {
		s.r.Args = append(s.r.Args, Field{s.r.arena.keep(name), value})
	}
}

// arenaText keeps b unless nobody is going to look.
func (r *Result) arenaText(b []byte, dry bool) string {
	if dry {
		return ""
	}
	return r.arena.keep(b)
}
