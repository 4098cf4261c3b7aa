package site

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// defaultAllow is what a 405 says when the site names no methods of its own: those that mean something anywhere.
const defaultAllow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// registered reports whether method is in IANA's registry (RFC 9110 section 16.1) and may pass by default. CONNECT would
// open a tunnel past the rules, TRACE (and IIS's TRACK) echoes headers with cookies in them, PRI is HTTP/2's preface.
// Names are case-sensitive (RFC 9110 section 9.1); "get" is another method, which some origins take for GET.
func registered(method string) bool {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY",
		"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "SEARCH", "REPORT", "ACL", "BIND", "UNBIND", "REBIND",
		"BASELINE-CONTROL", "CHECKIN", "CHECKOUT", "LABEL", "LINK", "UNLINK", "MERGE", "MKACTIVITY", "MKCALENDAR",
		"MKREDIRECTREF", "MKWORKSPACE", "ORDERPATCH", "UNCHECKOUT", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL":
		return true
	}
	return false
}

// refusedMethod reports whether nothing lets method through.
func refusedMethod(method string) bool {
	switch method {
	case "CONNECT", "TRACE", "TRACK", "PRI":
		return true
	}
	return false
}

func (s *Site) setMethods(list []string, fault func(string, ...any)) {
	s.allow = defaultAllow
	if len(list) == 0 {
		return
	}
	s.allow = strings.Join(list, ", ")
	s.methods = make(map[string]struct{}, len(list))
	for _, method := range list {
		if !httpwire.IsToken(method) || refusedMethod(method) {
			fault("set methods of site %s: %q can not pass", s.Name, method)
		}
		s.methods[method] = struct{}{}
	}
}

// checkMethod refuses with 405 what the site does not let through (the Allow field says what it does) and with 501 what
// is not registered at all.
func (s *Site) checkMethod(method string) *Fault {
	if s.methods == nil && registered(method) {
		return nil
	}
	if _, ok := s.methods[method]; ok {
		return nil
	}
	status := 501
	if s.methods != nil || slices.Contains([]string{"CONNECT", "TRACE", "TRACK"}, method) {
		status = 405
	}
	f := refuse(status, reason.ClientBadRequest, "method "+bounded(method, 40))
	if status == 405 {
		f.Header.Add("Allow", s.allow)
	}
	return f
}

// bounded cuts a text from outside to n bytes.
func bounded(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
