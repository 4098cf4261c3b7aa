package httptimeline

import (
	"strconv"
	"strings"
)

// pseudo is what the pseudo-header fields of a block say (RFC 9113 section 8.3).
type pseudo struct {
	method, scheme, authority, path, status, protocol string
	seen                                              int // bits of those that were there
}

// The bits of pseudo.seen.
const (
	seenMethod = 1 << iota
	seenScheme
	seenAuthority
	seenPath
	seenStatus
	seenProtocol
)

// split takes the pseudo-header fields and returns the others, at most maxFields, and what is wrong first.
func (p *pseudo) split(fields []field, trailer bool) (regular []field, what string) {
	fault := func(text, name, section string) {
		if what == "" {
			what = text + quote([]byte(name)) + " (RFC 9113 " + section + ")"
		}
	}
	regular = fields[:0]
	for _, f := range fields {
		if !strings.HasPrefix(f.name, ":") {
			if text, section := fieldFault(f); text != "" {
				fault(text, f.name, section)
			}
			regular = append(regular, f)
			continue
		}
		bit := p.set(f)
		switch {
		case trailer:
			fault("trailers hold ", f.name, "8.1")
		case bit == 0:
			fault("unknown pseudo-header ", f.name, "8.3")
		case p.seen&bit != 0:
			fault("more than one ", f.name, "8.3")
		case len(regular) > 0:
			fault("pseudo-header behind other fields: ", f.name, "8.3")
		}
		p.seen |= bit
	}
	if len(regular) > maxFields {
		fault(strconv.Itoa(len(regular)-maxFields)+" fields are not shown, the last is ", regular[len(regular)-1].name, "10.5.1")
		regular = regular[:maxFields]
	}
	return regular, what
}

// set notes one pseudo-header field and returns its bit, 0 where it is unknown.
func (p *pseudo) set(f field) int {
	switch f.name {
	case ":method":
		p.method = f.value
		return seenMethod
	case ":scheme":
		p.scheme = f.value
		return seenScheme
	case ":authority":
		p.authority = f.value
		return seenAuthority
	case ":path":
		p.path = f.value
		return seenPath
	case ":status":
		p.status = f.value
		return seenStatus
	case ":protocol":
		p.protocol = f.value
		return seenProtocol
	}
	return 0
}

// fieldFault returns what a field breaks: names in lower case (section 8.2.1), nothing that belongs to a connection (8.2.2).
func fieldFault(f field) (what, section string) {
	if f.name == "" {
		return "empty field name ", "8.2.1"
	}
	for i := range len(f.name) {
		if c := f.name[i]; c >= 'A' && c <= 'Z' || c <= ' ' || c >= 0x7f || c == ':' {
			return "forbidden byte in the field name ", "8.2.1"
		}
	}
	if strings.ContainsAny(f.value, "\x00\r\n") {
		return "NUL, CR or LF in the value of ", "8.2.1"
	}
	switch f.name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return "connection-specific field ", "8.2.2"
	case "te":
		if f.value != "trailers" {
			return "other than trailers in the field ", "8.2.2"
		}
	}
	return "", ""
}

// checkRequest returns what the pseudo-header fields of a request lack (sections 8.3.1 and 8.5, RFC 8441 section 4).
func (p *pseudo) checkRequest() string {
	switch {
	case p.seen&seenStatus != 0:
		return "request with :status (RFC 9113 8.3)"
	case p.method == "":
		return "request without :method (RFC 9113 8.3.1)"
	case p.method == "CONNECT" && p.protocol == "":
		if p.seen&(seenScheme|seenPath) != 0 {
			return "CONNECT with :scheme or :path (RFC 9113 8.5)"
		}
	case p.scheme == "":
		return "request without :scheme (RFC 9113 8.3.1)"
	case p.path == "":
		return "request without :path (RFC 9113 8.3.1)"
	case p.protocol != "" && p.method != "CONNECT":
		return ":protocol without CONNECT (RFC 8441 4)"
	}
	return ""
}

// checkResponse returns what is wrong with the pseudo-header fields of a response (sections 8.3.2 and 8.6).
func (p *pseudo) checkResponse() string {
	switch {
	case p.status == "":
		return "response without :status (RFC 9113 8.3.2)"
	case p.code() == 0:
		return ":status " + quote([]byte(p.status)) + " is no number of three digits (RFC 9113 8.3.2)"
	case p.code() == 101:
		return "101 does not exist in HTTP/2 (RFC 9113 8.6)"
	case p.seen != seenStatus:
		return "response with pseudo-headers of a request (RFC 9113 8.3)"
	}
	return ""
}

// code is the status as a number, 0 where it is none.
func (p *pseudo) code() int {
	n, err := strconv.Atoi(p.status)
	if err != nil || len(p.status) != 3 || n < 100 {
		return 0
	}
	return n
}

// get returns the value of the first field called name, which is in lower case.
func get(fields []field, name string) string {
	for i := range fields {
		if fields[i].name == name {
			return fields[i].value
		}
	}
	return ""
}

// announced2 is the length of a body as its head announces it: 0 where END_STREAM follows, -1 where nothing is said.
func announced2(fields []field, end bool) int64 {
	if n, ok := parseLength(get(fields, "content-length")); ok {
		return n
	}
	if end {
		return 0
	}
	return -1
}
