package explain

import (
	"net/url"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// urlOf puts the URL of a request together.
func urlOf(h *fact.HTTPHead) string {
	switch {
	case strings.Contains(h.Target, "://"):
		return h.Target
	case h.Method == "CONNECT" && h.Target == h.Authority, !strings.HasPrefix(h.Target, "/"):
		return h.Scheme + "://" + h.Authority + "/"
	}
	return h.Scheme + "://" + h.Authority + h.Target
}

// query takes the query of a target apart; what does not decode stays as it is.
func query(target string) []harPair {
	out := []harPair{}
	_, text, _ := strings.Cut(target, "?")
	text, _, _ = strings.Cut(text, "#")
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		out = append(out, harPair{unescaped(name), unescaped(value)})
	}
	return out
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// cookiesSent reads Cookie fields (RFC 6265 section 5.4).
func cookiesSent(fields []fact.Field) []harCookie {
	out := []harCookie{}
	for _, f := range fields {
		if !strings.EqualFold(f.Name, "cookie") {
			continue
		}
		for part := range strings.SplitSeq(f.Value, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
				out = append(out, harCookie{Name: name, Value: value})
			}
		}
	}
	return out
}

// cookiesSet reads Set-Cookie fields (RFC 6265 section 4.1).
func cookiesSet(fields []fact.Field) []harCookie {
	out := []harCookie{}
	for _, f := range fields {
		if !strings.EqualFold(f.Name, "set-cookie") {
			continue
		}
		first, rest, _ := strings.Cut(f.Value, ";")
		name, value, ok := strings.Cut(strings.TrimSpace(first), "=")
		if !ok {
			continue
		}
		c := harCookie{Name: name, Value: value}
		for part := range strings.SplitSeq(rest, ";") {
			c.attribute(strings.TrimSpace(part))
		}
		out = append(out, c)
	}
	return out
}

func (c *harCookie) attribute(text string) {
	name, value, _ := strings.Cut(text, "=")
	switch strings.ToLower(name) {
	case "path":
		c.Path = value
	case "domain":
		c.Domain = value
	case "expires":
		if t, err := httpDate(value); err == nil {
			c.Expires = t
		}
	case "httponly":
		c.HTTPOnly = true
	case "secure":
		c.Secure = true
	}
}

// httpDate turns a date of HTTP into one of ISO 8601.
func httpDate(s string) (string, error) {
	t, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", strings.ReplaceAll(s, "-", " "))
	return t.UTC().Format(time.RFC3339), err
}
