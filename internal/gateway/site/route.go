package site

import (
	"errors"
	"fmt"
	"strings"
)

// Route is a part of a site, or the site itself.
type Route struct {
	Site       *Site
	Index      int    // dense over the whole table: others keep what belongs to the route in a slice
	Path       string // as configured; "" for the site itself
	IgnoreCase bool
	Protection int
	OriginHost string

	prefix string // Path, percent-decoded, lower case where case does not matter
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
	if r.IgnoreCase {
		for i := range len(decoded) {
			if decoded[i] >= 0x80 {
				return errors.New("ignore_case works for ASCII paths only")
			}
		}
		decoded = []byte(strings.ToLower(string(decoded)))
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
// resource; merge takes runs of slashes for one, as nginx, Apache httpd and IIS do and others do not.
func (r *Route) covers(path string, merge bool) bool {
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
		if r.IgnoreCase {
			c = lower(c)
		}
		if c != r.prefix[at] {
			return false
		}
		at++
	}
	return at == len(r.prefix)
}

// choose returns the route that path belongs to as it is written, and the one whose policy judges it. They differ only
// where the path has several readings: then the stronger policy counts. A path that differs by doubled slashes has two
// readings; one that only a lenient site lets in has any number, so the strongest policy of the site judges it.
func (s *Site) choose(path string, how readings) (route, policy *Route) {
	route = s.first(path, false)
	switch how {
	case mergedSlashes:
		return route, stronger(route, s.first(path, true))
	case manyReadings:
		return route, stronger(route, s.strongest)
	}
	return route, route
}

func (s *Site) first(path string, merge bool) *Route {
	for _, r := range s.routes {
		if r.covers(path, merge) {
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
