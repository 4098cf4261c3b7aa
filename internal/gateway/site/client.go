package site

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// maxHops bounds how many entries of a proxy chain are looked at.
const maxHops = 64

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// isTrusted reports whether a is a trusted proxy.
func (t *Table) isTrusted(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range t.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientOf walks the proxy chain from peer towards the client, for as long as each address is a trusted proxy. What
// stands beyond the first untrusted one, or beyond something that is no address, the client may have written itself.
// X-Forwarded-For counts where there is one, else Forwarded.
func (t *Table) clientOf(h exchange.Header, peer netip.Addr) netip.Addr {
	addr, left := peer, maxHops
	for node := range chainNodes(h) {
		next, ok := parseNode(node)
		if !ok || left == 0 {
			break
		}
		left--
		if addr = next; !t.isTrusted(addr) {
			break
		}
	}
	return addr
}

// chainNodes yields the nodes of the proxy chain, the nearest first.
func chainNodes(h exchange.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		some := false
		for i := len(h) - 1; i >= 0; i-- {
			if !exchange.EqualFold(h[i].Name, "X-Forwarded-For") {
				continue
			}
			some = true
			for rest, more := h[i].Value, true; more; {
				var node string
				if node, rest, more = cutLast(rest); !yield(node) {
					return
				}
			}
		}
		if some {
			return
		}
		for _, node := range slices.Backward(forwardedNodes(h)) {
			if !yield(node) {
				return
			}
		}
	}
}

// cutLast takes the last item off a comma-separated list.
func cutLast(list string) (item, rest string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return strings.Trim(list, " \t"), "", false
	}
	return strings.Trim(list[i+1:], " \t"), list[:i], true
}

// parseNode reads an address with or without a port and brackets, as X-Forwarded-For and Forwarded spell them.
func parseNode(node string) (netip.Addr, bool) {
	switch {
	case node == "" || len(node) > 64:
		return netip.Addr{}, false
	case node[0] == '[':
		end := strings.IndexByte(node, ']')
		if end < 0 {
			return netip.Addr{}, false
		}
		node = node[1:end]
	case strings.Count(node, ":") == 1:
		node = node[:strings.IndexByte(node, ':')]
	}
	if !mayBeAddr(node) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(node)
	return a.Unmap().WithZone(""), err == nil
}

// mayBeAddr keeps what is surely no address from netip, whose error costs memory.
func mayBeAddr(s string) bool {
	for i := range len(s) {
		if _, ok := unhex(s[i]); !ok && s[i] != '.' && s[i] != ':' {
			return false
		}
	}
	return s != ""
}

// forwardedNodes returns the for= nodes of every Forwarded element in order, "" for an element without (RFC 7239 section 4).
func forwardedNodes(h exchange.Header) []string {
	var nodes []string
	for i := range h {
		if exchange.EqualFold(h[i].Name, "Forwarded") {
			for _, element := range splitQuoted(h[i].Value, ',') {
				node := ""
				for _, pair := range splitQuoted(element, ';') {
					if name, value, ok := strings.Cut(pair, "="); ok && exchange.EqualFold(strings.Trim(name, " \t"), "for") {
						node = unquote(strings.Trim(value, " \t"))
					}
				}
				nodes = append(nodes, node)
			}
		}
	}
	return nodes
}

// splitQuoted splits at sep outside of quoted strings (RFC 9110 section 5.6.4).
func splitQuoted(s string, sep byte) []string {
	var parts []string
	from, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// unquote takes a quoted string apart; what is none stays as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
