package site

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxName is the longest host name that a site can have: 253 characters (RFC 1035 section 2.3.4) and a wildcard.
const maxName = 255

// names finds sites by host name: two map lookups, no memory.
type names struct {
	exact    map[string]*Site
	wild     map[string]*Site // by what follows "*."
	fallback *Site            // the default site
}

// find returns the site that has host as one of its names, nil when none has. The default site does not count.
func (n *names) find(host string) *Site {
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > maxName {
		return nil
	}
	var buf [maxName]byte
	key := buf[:len(host)]
	for i := 0; i < len(host); i++ {
		key[i] = lower(host[i])
	}
	if s := n.exact[string(key)]; s != nil {
		return s
	}
	if dot := bytes.IndexByte(key, '.'); dot > 0 && isLabel(key[:dot]) {
		return n.wild[string(key[dot+1:])]
	}
	return nil
}

// isLabel reports whether a wildcard may stand for b: what matches goes into Location and must not end the host there.
func isLabel(b []byte) bool {
	for _, c := range b {
		if !isAlnum(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// findOr is find with the default site for names that no site has.
func (n *names) findOr(host string) *Site {
	if s := n.find(host); s != nil {
		return s
	}
	return n.fallback
}

// add enters a clean name; it returns the site that has it already.
func (n *names) add(name string, s *Site) *Site {
	m, key := n.exact, name
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		m, key = n.wild, rest
	}
	if other := m[key]; other != nil {
		return other
	}
	m[key] = s
	return nil
}

// cleanName checks a configured name and brings it into the form that find looks for.
func cleanName(name string) (string, error) {
	clean := strings.ToLower(strings.TrimSuffix(name, "."))
	rest, wild := strings.CutPrefix(clean, "*.")
	switch {
	case rest == "" || rest == "*":
		return "", errors.New("empty; the site for every other name is the one with default: true")
	case len(clean) > maxName:
		return "", fmt.Errorf("longer than %d characters", maxName)
	case !wild && strings.HasPrefix(rest, "["):
		if hostOf(rest) != rest {
			return "", errors.New("an IPv6 address stands alone in its brackets")
		}
		return clean, nil
	}
	for label := range strings.SplitSeq(rest, ".") {
		if label == "" || len(label) > 63 {
			return "", errors.New("a label between dots has 1 to 63 characters (RFC 1035 section 2.3.4)")
		}
	}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '*':
			return "", errors.New("a wildcard is the whole first label, as in *.shop.test")
		case c == ':':
			return "", errors.New("a name has no port; an IPv6 address stands in brackets")
		case c >= 0x80:
			return "", errors.New("not ASCII: write the A-label (xn--…)")
		case c != '-' && c != '_' && c != '.' && !isAlnum(c):
			return "", fmt.Errorf("character %q is not allowed in a host name", c)
		}
	}
	return clean, nil
}

// splitAuthority parts host[:port] without judging either; the brackets of an IPv6 address stay with the host.
func splitAuthority(authority string) (host, port string) {
	from := 0
	if strings.HasPrefix(authority, "[") {
		if from = strings.IndexByte(authority, ']'); from < 0 {
			return authority, ""
		}
	}
	if i := strings.IndexByte(authority[from:], ':'); i >= 0 {
		return authority[:from+i], authority[from+i+1:]
	}
	return authority, ""
}

func hostOf(authority string) string {
	host, _ := splitAuthority(authority)
	return host
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
