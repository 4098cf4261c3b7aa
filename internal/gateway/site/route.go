package site

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Route is a part of a site, or the site itself.
type Route struct {
	Site       *Site
	Index      int    // dense over the whole table: others keep what belongs to the route in a slice
	Path       string // as configured; "" for the site itself
	IgnoreCase bool
	Protection int
	OriginHost string

	prefix string // Path, percent-decoded
}

func (r *Route) setPath(path string) error {
	r.Path = path
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("path %q does not begin with /", path)
	}
	if strings.ContainsAny(path, "?#") {
		return fmt.Errorf("path %q: a route is chosen by its path alone, without a query", path)
	}
	decoded, _, _ := decode(nil, path)
	if how, fault := readDecoded(decoded); fault != "" || how != oneReading {
		return fmt.Errorf("path %q: %s: no path that passes strict checks would ever be covered", path, orElse(fault, "empty segment"))
	}
	if r.IgnoreCase && bytes.ContainsFunc(decoded, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return fmt.Errorf("path %q: ignore_case works for ASCII paths only", path)
	}
	r.prefix = string(decoded)
	return nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// covers reports whether path lies under the route when percent-decoded once, as origins do before they look up a
// resource. merge takes runs of slashes for one, as nginx, Apache httpd and IIS do and others do not. loose takes ASCII
// letters as a Windows file system does, and /admin for /admin/, as many a framework does.
func (r *Route) covers(path string, merge, loose bool) bool {
	anyCase := loose || r.IgnoreCase
	at, last := 0, byte(0)
	for i := 0; i < len(path); {
		c, n := decodeAt(path, i)
		i += n
		if merge && c == '/' && last == '/' {
			continue
		}
		last = c
		if at == len(r.prefix) {
			return c == '/' || r.prefix[at-1] == '/'
		}
		if want := r.prefix[at]; c != want && !(anyCase && lower(c) == lower(want)) {
			return false
		}
		at++
	}
	return at == len(r.prefix) || loose && at > 0 && r.prefix[at:] == "/"
}

// choose returns the route that path belongs to as it is written, and the one whose policy judges it. They differ only
// where origins may read the path in several ways: then the stronger policy counts. Every path can be read with and
// without regard to case (what protects /admin/ protects /ADMIN/ and /admin too, and what is let through on /upload/ is not
// on /UPLOAD/); one with empty segments also with slashes merged; one that only a lenient site lets in has any number of
// readings, so the strongest policy of the site judges it.
func (s *Site) choose(path string, how readings) (route, policy *Route) {
	if len(s.routes) == 0 {
		return s.root, s.root
	}
	route = s.first(path, false, false)
	policy = stronger(route, s.first(path, false, true))
	switch how {
	case mergedSlashes:
		policy = stronger(stronger(policy, s.first(path, true, false)), s.first(path, true, true))
	case manyReadings:
		policy = stronger(policy, s.strongest)
	}
	return route, policy
}

func (s *Site) first(path string, merge, loose bool) *Route {
	for _, r := range s.routes {
		if r.covers(path, merge, loose) {
			return r
		}
	}
	return s.root
}

// stronger returns the route that protects more, a when they are equal.
func stronger(a, b *Route) *Route {
	if b.Protection > a.Protection {
		return b
	}
	return a
}
