package body

import "strings"

// params walks the parameters of a field: name=value pairs split by semicolons. It takes what lenient parsers take and says what is wrong about it.
type params struct {
	text string // what is left

	name, raw, value string // raw: as it stands, with its quotes; value: without them, and with a backslash before a character undone if escaped
	quoted           bool
	spaced           bool // there is space around the "="
	escaped          bool // a backslash stands before a quote or a backslash, which not every parser undoes
	badQuoting       bool // a quote that does not end, text behind it, a quote within or an apostrophe around
	missing          bool // a semicolon is, before this parameter or one that came before
	malformed        bool // this parameter or one that came before is none: without a value, or with one that should be in quotes
	begun            bool
}

// next reads the next parameter; false at the end.
func (p *params) next() bool {
	rest := strings.TrimLeft(p.text, "; \t\r\n")
	if rest == "" {
		return false
	}
	if n := strings.Count(p.text[:len(p.text)-len(rest)], ";"); n > 1 || n > 0 && !p.begun {
		p.malformed = true
	}
	p.text, p.begun = rest, true
	p.raw, p.value, p.quoted, p.spaced, p.escaped, p.badQuoting = "", "", false, false, false, false
	end := strings.IndexAny(p.text, "=;")
	if end < 0 {
		end = len(p.text)
	}
	p.name = strings.TrimRight(p.text[:end], " \t\r\n")
	p.spaced = len(p.name) != end && end < len(p.text) && p.text[end] == '='
	if i := strings.LastIndexAny(p.name, " \t,"); i >= 0 { // what stands before it is no parameter
		p.name = p.name[i+1:]
		p.missing = true
	}
	p.text = p.text[end:]
	if p.text == "" || p.text[0] == ';' {
		p.malformed = true
		return true
	}
	p.text = p.text[1:]
	trimmed := strings.TrimLeft(p.text, " \t\r\n")
	p.spaced = p.spaced || len(trimmed) != len(p.text)
	p.text = trimmed
	if strings.HasPrefix(p.text, `"`) {
		p.readQuoted()
	} else {
		p.readPlain()
	}
	return true
}

// readPlain reads a value without quotes: up to a semicolon, or up to space or a comma behind which another parameter begins.
func (p *params) readPlain() {
	end := strings.IndexAny(p.text, "; \t,")
	if end >= 0 && p.text[end] != ';' {
		rest := p.text[end:]
		switch i := strings.IndexAny(rest, "=;"); {
		case i < 0:
			end = -1
		case rest[i] == ';':
			end += i
		default:
			p.missing = true
		}
	}
	if end < 0 {
		end = len(p.text)
	}
	p.raw = strings.TrimRight(p.text[:end], " \t\r\n")
	p.value = p.raw
	p.badQuoting = strings.ContainsAny(p.raw, "\"\\ \t") || strings.HasPrefix(p.raw, "'")
	p.malformed = p.malformed || !isToken(p.raw)
	p.text = p.text[end:]
}

func (p *params) readQuoted() {
	p.quoted = true
	i := 1
	for i < len(p.text) && p.text[i] != '"' {
		if p.text[i] == '\\' && i+1 < len(p.text) && (p.text[i+1] == '"' || p.text[i+1] == '\\') {
			p.escaped = true
			i++
		}
		i++
	}
	if i >= len(p.text) {
		p.badQuoting = true
		p.raw, p.value, p.text = p.text, p.text[1:], ""
		return
	}
	p.raw, p.value, p.text = p.text[:i+1], p.text[1:i], p.text[i+1:]
	if p.escaped {
		p.value = unquote(p.value)
	}
	rest := strings.TrimLeft(p.text, " \t\r\n")
	if rest != "" && rest[0] != ';' {
		p.missing = true
		p.badQuoting = true
	}
}

// unquote undoes backslashes before quotes and backslashes.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
