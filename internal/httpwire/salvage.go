package httpwire

import (
	"bytes"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Salvage reads what it can of a request head that [ParseRequest] refused, for eyes alone: what it makes of it must never be
// carried on. ok is false where not even a request line is there; r is left alone then.
//
// Lines end with LF, with or without CR. Method, target and version are what stands before the first and behind the last space of the first
// line that is not empty; RawLine is all of that line. Fields stay in order, names and values as the bytes came but for whitespace around the
// value; a line without a colon is a name without a value, a folded line goes on with the value before it (RFC 9112 section 5.2). What is
// beyond the limits is not looked at; a line without an end counts only where it is over its limit.
// Authority is the first Host where that is a valid one, else that of an absolute target, else "".
// Length, Close, Expect and Upgrade stay zero: nobody may read a body after it.
func Salvage(b []byte, lim Limits, r *exchange.Request) (ok bool) {
	lim = lim.orDefaults()
	text := string(b[:min(len(b), lim.Head)])
	line, rest, ended := nextLine(text)
	for line == "" && rest != "" {
		line, rest, ended = nextLine(rest)
	}
	if line == "" || !ended && len(line) <= lim.Line {
		return false
	}
	*r = exchange.Request{Scheme: r.Scheme, Header: r.Header[:0], Body: exchange.NoBody, RawLine: line}
	salvageLine(r)
	salvageFields(rest, lim, r)
	salvageTarget(r)
	return true
}

// nextLine cuts the first line off s, without its CR LF or LF.
func nextLine(s string) (line, rest string, ended bool) {
	line, rest, ended = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest, ended
}

// salvageLine fills Method, Target and Proto from RawLine.
func salvageLine(r *exchange.Request) {
	line := strings.TrimLeft(r.RawLine, " \t")
	method, rest, _ := strings.Cut(line, " ")
	r.Method = method
	target, version := rest, ""
	if i := strings.LastIndexByte(rest, ' '); i >= 0 {
		target, version = rest[:i], rest[i+1:]
	}
	r.Target = strings.Trim(target, " ")
	switch version {
	case "HTTP/1.1":
		r.Proto = exchange.HTTP11
	case "HTTP/1.0":
		r.Proto = exchange.HTTP10
	}
}

// salvageFields fills Header.
func salvageFields(rest string, lim Limits, r *exchange.Request) {
	for len(r.Header) < lim.Fields {
		line, next, ended := nextLine(rest)
		rest = next
		switch {
		case line == "" || !ended && len(line) <= lim.Line: // the end, or more of the line may come
			return
		case (line[0] == ' ' || line[0] == '\t') && len(r.Header) > 0:
			last := &r.Header[len(r.Header)-1]
			last.Value = strings.Trim(last.Value+" "+strings.Trim(line, " \t"), " ")
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		r.Header = append(r.Header, exchange.Field{Name: name, Value: strings.Trim(value, " \t")})
	}
}

// salvageTarget fills Authority, Path and Query.
func salvageTarget(r *exchange.Request) {
	if host := r.Header.Get("Host"); ValidAuthority(host) {
		r.Authority = host
	}
	path := r.Target
	if scheme, rest, ok := strings.Cut(path, "://"); ok && (exchange.EqualFold(scheme, "http") || exchange.EqualFold(scheme, "https")) {
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if r.Authority == "" && ValidAuthority(rest[:end]) {
			r.Authority = rest[:end]
		}
		path = rest[end:]
	}
	r.Path, r.Query, r.HasQuery = strings.Cut(path, "?")
}

// Salvage reads on, after an error of ReadRequest, to the end of the head, the limits or an error of the source, and makes of it what the
// function of that name does. It is for the last look at a connection: the Reader is of no other use then.
func (rd *Reader) Salvage(lim Limits, r *exchange.Request) (ok bool) {
	most := lim.orDefaults().Head
	for seen := 0; !headEnds(rd.buf[rd.r+seen:rd.w]) && rd.Buffered() < most; {
		seen = max(rd.Buffered()-2, 0)
		if rd.fill(most+2) != nil {
			break
		}
	}
	return Salvage(rd.buf[rd.r:rd.w], lim, r)
}

// headEnds reports whether an empty line stands in b behind another line.
func headEnds(b []byte) bool {
	return bytes.Contains(b, []byte("\n\r\n")) || bytes.Contains(b, []byte("\n\n"))
}
