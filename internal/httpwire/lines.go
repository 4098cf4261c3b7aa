package httpwire

import (
	"bytes"
	"strconv"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// findLine returns the index of the LF that ends the line beginning at b[from], or -1 where more bytes are needed.
// All checks go by position, so that they come out alike however the input is split.
func (s section) findLine(b []byte, from int) (int, error) {
	stop, whole := from+s.line+2, false
	if s.size < stop {
		stop, whole = s.size, true
	}
	lf := bytes.IndexByte(b[from:min(len(b), max(stop, from))], '\n')
	if lf < 0 {
		if len(b) < stop {
			return -1, nil
		}
		if whole {
			return -1, fault(reason.HTTP1HeaderTooBig, "section over "+strconv.Itoa(s.size)+" bytes (RFC 9110 5.4)")
		}
		return -1, fault(reason.HTTP1HeaderTooBig, "line over "+strconv.Itoa(s.line)+" bytes (RFC 9112 3, RFC 9110 5.4)")
	}
	lf += from
	if lf == from || b[lf-1] != '\r' {
		return -1, fault(reason.HTTP1BareLF, "bare LF ends a line (RFC 9112 2.2)")
	}
	if lf > from+1 && b[lf-2] == '\r' {
		return -1, fault(reason.HTTP1BareLF, "bare CR before the end of a line (RFC 9112 2.2)")
	}
	return lf, nil
}

// findEnd walks the field lines from b[from] to the empty line. It returns the index behind the empty line's LF (0 where
// more bytes are needed) and the number of field lines.
func (s section) findEnd(b []byte, from int) (end, lines int, err error) {
	for {
		lf, err := s.findLine(b, from)
		if lf < 0 {
			return 0, 0, err
		}
		if lf == from+1 {
			return lf + 1, lines, nil
		}
		if lines++; lines > s.fields {
			return 0, 0, fault(reason.HTTP1HeaderTooBig, "more than "+strconv.Itoa(s.fields)+" fields (RFC 9110 5.4)")
		}
		from = lf + 1
	}
}

// parseFields appends the field lines of b, which ends with the empty line as findEnd found it, to h. text is b as a string:
// names and values are substrings of it. Each field is shown to ctl, which may refuse it.
func parseFields(b []byte, text string, h exchange.Header, ctl *control) (exchange.Header, error) {
	for pos, n := 0, 1; ; n++ {
		length := bytes.IndexByte(b[pos:], '\n') - 1
		if length <= 0 {
			return h, nil
		}
		line := b[pos : pos+length]
		colon := 0
		for colon < length && class[line[colon]]&classToken != 0 {
			colon++
		}
		if colon == 0 || colon == length || line[colon] != ':' {
			return h, nameFault(line, colon, n)
		}
		from, to := colon+1, length
		for from < to && (line[from] == ' ' || line[from] == '\t') {
			from++
		}
		for to > from && (line[to-1] == ' ' || line[to-1] == '\t') {
			to--
		}
		if !validValue(line[from:to]) {
			return h, valueFault(line[:colon], line[from:to], n)
		}
		f := exchange.Field{Name: text[pos : pos+colon], Value: text[pos+from : pos+to]}
		if err := ctl.see(f); err != nil {
			return h, err
		}
		h = append(h, f)
		pos += length + 2
	}
}

// room returns h's storage for n fields, or new storage where it is too small.
func room(h exchange.Header, n int) exchange.Header {
	if cap(h) < n {
		return make(exchange.Header, 0, n)
	}
	return h[:0]
}

// nameFault says why no field name ends with a colon at line[at].
func nameFault(line []byte, at, n int) error {
	where := "field line " + strconv.Itoa(n) + ": "
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return fault(reason.HTTP1BadHeader, where+"begins with whitespace, obs-fold (RFC 9112 5.2, 2.2)")
	case at == len(line):
		return fault(reason.HTTP1BadHeader, where+"no colon (RFC 9112 5)")
	case line[at] == ':':
		return fault(reason.HTTP1BadHeader, where+"empty field name (RFC 9110 5.1)")
	case line[at] == '\r':
		return fault(reason.HTTP1BareLF, where+"bare CR (RFC 9112 2.2)")
	case (line[at] == ' ' || line[at] == '\t') && len(bytes.TrimLeft(line[at:], " \t")) > 0 && bytes.TrimLeft(line[at:], " \t")[0] == ':':
		return fault(reason.HTTP1BadHeader, where+"whitespace before the colon (RFC 9112 5.1)")
	}
	return fault(reason.HTTP1BadHeader, where+byteName(line[at])+" in the field name (RFC 9110 5.1)")
}

func valueFault(name, value []byte, n int) error {
	where := "field line " + strconv.Itoa(n) + ", " + quote(name) + ": "
	for _, c := range value {
		if c == '\r' {
			return fault(reason.HTTP1BareLF, where+"bare CR (RFC 9112 2.2)")
		}
		if class[c]&classValue == 0 {
			return fault(reason.HTTP1BadHeader, where+byteName(c)+" in the field value (RFC 9110 5.5)")
		}
	}
	return fault(reason.HTTP1BadHeader, where+"bad field value (RFC 9110 5.5)")
}

// fault is the one way in which this package refuses a message.
func fault(code reason.Code, detail string) *reason.Error { return reason.New(code, detail, nil) }

// quoteLimit bounds what a detail quotes of a message.
const quoteLimit = 32

// quote returns s for a detail: in quotes, ASCII, and short.
func quote[T ~string | ~[]byte](s T) string {
	if len(s) > quoteLimit {
		return strconv.QuoteToASCII(string(s[:quoteLimit])) + "..."
	}
	return strconv.QuoteToASCII(string(s))
}

// byteName names one byte in a detail.
func byteName(c byte) string {
	switch {
	case c == 0:
		return "NUL"
	case c == ' ':
		return "space"
	case c > 0x20 && c < 0x7f && c != '"' && c != '\\':
		return "\"" + string(rune(c)) + "\""
	}
	const hex = "0123456789abcdef"
	return "byte 0x" + string([]byte{hex[c>>4], hex[c&15]})
}
