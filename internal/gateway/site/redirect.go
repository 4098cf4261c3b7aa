package site

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Redirect returns the answer that sends a plain request to https, nil when the site does not ask for it or the client
// came by https already. GET and HEAD get 301, which every client understands; others 308, which keeps method and body.
// The target is always a name of the site (its first one without a wildcard when the request came to the default site
// under a foreign name), so it can never lead elsewhere; without any such name there is no redirect.
// Browsers may keep the answer for an hour only, so that a mistake can be taken back.
func (t *Table) Redirect(x *exchange.Exchange, m *Match) *exchange.Response {
	if !m.Site.redirect || m.Scheme == "https" {
		return nil
	}
	host := m.Site.ownName(&t.names, x.Request.Authority)
	if host == "" {
		return nil
	}
	status, phrase := 308, "Permanent Redirect"
	if x.Request.Method == "GET" || x.Request.Method == "HEAD" {
		status, phrase = 301, "Moved Permanently"
	}
	location := "https://" + host + m.Site.redirectPort + locationTarget(&x.Request)
	return &exchange.Response{Status: status, Phrase: phrase, Proto: exchange.HTTP11, Body: exchange.NoBody, Header: exchange.Header{
		dateField(),
		{Name: "Location", Value: location},
		{Name: "Cache-Control", Value: "max-age=3600"},
		{Name: "Proxy-Status", Value: `lunette; details="redirect_https"`},
	}}
}

// ownName returns the host of authority, in lower case, when it is a name of the site, else the site's primary one.
func (s *Site) ownName(n *names, authority string) string {
	if host := strings.TrimSuffix(hostOf(authority), "."); n.find(host) == s {
		return strings.ToLower(host)
	}
	return s.primary
}

// locationTarget returns path and query with what a URL cannot hold percent-encoded; escapes stay as they are.
func locationTarget(r *exchange.Request) string {
	target := originForm(r)
	if target == "*" {
		return "/"
	}
	clean := true
	for i := 0; i < len(target) && clean; i++ {
		clean = inURL(target[i])
	}
	if clean {
		return target
	}
	const hexDigits = "0123456789ABCDEF"
	b := make([]byte, 0, len(target)+16)
	for i := 0; i < len(target); i++ {
		if c := target[i]; inURL(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(b)
}

func inURL(c byte) bool {
	return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' && c != '}'
}
