package originlog

import (
	"strconv"
	"strings"
	"time"
)

// accessLine reads a line of an access log: common or combined, of Apache httpd or nginx. The client may stand with its port
// (LogFormat %a:%{remote}p), a virtual host in front (vhost_combined), and words port=, us= and rt= behind (port of the client, microseconds and
// seconds that it took).
func (s *reader) accessLine(e *Entry, line string) error {
	before, rest, ok := strings.Cut(line, " [")
	at, behind, closed := strings.Cut(rest, "] \"")
	if !ok || !closed {
		return errFormat
	}
	t, err := time.Parse("02/Jan/2006:15:04:05 -0700", at)
	if err != nil {
		return errTime
	}
	words := strings.Fields(before)
	if len(words) == 0 {
		return errFormat
	}
	e.At = t.UTC()
	e.From = address(words[0])
	if who := address(words[1%len(words)]); !e.From.IsValid() && len(words) > 3 && who.IsValid() {
		e.From = who // behind a virtual host; behind an address stands what a visitor calls himself
	}
	request, behind := quoted(behind)
	s.request(e, request)
	status, behind, _ := strings.Cut(strings.TrimLeft(behind, " "), " ")
	if e.Status = number(status, 999); e.Status < 100 {
		return errFormat
	}
	size, behind, _ := strings.Cut(behind, " ")
	s.trailing(e, behind)
	s.whose(e.Status, size)
	e.Code, e.Format, e.When = status, s.access, During
	switch s.access {
	case ApacheAccess:
		e.When = Began // %t is when the request was received
	case NginxAccess:
		e.When = Ended
	}
	return nil
}

// request takes "GET /path HTTP/1.1" apart; what is none stays out.
func (s *reader) request(e *Entry, line string) {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || method == "" || strings.ContainsAny(method, "\\\"") {
		return
	}
	target, proto, ok := cutLast(rest)
	if !ok || !strings.HasPrefix(proto, "HTTP/") {
		target = rest
	}
	e.Method, e.Target = bounded(method), s.target(target)
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// quoted cuts what stands up to the next quote that is not escaped.
func quoted(s string) (inside, rest string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// trailing reads the words behind the quoted fields.
func (s *reader) trailing(e *Entry, rest string) {
	for {
		_, inside, ok := strings.Cut(rest, "\"")
		if !ok {
			break
		}
		_, rest = quoted(inside)
	}
	for word := range strings.FieldsSeq(rest) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return // not the words that are asked for: perhaps a field that nobody quoted
		}
		switch key {
		case "port":
			if port := number(value, 65535); port > 0 && e.From.Port() == 0 {
				e.From = withPort(e.From, uint16(port))
			}
		case "us":
			e.Took = int64(number(value, 1<<31-1)) * int64(time.Microsecond)
		case "rt":
			if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 1e6 {
				e.Took = int64(seconds * 1e9)
			}
		}
	}
}

// whose finds out whose log it is, from what only one of them writes.
func (s *reader) whose(status int, size string) {
	if s.access == "" {
		s.access = Access
		switch name := strings.ToLower(s.report.Name); {
		case strings.Contains(name, "nginx"):
			s.access = NginxAccess
		case strings.Contains(name, "apache"), strings.Contains(name, "httpd"):
			s.access = ApacheAccess
		}
	}
	if s.access != Access {
		return
	}
	switch {
	case size == "-": // %b
		s.access = ApacheAccess
	case status == 499 || status == 444 || status >= 494 && status <= 497:
		s.access = NginxAccess
	}
}
