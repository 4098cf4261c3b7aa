package httpwire

import (
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// target reads the request-target in its four forms (RFC 9112 section 3.2) and fills Authority, Path and Query.
func (c *control) target(r *exchange.Request) error {
	if err := c.checkHost(r); err != nil {
		return err
	}
	switch {
	case r.Method == "CONNECT":
		return c.authorityForm(r)
	case r.Target[0] == '/':
		r.Authority = c.host
		r.Path, r.Query, r.HasQuery = strings.Cut(r.Target, "?")
		return nil
	case r.Target == "*":
		if r.Method != "OPTIONS" {
			return fault(reason.HTTP1BadTarget, "* as the target of another method than OPTIONS (RFC 9112 3.2.4)")
		}
		r.Authority, r.Path = c.host, "*"
		return nil
	}
	return c.absoluteForm(r)
}

// checkHost demands one valid Host, but for HTTP/1.0, where it may be missing (RFC 9112 section 3.2).
func (c *control) checkHost(r *exchange.Request) error {
	switch {
	case c.hosts > 1:
		return fault(reason.HTTP1BadHost, "more than one Host (RFC 9112 3.2)")
	case c.hosts == 0 && r.Proto == exchange.HTTP10:
		return nil
	case c.hosts == 0:
		return fault(reason.HTTP1BadHost, "no Host (RFC 9112 3.2)")
	case c.host == "":
		return fault(reason.HTTP1BadHost, "empty Host (RFC 9112 3.2, RFC 9110 4.2.1)")
	}
	if why := authorityFault(c.host, false); why != "" {
		return fault(reason.HTTP1BadHost, why)
	}
	return nil
}

func (c *control) authorityForm(r *exchange.Request) error {
	if why := authorityFault(r.Target, true); why != "" {
		return fault(reason.HTTP1BadTarget, "target of CONNECT: "+why)
	}
	r.Authority = r.Target
	return c.sameHost(r)
}

func (c *control) absoluteForm(r *exchange.Request) error {
	scheme, rest, ok := strings.Cut(r.Target, "://")
	if !ok || !exchange.EqualFold(scheme, "http") && !exchange.EqualFold(scheme, "https") {
		return fault(reason.HTTP1BadTarget, "neither a path nor an http or https URI (RFC 9112 3.2)")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	r.Authority = rest[:end]
	if why := authorityFault(r.Authority, false); why != "" {
		return fault(reason.HTTP1BadTarget, why)
	}
	r.Path, r.Query, r.HasQuery = strings.Cut(rest[end:], "?")
	if r.Path == "" {
		r.Path = "/"
		if r.Method == "OPTIONS" && !r.HasQuery {
			r.Path = "*" // RFC 9112 section 3.2.4
		}
	}
	return c.sameHost(r)
}

// sameHost refuses a Host that says something else than the target: origins differ in which one they believe.
func (c *control) sameHost(r *exchange.Request) error {
	if c.hosts == 1 && !exchange.EqualFold(c.host, r.Authority) {
		return fault(reason.HTTP1BadHost, "Host differs from the authority in the request-target (RFC 9112 3.2, 3.2.2)")
	}
	return nil
}

// ValidAuthority reports whether s can stand as Host or :authority: a name or an address, and a port from 1 to 65535 where
// there is a colon. Names are letters, digits, "-", "_" and dots without empty labels but for one at the end, at most 255
// bytes. RFC 3986 section 3.2.2 would also let percent-encoding and punctuation pass, which origins read differently.
func ValidAuthority(s string) bool { return authorityFault(s, false) == "" }

// authorityFault returns what is wrong with an authority, "" for nothing.
func authorityFault(s string, wantPort bool) string {
	var port string
	var colon bool
	if s != "" && s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "IPv6 address without its bracket (RFC 3986 3.2.2)"
		}
		if a, err := netip.ParseAddr(s[1:end]); err != nil || !a.Is6() || a.Zone() != "" {
			return "no IPv6 address between brackets (RFC 3986 3.2.2)"
		}
		if port, colon = s[end+1:], end+1 < len(s); colon && port[0] != ':' {
			return "something else than a port behind an IPv6 address (RFC 3986 3.2.3)"
		} else if colon {
			port = port[1:]
		}
	} else {
		var host string
		host, port, colon = strings.Cut(s, ":")
		if why := hostFault(host); why != "" {
			return why
		}
	}
	if !colon && wantPort {
		return "no port (RFC 9112 3.2.3)"
	}
	if colon && !validPort(port) {
		return "port is no number from 1 to 65535 (RFC 3986 3.2.3)"
	}
	return ""
}

func hostFault(host string) string {
	switch {
	case host == "":
		return "empty host (RFC 9110 4.2.1)"
	case len(host) > 255:
		return "host name over 255 bytes (RFC 3986 3.2.2)"
	case host[0] == '.' || strings.Contains(host, ".."):
		return "empty label in the host name (RFC 3986 3.2.2, RFC 1034 3.1)"
	}
	for i := 0; i < len(host); i++ {
		if host[i] == '@' {
			return "userinfo in the authority (RFC 9110 4.2.4)"
		}
		if class[host[i]]&classHost == 0 {
			return byteName(host[i]) + " in the host name (RFC 3986 3.2.2)"
		}
	}
	return ""
}

func validPort(p string) bool {
	if p == "" || len(p) > 5 || p[0] == '0' || !all(p, classDigit) {
		return false
	}
	n := 0
	for i := 0; i < len(p); i++ {
		n = n*10 + int(p[i]-'0')
	}
	return n <= 65535
}
