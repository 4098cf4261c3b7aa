package audit

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/redact"
)

// kind of a body that can be taken apart, so that secrets in them are found by their names.
type kind uint8

const (
	opaque kind = iota
	form
	document // JSON
	parts    // multipart
)

// kindOf tells the kind of a body by what it is rather than by what it is called: a client may call it anything. boundary is that of a
// multipart body.
func kindOf(body, contentType string) (k kind, boundary string) {
	media, params, _ := mime.ParseMediaType(contentType)
	switch {
	case media == "multipart/form-data" && params["boundary"] != "":
		return parts, params["boundary"]
	case looksJSON(body):
		return document, ""
	case media == "application/x-www-form-urlencoded":
		return form, ""
	}
	return opaque, ""
}

// looksJSON reports whether s begins as an object or a list does.
func looksJSON(s string) bool {
	s = strings.TrimLeft(s, "\ufeff \t\r\n")
	return s != "" && (s[0] == '{' || s[0] == '[')
}

// body returns a body as it may be shown: secrets masked, files left out, cut at a place where no value is cut in two.
func (l *Log) body(s, contentType string) string {
	if s == "" {
		return ""
	}
	k, boundary := kindOf(s, contentType)
	more := len(s) >= l.cfg.Body // perhaps that is not all of it
	switch k {
	case form:
		if more {
			s = s[:max(strings.LastIndexByte(s, '&'), 0)]
		}
		s = string(l.appendForm(nil, s))
	case document:
		if more {
			s = s[:strings.LastIndexAny(s, ",{[")+1]
		}
		s = string(l.appendJSONMasked(nil, s))
	case parts:
		s = string(l.appendFields(nil, formFields(s, boundary)))
	default:
		return "[a body that is no form, multipart or JSON is not shown]"
	}
	if more {
		s += "…"
	}
	return s
}

// appendForm appends a form with its secrets masked, the rest byte for byte.
func (l *Log) appendForm(b []byte, s string) []byte {
	for first := true; s != "" || first; first = false {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if !first {
			b = append(b, '&')
		}
		name, value, ok := strings.Cut(pair, "=")
		b = l.cfg.Mask.AppendText(b, name)
		if !ok {
			continue
		}
		b = append(b, '=')
		plain := unescape(value)
		if shown := l.value(name, unescape(name), plain); shown != plain {
			b = append(b, shown...)
		} else {
			b = append(b, value...)
		}
	}
	return b
}

// field is a field of a multipart body. A file has no value.
type field struct {
	name, value string
	file        bool
}

// formFields returns the fields of a multipart body, as far as it is whole.
func formFields(s, boundary string) (out []field) {
	r := multipart.NewReader(strings.NewReader(s), boundary)
	for len(out) < maxArgs {
		p, err := r.NextRawPart()
		if err != nil {
			return out
		}
		f := field{name: p.FormName(), file: p.FileName() != ""}
		value, err := io.ReadAll(p)
		if err != nil {
			return out
		}
		if !f.file {
			f.value = string(value)
		}
		out = append(out, f)
	}
	return out
}

// appendFields appends fields as the form that they would be, files by their names alone.
func (l *Log) appendFields(b []byte, list []field) []byte {
	for i, f := range list {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(b, url.QueryEscape(l.cfg.Mask.Text(f.name))...), '=')
		shown := l.value(f.name, f.name, f.value)
		switch {
		case f.file:
			b = append(b, "[file]"...)
		case shown == f.value:
			b = append(b, url.QueryEscape(shown)...)
		default:
			b = append(b, shown...)
		}
	}
	return b
}

// bodyArguments appends the arguments of a form or multipart body.
func (l *Log) bodyArguments(list []exchange.Field, s, contentType string) []exchange.Field {
	switch k, boundary := kindOf(s, contentType); k {
	case form:
		if len(s) >= l.cfg.Body {
			s = s[:max(strings.LastIndexByte(s, '&'), 0)]
		}
		return l.arguments(list, s)
	case parts:
		for _, f := range formFields(s, boundary) {
			if len(list) < maxArgs && !f.file {
				list = append(list, l.argument(f.name, f.name, f.value))
			}
		}
	}
	return list
}

// appendJSONMasked appends JSON, which may be broken off or slightly wrong, with the values of sensitive members masked whole and
// secrets in all others.
func (l *Log) appendJSONMasked(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		end, key := jsonWord(s, i)
		if end == i {
			b = append(b, s[i])
			i++
			continue
		}
		word := s[i:end]
		b = l.cfg.Mask.AppendText(b, word)
		i = end
		colon := i + spaces(s[i:])
		if colon == len(s) || s[colon] != ':' || !l.cfg.Mask.Sensitive(key) {
			continue
		}
		from := colon + 1 + spaces(s[colon+1:])
		b = append(b, s[i:from]...)
		i = from + jsonValue(s[from:])
		if i > from {
			b = append(redact.AppendMask(append(b, '"'), i-from), '"')
		}
	}
	return b
}

func spaces(s string) int { return len(s) - len(strings.TrimLeft(s, " \t\r\n")) }

// jsonWord returns where the string or bare word at i ends, and what it says; i itself where there is neither.
func jsonWord(s string, i int) (end int, says string) {
	if q := s[i]; q == '"' || q == '\'' {
		end = quotedEnd(s, i)
		says = strings.Trim(s[i:end], string(q))
		if strings.IndexByte(says, '\\') >= 0 {
			var plain string
			if json.Unmarshal([]byte(`"`+says+`"`), &plain) == nil {
				says = plain
			}
		}
		return end, says
	}
	end = i
	for end < len(s) && strings.IndexByte(" \t\r\n,:{}[]\"'", s[end]) < 0 {
		end++
	}
	return end, s[i:end]
}

// quotedEnd returns where the string that begins at i ends.
func quotedEnd(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case s[i]:
			return j + 1
		}
	}
	return len(s)
}

// jsonValue returns how long the value is with which s begins: up to its end, whatever is nested in it.
func jsonValue(s string) int {
	depth := 0
	for i := 0; i < len(s); {
		switch s[i] {
		case '{', '[':
			depth++
			i++
		case '}', ']', ',':
			if depth == 0 {
				return i
			}
			if s[i] != ',' {
				depth--
			}
			i++
			if depth == 0 {
				return i
			}
		case '"', '\'':
			i = quotedEnd(s, i)
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(s)
}
