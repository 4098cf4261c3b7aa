package httpwire

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// leadingEmptyLine returns 2 where b begins with an empty line, 0 where it begins with something else, -1 where more bytes
// are needed. It already refuses what cannot become a request, so that nobody waits for the end of a line that never comes.
func leadingEmptyLine(b []byte) (int, error) {
	start := 0
	if len(b) > 0 && b[0] == '\r' {
		if len(b) == 1 {
			return -1, nil
		}
		if b[1] != '\n' {
			return 0, fault(reason.HTTP1BareLF, "bare CR before the request line (RFC 9112 2.2)")
		}
		start = 2
	}
	switch {
	case len(b) == start:
		return -1, nil
	case b[start] == '\r':
		return 0, fault(reason.HTTP1BadRequestLine, "more than one empty line before the request line (RFC 9112 2.2)")
	case b[start] == '\n':
		return 0, fault(reason.HTTP1BareLF, "bare LF before the request line (RFC 9112 2.2)")
	case b[start] == 0x16:
		return 0, fault(reason.HTTP1BadRequestLine, "TLS record instead of a request line, TLS spoken to a plain port (RFC 9112 3)")
	case class[b[start]]&classToken == 0:
		return 0, fault(reason.HTTP1BadRequestLine, byteName(b[start])+" instead of a method (RFC 9112 3)")
	}
	return start, nil
}

// splitRequestLine returns where the method and the request-target of line end, and the version.
func splitRequestLine(line []byte) (method, target int, p exchange.Proto, err error) {
	for method < len(line) && class[line[method]]&classToken != 0 {
		method++
	}
	if method == len(line) {
		return 0, 0, 0, fault(reason.HTTP1BadRequestLine, "no request-target (RFC 9112 3)")
	}
	if line[method] != ' ' {
		return 0, 0, 0, lineFault(line[method], " in the method (RFC 9112 3.1, RFC 9110 9.1)", reason.HTTP1BadRequestLine)
	}
	target = method + 1
	if sp := bytes.IndexByte(line[target:], ' '); sp > 0 && validTarget(line[target:target+sp]) {
		target += sp
	} else {
		for target < len(line) && class[line[target]]&classTarget != 0 {
			target++
		}
	}
	switch {
	case target == len(line) && target > method+1:
		return 0, 0, 0, fault(reason.HTTP1BadVersion, "no HTTP version, as in HTTP/0.9 (RFC 9112 3, 2.3)")
	case target == len(line) || target == method+1 && line[target] == ' ':
		return 0, 0, 0, fault(reason.HTTP1BadRequestLine, "empty request-target or more than one space (RFC 9112 3)")
	case line[target] == '#':
		return 0, 0, 0, fault(reason.HTTP1BadTarget, "fragment in the request-target (RFC 9112 3.2)")
	case line[target] != ' ':
		return 0, 0, 0, lineFault(line[target], " in the request-target (RFC 9112 3.2)", reason.HTTP1BadTarget)
	}
	p, err = requestVersion(line[target+1:])
	return method, target, p, err
}

func requestVersion(v []byte) (exchange.Proto, error) {
	switch {
	case string(v) == "HTTP/1.1":
		return exchange.HTTP11, nil
	case string(v) == "HTTP/1.0":
		return exchange.HTTP10, nil
	case string(v) == "HTTP/2.0":
		return 0, fault(reason.HTTP1BadVersion, "HTTP/2 preface or version on an HTTP/1.1 connection (RFC 9113 3.4, RFC 9112 2.3)")
	case len(v) == 8 && bytes.HasPrefix(v, []byte("HTTP/0.")) && all(v[7:], classDigit):
		return 0, fault(reason.HTTP1BadRequestLine, "version "+quote(v)+": a request line of HTTP/0.9 names none (RFC 9112 3, RFC 1945 4.1)")
	case len(v) == 8 && bytes.HasPrefix(v, []byte("HTTP/")) && all(v[5:6], classDigit) && v[6] == '.' && all(v[7:], classDigit):
		return 0, fault(reason.HTTP1BadVersion, "version "+quote(v)+", not HTTP/1.0 or HTTP/1.1 (RFC 9112 2.3)")
	case bytes.IndexByte(v, ' ') > 0 && !bytes.HasPrefix(v, []byte("HTTP/")):
		return 0, fault(reason.HTTP1BadTarget, "space in the request-target (RFC 9112 3.2)")
	case bytes.IndexByte(v, '\r') >= 0:
		return 0, fault(reason.HTTP1BareLF, "bare CR in the request line (RFC 9112 2.2)")
	case len(v) > 0 && (v[0] == ' ' || v[len(v)-1] == ' '):
		return 0, fault(reason.HTTP1BadRequestLine, "more than one space, or one at the end (RFC 9112 3)")
	}
	if bytes.Equal(v, []byte("HTTP/2")) || bytes.Equal(v, []byte("HTTP/3")) {
		return 0, fault(reason.HTTP1BadVersion, "version "+quote(v)+", not HTTP/1.0 or HTTP/1.1 (RFC 9112 2.3)")
	}
	return 0, fault(reason.HTTP1BadRequestLine, quote(v)+" instead of an HTTP version (RFC 9112 3, 2.3)")
}

func lineFault(c byte, rest string, code reason.Code) error {
	if c == '\r' {
		return fault(reason.HTTP1BareLF, "bare CR"+rest)
	}
	return fault(code, byteName(c)+rest)
}
