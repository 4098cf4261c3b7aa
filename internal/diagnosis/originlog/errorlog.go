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
	for {
		word, after, ok := bracketed(rest)
		if !ok {
			break
		}
		rest = after
		if who, is := strings.CutPrefix(word, "client "); is {
			e.From = address(who)
		}
	}
	if i := strings.Index(rest, "[client "); i >= 0 && !e.From.IsValid() && i < 200 { // behind (111)Connection refused:
		if who, _, ok := bracketed(rest[i:]); ok {
			e.From = address(strings.TrimPrefix(who, "client "))
		}
	}
	e.Phrase = ahCode(rest)
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

// ahCode is the number of a message, AH01234, near its beginning; "" without.
func ahCode(s string) string {
	i := strings.Index(s[:min(len(s), 200)], "AH")
	for i >= 0 && i+7 <= len(s) {
		digits := true
		for _, c := range []byte(s[i+2 : i+7]) {
			digits = digits && c >= '0' && c <= '9'
		}
		if digits {
			return s[i : i+7]
		}
		next := strings.Index(s[i+2:min(len(s), 200)], "AH")
		if next < 0 {
			break
		}
		i += 2 + next
	}
	return ""
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
	if fields != "" {
		client, _, _ := strings.Cut(fields, ",")
		e.From = address(strings.TrimSpace(client))
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
