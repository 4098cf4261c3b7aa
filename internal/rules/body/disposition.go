package body

import "strings"

// field takes what a line of a part's head means to parsers.
func (s *mpScan) field(h *partHead, line string) {
	name, value, ok := strings.Cut(line, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok:
	case strings.EqualFold(name, "Content-Disposition"):
		if !h.disposition {
			h.disposition = true
			s.disposition(h, value)
		}
	case strings.EqualFold(name, "Content-Type"):
		h.nested = h.nested || hasPrefixFold(value, "multipart/")
	case strings.EqualFold(name, "Content-Transfer-Encoding"):
		h.encoding = value
	}
}

// disposition reads a Content-Disposition.
func (s *mpScan) disposition(h *partHead, value string) {
	m := &s.r.Multipart
	kind, rest, semicolon := strings.Cut(value, ";")
	kind = strings.TrimSpace(kind)
	if !isToken(kind) || !semicolon && strings.IndexByte(value, '=') >= 0 {
		s.strict()
		m.MissingSemicolon = true
		if i := strings.IndexAny(kind, " \t,"); i >= 0 {
			rest, kind = kind[i+1:]+";"+rest, kind[:i]
		}
	}
	if !strings.EqualFold(kind, "form-data") && s.form {
		s.strict()
	}
	var seen [4]bool
	plain, extended := "", ""
	p := params{text: rest}
	for n := 0; p.next(); n++ {
		s.r.steps++
		if n == maxCompared {
			s.strict() // nobody sends that many
		}
		if p.badQuoting || p.escaped {
			s.strict()
			m.InvalidQuoting = true
		}
		if p.spaced || p.malformed || !isToken(p.name) {
			s.strict()
		}
		lower := -1
		switch {
		case strings.EqualFold(p.name, "name"):
			lower = 0
			if !seen[0] {
				h.name = p.value
			}
		case strings.EqualFold(p.name, "filename"):
			lower = 1
			plain = s.first(seen[1], plain, p.value, h)
		case strings.EqualFold(p.name, "filename*"):
			lower = 2
			if !seen[2] {
				extended = s.extended(h, &p)
			}
		case hasPrefixFold(p.name, "filename*"), hasPrefixFold(p.name, "name*"):
			s.strict() // a continuation (RFC 2231), which few parsers put together
			lower = 3
			seen[3] = false
			if h.other == "" && hasPrefixFold(p.name, "filename*") {
				h.other = s.r.percentDecode(p.value, nil)
			}
		}
		if lower >= 0 {
			if seen[lower] {
				s.strict()
				m.DuplicatePartHeader = true
			}
			seen[lower] = true
		}
	}
	if p.missing {
		s.strict()
		m.MissingSemicolon = true
	}
	s.chooseName(h, plain, extended)
}

// first keeps the first of two values of one parameter; the other is a file name to some parser.
func (s *mpScan) first(seen bool, old, value string, h *partHead) string {
	if seen {
		h.other = value
		return old
	}
	return value
}

// chooseName decides between filename and filename*: the latter counts (RFC 7578 forbids it, RFC 6266 prefers it), the other is seen too.
func (s *mpScan) chooseName(h *partHead, plain, extended string) {
	switch {
	case !h.extended:
		h.file = plain
	default:
		h.file = extended
		if plain != "" {
			h.other = plain
		}
	}
	if h.other == h.file {
		h.other = ""
	}
}

// extended reads charset'language'value of RFC 8187.
func (s *mpScan) extended(h *partHead, p *params) string {
	if p.quoted {
		s.strict()
		s.r.Multipart.InvalidQuoting = true
	}
	charset, rest, ok := strings.Cut(p.value, "'")
	language, value, ok2 := strings.Cut(rest, "'")
	if !ok || !ok2 {
		s.strict()
		h.other = p.value
		return ""
	}
	h.charset, h.language, h.extended = charset, language, true
	return s.r.percentDecode(value, s)
}

// percentDecode undoes %XX; what is none stays as it is, which s, if there is one, is told.
func (r *Result) percentDecode(value string, s *mpScan) string {
	if strings.IndexByte(value, '%') < 0 {
		return value
	}
	r.arena.ensure(len(value))
	at := len(r.arena.buf)
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '%' {
			if i+2 < len(value) && isHex(value[i+1]) && isHex(value[i+2]) {
				c = unhex(value[i+1])<<4 | unhex(value[i+2])
				i += 2
			} else if s != nil {
				s.strict()
			}
		}
		r.arena.buf = append(r.arena.buf, c)
	}
	return r.arena.since(at)
}

// transferDecode undoes a Content-Transfer-Encoding. ok is false for one that is not known, or that the content is not in.
func (r *Result) transferDecode(encoding, content string) (decoded string, ok bool) {
	switch {
	case encoding == "", strings.EqualFold(encoding, "7bit"), strings.EqualFold(encoding, "8bit"), strings.EqualFold(encoding, "binary"):
		return content, true
	case strings.EqualFold(encoding, "quoted-printable"):
		return r.quotedPrintable(content), true
	case strings.EqualFold(encoding, "base64"):
		return r.base64(content)
	}
	return content, false
}

// base64 decodes text as lenient decoders do: padding may stand anywhere, and what is no digit is skipped. ok is false if there was such a thing that
// is no space.
func (r *Result) base64(text string) (decoded string, ok bool) {
	r.arena.ensure(len(text))
	at := len(r.arena.buf)
	buf, word, bits := r.arena.buf, uint32(0), 0
	ok = true
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c -= 'A'
		case c >= 'a' && c <= 'z':
			c -= 'a' - 26
		case c >= '0' && c <= '9':
			c += 52 - '0'
		case c == '+' || c == '-':
			c = 62
		case c == '/' || c == '_':
			c = 63
		case c == '=':
			word, bits = 0, 0
			continue
		default:
			ok = ok && c <= ' '
			continue
		}
		word, bits = word<<6|uint32(c), bits+6
		if bits >= 8 {
			bits -= 8
			buf = append(buf, byte(word>>bits))
		}
	}
	r.arena.buf = buf
	return r.arena.since(at), ok
}

// quotedPrintable decodes text; what is no escape stays as it is.
func (r *Result) quotedPrintable(text string) string {
	if strings.IndexByte(text, '=') < 0 {
		return text
	}
	r.arena.ensure(len(text))
	at := len(r.arena.buf)
	buf := r.arena.buf
	for i := 0; i < len(text); i++ {
		c, rest := text[i], text[i+1:]
		switch {
		case c != '=':
		case len(rest) >= 2 && isHex(rest[0]) && isHex(rest[1]):
			c = unhex(rest[0])<<4 | unhex(rest[1])
			i += 2
		case strings.HasPrefix(rest, "\r\n"):
			i += 2
			continue
		case strings.HasPrefix(rest, "\n"):
			i++
			continue
		}
		buf = append(buf, c)
	}
	r.arena.buf = buf
	return r.arena.since(at)
}
