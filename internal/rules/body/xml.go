package body

import (
	"strings"
	"unicode/utf8"
)

// xmlScan is one pass over an XML document.
type xmlScan struct {
	r       *Result
	text    string
	at      int
	partial bool
	limits  Limits
	values  int
	bytes   int  // of names of arguments, so many are left
	root    bool // the root element has begun
	stop    bool
}

// xml reads a document: Texts holds each piece of character data between two marks that is not only space, without the space around it, and
// Attributes each attribute's value, both with their entities decoded. With Limits.XMLArgs each such piece is an argument too: within <a><b> it is
// named xml.a.b. What is not well-formed is an error, and reading goes on where a lenient
// parser would.
func (r *Result) xml(text string, partial bool, l Limits) {
	s := xmlScan{r: r, text: text, partial: partial, limits: l, bytes: max(maxNames*len(text), minNames)}
	s.characters()
	s.at = len(text) - len(strings.TrimPrefix(text, byteOrderMark))
	r.names = r.names[:0]
	for s.at < len(text) && !s.stop {
		r.steps++
		if text[s.at] == '<' {
			s.mark()
		} else {
			s.content()
		}
	}
	if s.stop || partial {
		return
	}
	switch {
	case len(r.names) > 0:
		r.fail(len(text), "read XML: %d elements are not closed", len(r.names))
	case !s.root:
		r.fail(len(text), "read XML: no element")
	}
}

// characters finds bytes that no document in UTF-8 holds.
func (s *xmlScan) characters() {
	ascii := true
	for i := range len(s.text) {
		c := s.text[i]
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' {
			s.r.fail(i, "read XML: a control character")
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii || singleByte(s.declared()) {
		return
	}
	for i := 0; i < len(s.text); {
		c, n := utf8.DecodeRuneInString(s.text[i:])
		if c == utf8.RuneError && n == 1 && (!s.partial || utf8.FullRuneInString(s.text[i:])) || c == 0xfffe || c == 0xffff {
			s.r.fail(i, "read XML: not UTF-8")
			return
		}
		i += n
	}
}

// declared is the encoding that the document declares, "" for none.
func (s *xmlScan) declared() string {
	head := strings.TrimPrefix(s.text, byteOrderMark)
	if !strings.HasPrefix(head, "<?xml") {
		return ""
	}
	head, _, _ = strings.Cut(head, "?>")
	_, head, ok := strings.Cut(head, "encoding")
	head = strings.TrimLeft(head, " \t\r\n=")
	if !ok || head == "" {
		return ""
	}
	name, _, _ := strings.Cut(head[1:], head[:1])
	return name
}

// singleByte reports whether an encoding has ASCII in its lower half and one byte for anything else.
func singleByte(name string) bool {
	return hasPrefixFold(name, "iso-8859-") || hasPrefixFold(name, "windows-125") || strings.EqualFold(name, "latin1")
}

// count takes one of the values that there may be.
func (s *xmlScan) count() bool {
	if s.values++; s.values > s.limits.Values {
		s.r.TooMany, s.stop = true, true
	}
	return !s.stop
}

// content reads character data up to the next mark.
func (s *xmlScan) content() {
	rest := s.text[s.at:]
	if i := strings.IndexByte(rest, '<'); i >= 0 {
		rest = rest[:i]
	}
	s.chars(s.decode(rest, s.at))
	s.at += len(rest)
}

// chars takes character data.
func (s *xmlScan) chars(value string) {
	if value = strings.TrimSpace(value); value == "" || !s.count() {
		return
	}
	if len(s.r.names) == 0 {
		s.r.fail(s.at, "read XML: text outside of the root element")
	}
	s.r.Texts = append(s.r.Texts, value)
	if s.limits.XMLArgs {
		s.argument(value)
	}
}

// argument takes character data as an argument that is named by the elements around it.
func (s *xmlScan) argument(value string) {
	r := s.r
	r.key = append(r.key[:0], "xml"...)
	for _, name := range r.names {
		r.key = append(append(r.key, '.'), name...)
	}
	if s.bytes -= len(r.key); s.bytes < 0 {
		r.TooMany, s.stop = true, true
		return
	}
	r.Args = append(r.Args, Field{r.arena.keep(r.key), value})
}

// mark reads what begins with "<".
func (s *xmlScan) mark() {
	rest := s.text[s.at:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		s.markup(s.upTo(4, "-->"))
	case strings.HasPrefix(rest, "<![CDATA["):
		s.chars(s.newlines(s.upTo(len("<![CDATA["), "]]>")))
	case strings.HasPrefix(rest, "<?"):
		if at := s.at; hasPrefixFold(rest, "<?xml") && len(rest) > 5 && rest[5] <= ' ' {
			s.encoding(at)
		}
		if len(rest) > 2 && !nameStart(rest[2]) {
			s.r.fail(s.at, "read XML: a processing instruction without a name")
		}
		s.markup(s.upTo(2, "?>"))
	case strings.HasPrefix(rest, "<!"):
		s.doctype()
	case strings.HasPrefix(rest, "</"):
		s.closing()
	default:
		s.element()
	}
}

// nameStart reports whether a name may begin with c; of letters beyond ASCII all may.
func nameStart(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' || c >= 0x80
}

// encoding refuses encodings in which rules would not see what an origin sees.
func (s *xmlScan) encoding(at int) {
	if name := s.declared(); name != "" && !strings.EqualFold(name, "utf-8") && !strings.EqualFold(name, "us-ascii") && !singleByte(name) {
		s.r.fail(at, "read XML: encoding %.20q", name)
	}
}

// upTo reads what stands between the next skip bytes and end.
func (s *xmlScan) upTo(skip int, end string) string {
	at := s.at
	s.at += skip
	inner := s.text[s.at:]
	if i := strings.Index(inner, end); i >= 0 {
		s.at += i + len(end)
		return inner[:i]
	}
	s.at = len(s.text)
	if !s.partial {
		s.r.fail(at, "read XML: %q is missing", end)
	}
	return inner
}

// markup takes a comment, a processing instruction or a document type.
func (s *xmlScan) markup(text string) {
	if text != "" && s.count() {
		s.r.Markup = append(s.r.Markup, text)
	}
}

// doctype reads a document type, whose internal subset may hold ">" in quotes, brackets and comments. Entities are not expanded, so that rules would
// not see what they stand for: declaring one is an error.
func (s *xmlScan) doctype() {
	at, depth, quote := s.at, 0, byte(0)
	if s.root || !hasPrefixFold(s.text[at:], "<!DOCTYPE") && !s.partial {
		s.r.fail(at, "read XML: a declaration that is out of place")
	}
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case strings.HasPrefix(s.text[s.at:], "<!--"):
			s.upTo(4, "-->")
			continue
		case c == '"' || c == '\'':
			quote = c
		case c == '<':
			depth++
		case c == '>':
			depth--
		}
		s.at++
		if depth == 0 {
			break
		}
	}
	text := s.text[at:s.at]
	if depth > 0 && !s.partial {
		s.r.fail(at, "read XML: the document type does not end")
	}
	if containsFold(text, "<!ENTITY") {
		s.r.fail(at, "read XML: it declares entities")
	}
	s.markup(strings.TrimSuffix(text[min(2, len(text)):], ">"))
}

// containsFold reports whether s holds upper, which begins with a "<", regardless of case.
func containsFold(s, upper string) bool {
	for {
		i := strings.IndexByte(s, upper[0])
		if i < 0 {
			return false
		}
		s = s[i:]
		if hasPrefixFold(s, upper) {
			return true
		}
		s = s[1:]
	}
}
