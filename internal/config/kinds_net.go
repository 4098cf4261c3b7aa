package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const punycodeHint = "write names outside ASCII in punycode (xn--…)"

// parseAddress reads host:port to listen on; the host may be empty, port 0 lets the system choose.
func parseAddress(_ *decoder, s string) (any, *problem) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		hint := "write 127.0.0.1:8443, [::1]:8443 or :8443"
		if isNumber(s) {
			hint = "write :" + s + " for every address of the machine"
		}
		return nil, wrong(hint, "must be host:port, not %s", quote(s))
	}
	if !validPort(port, 0) {
		return nil, wrong("", "port must be a number from 0 to 65535, not %s", quote(port))
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		if p := hostFault(host); p != nil {
			return nil, p
		}
	}
	return s, nil
}

// parseURL reads an origin server. What comes out is scheme://host[:port], lower case.
func parseURL(_ *decoder, s string) (any, *problem) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Opaque != "" {
		hint := "write https://host or https://host:port"
		if hostPortFault(s) == nil {
			hint = "write https://" + s
		}
		return nil, wrong(hint, "must be a URL, not %s", quote(maskURL(s)))
	}
	scheme := strings.ToLower(u.Scheme)
	switch {
	case scheme != "http" && scheme != "https":
		return nil, wrong("", "scheme must be https or http, not %s", quote(u.Scheme))
	case u.User != nil:
		return nil, wrong("", "must not hold a user or password")
	case u.Path != "" && u.Path != "/":
		return nil, wrong("the path is forwarded as the client sent it: write "+scheme+"://"+u.Host, "must not hold a path")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, wrong("write "+scheme+"://"+u.Host, "must not hold a query or fragment")
	}
	if p := hostPortFault(u.Host); p != nil {
		return nil, p
	}
	return scheme + "://" + strings.ToLower(u.Host), nil
}

// parsePattern reads a site name: a host name, an address, or *. and a name. It comes out in lower case, IPv6 in brackets
// as it stands in a Host field.
func parsePattern(_ *decoder, s string) (any, *problem) {
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if a, err := netip.ParseAddr(bare); err == nil && a.Zone() == "" {
		if a.Is6() {
			return "[" + a.String() + "]", nil
		}
		return a.String(), nil
	}
	if s == "*" {
		return nil, wrong("the site for every other name is the one with default: true", "* alone is no name")
	}
	if p := hostFault(strings.TrimPrefix(s, "*.")); p != nil {
		return nil, p
	}
	return strings.ToLower(s), nil
}

func parseName(_ *decoder, s string) (any, *problem) {
	if p := hostFault(s); p != nil {
		return nil, p
	}
	return strings.ToLower(s), nil
}

func parseHost(_ *decoder, s string) (any, *problem) {
	if p := hostPortFault(s); p != nil {
		return nil, p
	}
	return s, nil
}

func hostPortFault(s string) *problem {
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if _, err := netip.ParseAddr(bare); err == nil && (bare == s) != strings.Contains(bare, ":") {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return hostFault(s)
	}
	if !validPort(port, 1) {
		return wrong("", "port must be a number from 1 to 65535, not %s", quote(port))
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	return hostFault(host)
}

// hostFault says what keeps s from being a host name (RFC 1123 section 2.1, with _ as it is seen in the wild).
func hostFault(s string) *problem {
	switch {
	case s == "":
		return wrong("", "host name is empty")
	case len(s) > 253:
		return wrong("", "host name is longer than 253 characters")
	case strings.Contains(s, "://"):
		return wrong("leave scheme and path out", "must be a host name, not the URL %s", quote(maskURL(s)))
	case strings.HasSuffix(s, "."):
		return wrong("leave the last dot out", "host name %s ends in a dot", quote(s))
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return wrong("", "host name %s has a bad label %s", quote(s), quote(label))
		}
		for i := range len(label) {
			if c := label[i]; !isLetterOrDigit(c) && c != '-' && c != '_' {
				return badHostByte(s, c)
			}
		}
	}
	return nil
}

func badHostByte(s string, c byte) *problem {
	hint := ""
	switch {
	case c >= 0x80:
		hint = punycodeHint
	case c == '*':
		hint = "a wildcard is *. and a name, and stands only in names: *.shop.test"
	case c == ':':
		hint = "leave the port out"
	}
	return wrong(hint, "host name %s has a character that names cannot have", quote(s))
}

func isLetterOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func validPort(s string, least int) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && int(n) >= least
}

// parsePath reads the prefix of a route.
func parsePath(_ *decoder, s string) (any, *problem) {
	switch {
	case !strings.HasPrefix(s, "/"):
		return nil, wrong("write /"+s, "must begin with /, not %s", quote(s))
	case strings.ContainsAny(s, "?# ") || strings.ContainsFunc(s, unicode.IsControl):
		return nil, wrong("it is compared with the path alone", "must not hold a query, fragment or space: %s", quote(s))
	case strings.ContainsAny(s, "\\;") || strings.Contains(s, "//") || hasDotSegment(s):
		return nil, wrong("state the path as origins resolve it", "must not hold \\, ;, // or dot segments: %s", quote(s))
	case strings.HasSuffix(s, "*"):
		return nil, wrong("write "+strings.TrimRight(s, "*")+": every path is a prefix", "must not end in *")
	}
	return s, nil
}

