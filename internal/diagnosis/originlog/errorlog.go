package originlog

import (
	"net/netip"
	"strings"
	"time"
)

// apacheError reads a line of Apache httpd's error log: [time] [module:level] [pid …] [client address:port] (errno)… AH…: words.
func (s *reader) apacheError(e *Entry, line string) error {
	at, rest, ok := bracketed(line)
	if !ok {
		return errFormat
	}
	if e.At, e.Fine, ok = s.apacheTime(at); !ok {
		return errTime
	}
	e.Format = ApacheError
	module, named := "", false
	for !named { // the first client is the server's word, a second one an application's
		word, after, ok := bracketed(rest)
		if !ok {
			break
		}
		rest = after
		if who, is := strings.CutPrefix(word, "client "); is {
			e.From, named = address(who), true
		} else if name, _, ok := strings.Cut(word, ":"); ok && module == "" {
			module = name
		}
	}
	if i := strings.Index(rest, "[client "); !named && i >= 0 && ownWords(rest[:i]) {
		if who, after, ok := bracketed(rest[i:]); ok {
			e.From, rest = address(strings.TrimPrefix(who, "client ")), rest[:i]+after
		}
	}
	if !speaksForOthers(module) {
		e.Phrase = ahCode(rest)
	}
	e.Message = s.message(strings.TrimSpace(rest))
	if e.Code = e.Phrase; e.Code == "" {
		e.Code = short(e.Message)
	}
	return nil
}

// bracketed cuts "[word] rest".
func bracketed(s string) (word, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if !strings.HasPrefix(s, "[") {
		return "", s, false
	}
	i := strings.IndexByte(s, ']')
	for i > 0 && i+1 < len(s) && s[i+1] == ':' { // an address of IPv6 in brackets
		next := strings.IndexByte(s[i+1:], ']')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	if i < 0 {
		return "", s, false
	}
	return s[1:i], strings.TrimLeft(s[i+1:], " "), true
}

// apacheTime reads the time of an error log, which has no zone, or the compact form of ErrorLogFormat %{cu}t.
func (s *reader) apacheTime(text string) (at time.Time, fine, ok bool) {
	for _, layout := range [...]string{"Mon Jan _2 15:04:05.999999 2006", "Mon Jan _2 15:04:05 2006", "2006-01-02 15:04:05.999999", "2006-01-02 15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, s.cfg.Location); err == nil {
			return at.UTC(), strings.Contains(text, "."), true
		}
	}
	return time.Time{}, false, false
}

// ownWords reports whether what stands before a client is of Apache itself: the place in its source, and an error of the system with
// its number: "ssl_io.c(735): (111)Connection refused: ".
func ownWords(s string) bool {
	for range 2 {
		part, rest, ok := strings.Cut(s, ": ")
		number, words, _ := strings.Cut(strings.TrimLeft(part, " "), ")")
		source, digits, opened := strings.Cut(number, "(")
		if !ok || !opened || !allDigits(digits) || source != "" && (words != "" || !strings.HasSuffix(source, ".c")) || strings.ContainsAny(words, "[\"/") {
			break
		}
		s = rest
	}
	return strings.TrimSpace(s) == ""
}

// speaksForOthers reports whether a module of Apache logs what applications say, and what visitors made them say.
func speaksForOthers(module string) bool {
	for _, m := range [...]string{"php", "cgi", "lua", "perl", "wsgi", "fcgi", "proxy_fcgi", "proxy_scgi", "python", "ruby", "passenger", "dumpio", "security", "ext_filter"} {
		if strings.HasPrefix(module, m) {
			return true
		}
	}
	return false
}

// ahCode is the number of a message, AH01234, with which it begins; "" without.
func ahCode(s string) string {
	if i := strings.Index(s, "AH"); i > 0 && ownWords(s[:i]) {
		s = s[i:]
	}
	if len(s) < 8 || s[:2] != "AH" || s[7] != ':' || !allDigits(s[2:7]) {
		return ""
	}
	return s[:7]
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// address reads an address with or without a port, brackets or none around IPv6; the zero value where it is neither.
func address(s string) netip.AddrPort {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a.Unmap(), 0)
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 { // IPv6 and a port without brackets, as Apache writes them
		if a, err := netip.ParseAddr(s[:i]); err == nil {
			return netip.AddrPortFrom(a.Unmap(), uint16(number(s[i+1:], 65535)))
		}
	}
	return netip.AddrPort{}
}

// nginxError reads a line of nginx's error log: time [level] pid#tid: *connection words, client: address, server: …, request: "…".
func (s *reader) nginxError(e *Entry, line string) error {
	at, err := time.ParseInLocation("2006/01/02 15:04:05", line[:19], s.cfg.Location)
	if err != nil {
		return errTime
	}
	rest := strings.TrimLeft(line[19:], " ")
	if _, after, ok := bracketed(rest); ok {
		rest = after
	} else {
		return errFormat
	}
	if i := strings.Index(rest, ": "); i >= 0 && i < 40 {
		rest = rest[i+2:]
	}
	if strings.HasPrefix(rest, "*") {
		_, rest, _ = strings.Cut(rest, " ")
	}
	e.At, e.Format = at.UTC(), NginxError
	words, fields, _ := strings.Cut(rest, ", client: ")
	if strings.Contains(fields, ", client: ") {
		return errSeveral // one is of a path, a request or a referrer, and nothing tells which
	}
	if fields != "" {
		client, _, _ := strings.Cut(fields, ",")
		e.From = withPort(address(strings.TrimSpace(client)), 0) // nginx writes no port
	}
	if _, request, ok := strings.Cut(fields, ", request: \""); ok {
		request, _, _ = strings.Cut(request, "\"")
		s.request(e, request)
	}
	e.Message = s.message(words)
	e.Code = short(e.Message)
	return nil
}

// short is the beginning of what a line says, up to the first detail.
func short(words string) string {
	for _, at := range [...]string{" (", " while ", ": ", ","} {
		words, _, _ = strings.Cut(words, at)
	}
	if len(words) > 80 {
		words = strings.ToValidUTF8(words[:80], "")
	}
	return words
}

func withPort(ap netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr(), port)
}
