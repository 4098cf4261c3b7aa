package body

import "strings"

// partHead is what the head of a part says.
type partHead struct {
	name        string
	file        string // filename, or what filename* says
	other       string // the other of the two, if they differ
	charset     string
	language    string
	extended    bool // there is a filename*
	disposition bool // there is a Content-Disposition
	encoding    string
	nested      bool // its content is multipart
}

// part reads a part from begin to end.
func (s *mpScan) part(begin, end int) {
	r := s.r
	first := len(r.PartHeaders)
	content, complete := s.head(begin, end)
	if s.stop {
		return
	}
	var h partHead
	for _, line := range r.PartHeaders[first:] {
		s.field(&h, line.Value)
	}
	for i := first; i < len(r.PartHeaders); i++ {
		r.PartHeaders[i].Name = h.name
		for _, other := range r.PartHeaders[first:min(i, first+maxCompared)] {
			if sameField(other.Value, r.PartHeaders[i].Value) {
				s.strict()
				r.Multipart.DuplicatePartHeader = true
			}
		}
	}
	if i := len(r.PartHeaders) - first; i > maxCompared {
		s.strict() // nobody sends that many
	}
	if !complete && s.partial && end == len(s.text) {
		return // cut in its head
	}
	if !complete || s.form && !h.disposition {
		s.invalid()
	}
	if h.nested {
		s.strict() // some parsers descend, most do not
	}
	r.PartNames = append(r.PartNames, Field{h.name, h.name})
	s.take(&h, s.text[content:end])
}

// Bounds of what nobody sends much of.
const (
	maxCompared = 16 // lines of a head that are looked at for duplicates
	maxFolds    = 16 // lines that are joined to one; more stand for themselves
)

// take gives the content of a part to where it belongs, once more with its transfer encoding undone, as some parsers do that.
func (s *mpScan) take(h *partHead, content string) {
	r := s.r
	decoded, ok := r.transferDecode(h.encoding, content)
	if !ok {
		s.strict()
	}
	if h.file == "" && h.other == "" {
		s.stop = !r.add(h.name, content, s.limits) || decoded != content && !r.add(h.name, decoded, s.limits)
		return
	}
	if s.files++; s.files > s.limits.Files {
		s.strict()
		r.Multipart.FileLimitExceeded, r.TooMany, s.stop = true, true, true
		return
	}
	f := File{Field: h.name, Name: h.file, Content: content, Charset: h.charset, Language: h.language, Extended: h.extended}
	if f.Name == "" {
		f.Name, h.other = h.other, ""
	}
	r.Files = append(r.Files, f)
	f.Alternative = true
	if h.other != "" {
		f.Name = h.other
		r.Files = append(r.Files, f)
	}
	if decoded != content {
		f.Name, f.Content = r.Files[len(r.Files)-1].Name, decoded
		r.Files = append(r.Files, f)
	}
}

// invalid says that a part is not one.
func (s *mpScan) invalid() {
	s.strict()
	s.r.Multipart.InvalidPart = true
}

// head reads the lines of a part's head into PartHeaders and returns where its content begins; complete says that an empty line ended it.
func (s *mpScan) head(begin, end int) (content int, complete bool) {
	for at := begin; at < end; {
		s.r.steps++
		line, from := s.text[at:end], at
		i := strings.IndexByte(line, '\n')
		if at = end; i >= 0 {
			line, at = line[:i], from+i+1
		}
		switch {
		case i < 0: // what ends the head, or stands at its end, is the delimiter, or the cut
			if line = strings.TrimSuffix(line, "\r"); !s.partial {
				s.strict()
			}
		case strings.HasSuffix(line, "\r"):
			line = line[:len(line)-1]
			s.crlf = true
		default:
			s.bareLF()
		}
		if line == "" {
			return at, i >= 0
		}
		if s.heads++; s.heads > s.limits.Values {
			s.r.TooMany, s.stop = true, true
			return at, false
		}
		s.line(line, from > begin)
	}
	return end, false
}

// line takes one line of a head; inner says that it is not the first.
func (s *mpScan) line(line string, inner bool) {
	r := s.r
	if line[0] == ' ' || line[0] == '\t' {
		s.strict()
		r.Multipart.HeaderFolding = true
		if rest := strings.TrimSpace(line); !inner || rest == "" {
			r.Multipart.InvalidHeaderFolding = true
		} else if n := len(r.PartHeaders); n > 0 && s.folds < maxFolds {
			s.folds++
			r.PartHeaders[n-1].Value = r.join(r.PartHeaders[n-1].Value, " ", rest)
			return
		}
	}
	s.folds = 0
	if hasControl(line) {
		s.invalid()
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isToken(name) {
		s.invalid()
		r.PartHeaders = append(r.PartHeaders, Field{Value: line})
		return
	}
	r.PartHeaders = append(r.PartHeaders, Field{Value: r.canonical(line, name, strings.Trim(value, " \t"))})
}

// hasControl reports whether a line holds a character that no field may hold (RFC 9110 section 5.5): parsers refuse it, end the line there, or take it.
func hasControl(line string) bool {
	for i := range len(line) {
		if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// canonical is "Name: value" with the name's letters as in a canonical field; line itself if that is what it is.
func (r *Result) canonical(line, name, value string) string {
	upper, same := true, len(line) == len(name)+2+len(value) && line[len(name)+1] == ' '
	r.arena.ensure(len(name) + 2 + len(value))
	at := len(r.arena.buf)
	buf := r.arena.buf
	for i := range len(name) {
		c := name[i]
		if upper && c >= 'a' && c <= 'z' || !upper && c >= 'A' && c <= 'Z' {
			c ^= 0x20
			same = false
		}
		upper = c == '-'
		buf = append(buf, c)
	}
	if same {
		return line
	}
	r.arena.buf = append(append(buf, ": "...), value...)
	return r.arena.since(at)
}

// join keeps the sum of three texts.
func (r *Result) join(a, b, c string) string {
	r.arena.ensure(len(a) + len(b) + len(c))
	at := len(r.arena.buf)
	r.arena.buf = append(append(append(r.arena.buf, a...), b...), c...)
	return r.arena.since(at)
}

// sameField reports whether two lines of a head have the same name.
func sameField(a, b string) bool {
	a, _, okA := strings.Cut(a, ":")
	b, _, okB := strings.Cut(b, ":")
	return okA && okB && strings.EqualFold(a, b)
}
