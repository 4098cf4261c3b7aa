package site

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// values is what an answer is about.
type values struct {
	id, code, phrase, reason, sentence, time string
}

func (v *values) get(name string) (string, bool) {
	switch name {
	case "id":
		return v.id, true
	case "status":
		return v.code, true
	case "phrase":
		return v.phrase, true
	case "reason":
		return v.reason, true
	case "sentence":
		return v.sentence, true
	case "time":
		return v.time, true
	}
	return "", false
}

// page is a template: text, name, text, name, …, text.
type page struct {
	parts []string
	size  int
}

func parsePage(text string) *page {
	p := &page{size: len(text)}
	var none values
	from := 0
	for at := 0; ; {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			break
		}
		open += at
		end := strings.Index(text[open:], "}}")
		if end < 0 {
			break
		}
		end += open
		name := strings.TrimSpace(text[open+2 : end])
		if _, ok := none.get(name); !ok {
			at = open + 1
			continue
		}
		p.parts = append(p.parts, text[from:open], name)
		from, at = end+2, end+2
	}
	p.parts = append(p.parts, text[from:])
	return p
}

// render fills the template in; a nil page is the built-in one.
func (p *page) render(v *values) []byte {
	if p == nil {
		p = builtin()
	}
	b := make([]byte, 0, p.size+256)
	for i, part := range p.parts {
		if i%2 == 0 {
			b = append(b, part...)
			continue
		}
		value, _ := v.get(part)
		b = appendHTML(b, value)
	}
	return b
}

// appendHTML writes s so that it is text and nothing else, within elements and within quoted attributes.
func appendHTML(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&#34;"...)
		case r == '\'':
			b = append(b, "&#39;"...)
		case r < 0x20 || r == 0x7f:
			b = append(b, "\ufffd"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// json writes a problem detail (RFC 9457); plain JSON has the same members.
func (v *values) json(status int) []byte {
	b := append(make([]byte, 0, 320), `{"type":"about:blank","title":`...)
	b = appendJSON(b, v.phrase)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	for _, member := range [...][2]string{{"detail", v.sentence}, {"id", v.id}, {"reason", v.reason}, {"time", v.time}} {
		b = append(append(append(b, `,"`...), member[0]...), `":`...)
		b = appendJSON(b, member[1])
	}
	return append(b, "}\n"...)
}

// appendJSON writes s as a JSON string (RFC 8259 section 7).
func appendJSON(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20 || r == '<' || r == '>' || r == '&' || r == 0x7f:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

func (v *values) text() []byte {
	b := make([]byte, 0, 256)
	b = append(append(append(b, v.code...), ' '), v.phrase...)
	b = append(append(b, "\n\n"...), v.sentence...)
	b = append(append(b, "\n\nid: "...), v.id...)
	b = append(append(b, "\nreason: "...), v.reason...)
	b = append(append(b, "\ntime: "...), v.time...)
	return append(b, '\n')
}
