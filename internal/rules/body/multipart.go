package body

import "strings"

// maxBoundary is how long a boundary may be; RFC 2046 section 5.1.1 says 70.
const (
	maxBoundary    = 256
	strictBoundary = 70
)

// mpScan is one pass over a multipart body.
type mpScan struct {
	r       *Result
	text    string
	partial bool
	limits  Limits
	form    bool // it is multipart/form-data
	heads   int  // lines of heads
	files   int
	folds   int  // lines that were joined to the last one
	crlf    bool // a line of the framing ended so
	stop    bool
}

// strict says that parsers may read the body in different ways.
func (s *mpScan) strict() { s.r.Multipart.StrictError = true }

// multipart reads a body of RFC 7578, or of any other multipart type. A delimiter stands at the beginning of a line and fills it. All else that some
// parser could take for one, or for the head of a part, raises StrictError.
func (r *Result) multipart(contentType, text string, partial bool, l Limits) {
	s := mpScan{r: r, text: text, partial: partial, limits: l}
	boundary := s.boundary(contentType)
	if boundary == "" {
		s.strict()
		if r.Error == "" {
			r.fail(0, "read multipart: no boundary that can be used")
		}
		return
	}
	r.arena.ensure(len(boundary) + 2)
	delimiter := r.arena.keep([]byte("--" + boundary))
	s.parts(delimiter)
	r.Multipart.CRLFLFLines = s.crlf && r.Multipart.LFLine
}

// parts walks from delimiter to delimiter.
func (s *mpScan) parts(delimiter string) {
	m := &s.r.Multipart
	begin, closed, count := 0, false, 0 // where the part begins that is being read
	for from := 0; !s.stop; {
		s.r.steps++
		i := strings.Index(s.text[from:], delimiter)
		if i < 0 {
			break
		}
		at := from + i
		from = at + len(delimiter)
		start, next, last, ok := s.delimiterLine(at, from)
		if !ok {
			s.strict()
			m.UnmatchedBoundary = true
			continue
		}
		s.between(begin, start, count, closed)
		if closed { // parts behind the end: some go on, some do not
			s.strict()
			m.DataAfter = true
		}
		count++
		begin, from, closed = next, next, last
	}
	if s.stop {
		return
	}
	rest := len(s.text)
	if !closed && count > 0 && s.partial {
		rest = s.withoutCut(begin, delimiter)
	}
	s.between(begin, rest, count, closed)
	switch {
	case count == 0 && !s.partial:
		s.strict()
		s.r.fail(0, "read multipart: the boundary is nowhere in the body")
	case !closed && !s.partial:
		s.strict()
		m.UnmatchedBoundary = true
	}
}

// withoutCut gives the end of a part's content when the body was cut within the delimiter behind it.
func (s *mpScan) withoutCut(begin int, delimiter string) int {
	at := max(begin, len(s.text)-len(delimiter)-2)
	for ; at < len(s.text); at++ {
		tail := s.text[at:]
		if strings.HasPrefix("\r\n"+delimiter, tail) {
			return at
		}
	}
	return len(s.text)
}

// between takes what stands between two delimiters: a part, or what should not be there.
func (s *mpScan) between(begin, end, count int, closed bool) {
	outside := closed || count == 0
	if !outside {
		s.part(begin, max(begin, end))
		return
	}
	if strings.TrimSpace(s.text[begin:max(begin, end)]) == "" {
		return
	}
	s.strict()
	s.r.Multipart.DataBefore = s.r.Multipart.DataBefore || !closed
	s.r.Multipart.DataAfter = s.r.Multipart.DataAfter || closed
}

// delimiterLine looks at what stands around a delimiter from at to end. start is where the content before it ends and next where the part behind it
// begins; last says that it is the closing one; ok is false when it is none.
func (s *mpScan) delimiterLine(at, end int) (start, next int, last, ok bool) {
	start = at
	switch {
	case at == 0:
	case at >= 2 && s.text[at-2:at] == "\r\n":
		start = at - 2
		s.crlf = true
	case s.text[at-1] == '\n':
		start = at - 1
		s.bareLF()
	default:
		return 0, 0, false, false
	}
	if strings.HasPrefix(s.text[end:], "--") {
		end += 2
		last = true
	}
	padding := end
	for end < len(s.text) && (s.text[end] == ' ' || s.text[end] == '\t') {
		end++
	}
	if end > padding { // RFC 2046 allows it; parsers that compare whole lines do not
		s.strict()
		s.r.Multipart.BoundaryWhitespace = true
	}
	switch rest := s.text[end:]; {
	case rest == "":
		if !last && !s.partial {
			s.strict()
		}
		return start, end, last, true
	case strings.HasPrefix(rest, "\r\n"):
		s.crlf = true
		return start, end + 2, last, true
	case rest[0] == '\n':
		s.bareLF()
		return start, end + 1, last, true
	case s.partial && rest == "\r" || s.partial && !last && rest == "-":
		return start, len(s.text), last, true
	case last: // the end, and more behind it on the same line
		s.strict()
		s.r.Multipart.DataAfter = true
		return start, end, true, true
	}
	return 0, 0, false, false
}

func (s *mpScan) bareLF() {
	s.strict()
	s.r.Multipart.LFLine = true
}

// boundary reads the parameter of the Content-Type; "" if there is none.
func (s *mpScan) boundary(contentType string) string {
	m := &s.r.Multipart
	media, rest, semicolon := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	if !hasPrefixFold(media, "multipart/") {
		s.strict()
		s.r.fail(0, "read multipart: the content type is another")
		return ""
	}
	s.form = hasPrefixFold(media, "multipart/form-data")
	if strings.ContainsAny(media, " \t,=\"") {
		s.strict()
		m.MissingSemicolon = true
		if !semicolon || indexFold(media, "boundary") >= 0 {
			rest = media[strings.IndexAny(media, " \t,=\"")+1:] + ";" + rest
		}
	}
	found, times := "", 0
	p := params{text: rest}
	for p.next() {
		if !strings.EqualFold(p.name, "boundary") {
			if indexFold(p.name, "boundary") >= 0 || indexFold(p.value, "boundary") >= 0 {
				s.strict() // parsers that look for the word would take it
			}
			continue
		}
		if times++; times > 1 {
			s.strict()
			continue
		}
		found = p.value
		m.BoundaryQuoted = p.quoted
		m.BoundaryWhitespace = m.BoundaryWhitespace || p.spaced
		m.InvalidQuoting = m.InvalidQuoting || p.badQuoting
		if p.spaced || p.escaped || p.badQuoting || p.malformed {
			s.strict()
		}
	}
	if p.malformed {
		s.strict()
	}
	if p.missing {
		s.strict()
		m.MissingSemicolon = true
	}
	if len(found) > strictBoundary || !isBoundary(found) {
		s.strict()
	}
	if len(found) > maxBoundary {
		return ""
	}
	return found
}

// isBoundary reports whether s holds only what RFC 2046 allows in a boundary.
func isBoundary(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphaNumeric(c) && strings.IndexByte("'()+_,-./:=? ", c) < 0 {
			return false
		}
	}
	return s != "" && s[len(s)-1] != ' '
}

func isAlphaNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isToken reports whether s is a token of RFC 2045 and RFC 9110.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphaNumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// indexFold finds a word of lower-case ASCII letters in s regardless of case; -1 if it is not there.
func indexFold(s, lower string) int {
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i]|0x20 == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}
