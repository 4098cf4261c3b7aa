package httptimeline

import (
	"bytes"
	"compress/flate"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// mostLooked bounds how much of a body is looked at to tell whether it is coded as its head says; fewBytes do where nothing has to
// be inflated.
const (
	fewBytes   = 5
	mostLooked = 512
)

// look is the beginning of a body that a Content-Encoding announces. It is over once coding is "".
type look struct {
	coding string // the last one, lower case: what the body must begin as
	want   int    // bytes to wait for
	buf    []byte
}

// lookAt begins to look at the body behind a response's head. A part of a range (206) begins anywhere.
func (s *sink) lookAt(head *fact.HTTPHead) {
	s.look.coding, s.look.buf = "", s.look.buf[:0]
	if head.Status == 206 {
		return
	}
	codings, kind := "", ""
	for i := range head.Fields {
		switch f := &head.Fields[i]; {
		case strings.EqualFold(f.Name, "Content-Encoding"):
			codings += "," + f.Value
		case strings.EqualFold(f.Name, "Content-Type"):
			kind = strings.ToLower(f.Value)
		}
	}
	if codings == "" {
		return
	}
	several := strings.Count(codings, ",") > 1
	coding := strings.ToLower(strings.TrimSpace(codings[strings.LastIndexByte(codings, ',')+1:]))
	switch coding {
	case "gzip", "x-gzip":
		s.look.coding, s.look.want = "gzip", fewBytes
		if !several && textual(kind) { // an archive may well lie within
			s.look.want = mostLooked
		}
	case "deflate", "br", "zstd":
		s.look.coding, s.look.want = coding, fewBytes
	}
}

// textual reports whether a media type, in lower case, is never compressed by itself.
func textual(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.TrimSpace(kind)
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "javascript") || strings.HasSuffix(kind, "xml")
}

// looked takes the next bytes of a body, and tells once there are enough of them.
func (t *Timeline) looked(s *sink, m *Message, at fact.Stamp, p []byte) {
	l := &s.look
	l.buf = append(l.buf, p[:min(len(p), l.want-len(l.buf))]...)
	if len(l.buf) == l.want {
		t.lookedOver(s, m, at)
	}
}

// lookedOver tells what is wrong with the beginning of m's body, where anything is.
func (t *Timeline) lookedOver(s *sink, m *Message, at fact.Stamp) {
	l := &s.look
	wrong := ""
	switch b := l.buf; {
	case len(b) < 2: // says nothing
	case !begins(l.coding, b):
		wrong = l.coding
	case l.coding == "gzip" && l.want == mostLooked && t.gzipWithin(b):
		wrong = "gzip twice"
	}
	if wrong != "" {
		t.tell(fact.SideServer, at, fact.Fact{Kind: fact.HTTPCoding, Code: int(m.Head.Stream), Text: wrong, Size: int64(len(l.buf))})
	}
	l.coding, l.buf = "", l.buf[:0]
}

// begins reports whether b may be how a body of this coding begins; what cannot be told may.
func begins(coding string, b []byte) bool {
	switch coding {
	case "gzip":
		return b[0] == 0x1f && b[1] == 0x8b // RFC 1952 section 2.3.1
	case "zstd": // RFC 8878 sections 3.1.1 and 3.1.2: a frame, or one to be skipped
		return len(b) < 4 || b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd ||
			b[0]&0xf0 == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18
	case "deflate": // zlib's frame (RFC 1950), or a bare stream (RFC 1951) as some servers send and browsers take
		if b[0]&0x0f == 8 && (int(b[0])<<8|int(b[1]))%31 == 0 {
			return true
		}
		stored := b[0]&6 == 0
		return b[0]&6 != 6 && !clear(b) && (!stored || len(b) < 5 || b[1] == ^b[3] && b[2] == ^b[4])
	}
	return !clear(b) && (len(b) < 4 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3]&0xe0 != 0) // Brotli has no mark of its own (RFC 7932)
}

// clear reports whether b begins as text does that nobody has coded.
func clear(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch strings.ToLower(string(b[:4])) {
	case "<!do", "<htm", "<?xm", "<svg", `{"er`, `[{"i`:
		return true
	}
	return false
}

// gzipWithin reports whether the content of b, the beginning of a gzip member, is gzip once more.
func (t *Timeline) gzipWithin(b []byte) bool {
	if len(b) < 10 {
		return false
	}
	flags, b := b[3], b[10:]
	if flags&4 != 0 { // FEXTRA
		if len(b) < 2 || len(b) < 2+int(b[0])+int(b[1])<<8 {
			return false
		}
		b = b[2+int(b[0])+int(b[1])<<8:]
	}
	for _, named := range [...]byte{8, 16} { // FNAME, FCOMMENT
		if flags&named != 0 {
			end := bytes.IndexByte(b, 0)
			if end < 0 {
				return false
			}
			b = b[end+1:]
		}
	}
	if flags&2 != 0 { // FHCRC
		b = b[min(len(b), 2):]
	}
	return bytes.Equal(t.inflated(b), []byte{0x1f, 0x8b, 8})
}

// inflated are the first three bytes of the deflate stream b, fewer where it breaks off before.
func (t *Timeline) inflated(b []byte) []byte {
	t.inflateFrom.Reset(b)
	if t.inflate == nil {
		t.inflate = flate.NewReader(&t.inflateFrom)
	} else if err := t.inflate.(flate.Resetter).Reset(&t.inflateFrom, nil); err != nil {
		return nil
	}
	var out [3]byte
	n := 0
	for n < len(out) {
		more, err := t.inflate.Read(out[n:])
		if n += more; err != nil {
			break
		}
	}
	return out[:n]
}