func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// parseRequestTarget reads what a health check asks for: a path, with a query or without.
func parseRequestTarget(_ *decoder, s string) (any, *problem) {
	switch {
	case !strings.HasPrefix(s, "/"):
		return nil, wrong("write /"+s, "must begin with /, not %s", quote(s))
	case strings.ContainsAny(s, "# ") || strings.ContainsFunc(s, unicode.IsControl) || !isASCII(s):
		return nil, wrong("write such characters percent-encoded", "must not hold spaces, # or characters outside ASCII: %s", quote(s))
	}
	return s, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// parseExclusionPath reads a path as rules compare it: percent-decoded, so it may hold spaces and ?.
func parseExclusionPath(_ *decoder, s string) (any, *problem) {
	switch {
	case !strings.HasPrefix(s, "/"):
		return nil, wrong("write /"+s, "must begin with /, not %s", quote(s))
	case strings.ContainsAny(s, "\"'`%\\") || strings.ContainsFunc(s, unicode.IsControl):
		return nil, wrong("write the part before it and a *; the path is compared decoded, so %20 is a space",
			"must not hold quotes, percent signs, backslashes or control characters: %s", quote(s))
	case strings.Contains(strings.TrimSuffix(s, "*"), "*"):
		return nil, wrong("", "may have a * only at its end: %s", quote(s))
	}
	return s, nil
}

// parseMethod reads a request method; the registered ones are all upper case.
func parseMethod(_ *decoder, s string) (any, *problem) {
	up := strings.ToUpper(s)
	switch {
	case up == "CONNECT" || up == "TRACE":
		return nil, wrong("leave it out", "%s is never let through", up)
	case s == "" || strings.Trim(up, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "":
		return nil, wrong("", "must be a request method, not %s", quote(s))
	case s != up:
		return nil, wrong("write "+up, "methods are upper case, %s is another one", quote(s))
	}
	return s, nil
}

func parseTag(_ *decoder, s string) (any, *problem) {
	for i := range len(s) {
		if c := s[i]; !isLetterOrDigit(c) && !strings.ContainsRune("-_./", rune(c)) {
			return nil, wrong("", "must be a tag, not %s", quote(s))
		}
	}
	return parseText(nil, s)
}

func parseNetwork(_ *decoder, s string) (any, *problem) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, wrong("write 10.0.0.0/8, 2001:db8::/32 or one address", "must be a network, not %s", quote(s))
	}
	if p != p.Masked() {
		return nil, wrong("write "+p.Masked().String()+", or "+p.Addr().String()+" for the one address",
			"%s has bits set behind its prefix", quote(s))
	}
	return p, nil
}

func parseServer(_ *decoder, s string) (any, *problem) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Port() == 0 {
		return nil, wrong("write 10.0.0.53, 10.0.0.53:5353 or [2001:db8::53]:53", "must be an address, not %s", quote(s))
	}
	return ap, nil
}

func parseHashKey(d *decoder, s string) (any, *problem) {
	if s == "client_ip" || s == "path" {
		return s, nil
	}
	what, name, _ := strings.Cut(s, ":")
	if what != "header" && what != "cookie" || name == "" {
		return nil, wrong(nearest(what, []string{"client_ip", "path", "header", "cookie"}),
			"must be client_ip, path, header:NAME or cookie:NAME, not %s", quote(s))
	}
	if _, p := parseToken(d, name); p != nil {
		return nil, p
	}
	return s, nil
}

// parseToken reads a field or cookie name (RFC 9110 section 5.6.2).
func parseToken(_ *decoder, s string) (any, *problem) {
	for i := range len(s) {
		if c := s[i]; !isLetterOrDigit(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return nil, wrong("", "must be a field name, not %s", quote(s))
		}
	}
	if s == "" {
		return nil, wrong("", "name is empty")
	}
	return s, nil
}

// parseTarget reads a SecLang variable, with a part of it or without.
func parseTarget(_ *decoder, s string) (any, *problem) {
	name, part, has := strings.Cut(s, ":")
	if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || has && part == "" {
		return nil, wrong("write ARGS:q, REQUEST_COOKIES:session or REQUEST_BODY",
			"must be a variable of the rules, not %s", quote(s))
	}
	if strings.ContainsAny(part, "\"'`,;|!& ") || strings.ContainsFunc(part, unicode.IsControl) || strings.HasSuffix(part, "\\") {
		return nil, wrong("name the variable alone, or choose the part by a regular expression: ARGS:/^q/",
			"must not hold quotes, spaces or any of , ; | ! &: %s", quote(s))
	}
	return s, nil
}
