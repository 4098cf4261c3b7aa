package operator

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// addresses are ranges of addresses, in order and apart, so that a list of many costs a few steps.
type addresses []span

type span struct{ first, last netip.Addr }

// newAddresses reads a list. Of a file that is none nothing is quoted: it may be any file.
func newAddresses(entries []string, file bool) (Operator, error) {
	var all addresses
	for i, text := range entries {
		s, ok := parseSpan(text)
		if !ok && file {
			return nil, fmt.Errorf("read addresses: entry %d of the file is neither an address nor a network such as 192.0.2.0/24", i+1)
		}
		if !ok {
			return nil, fmt.Errorf("read address %q: neither an address nor a network such as 192.0.2.0/24", text)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	apart := all[:0]
	for _, s := range all {
		if n := len(apart); n > 0 && s.first.Compare(apart[n-1].last) <= 0 {
			if s.last.Compare(apart[n-1].last) > 0 {
				apart[n-1].last = s.last
			}
			continue
		}
		apart = append(apart, s)
	}
	return apart, nil
}

func (a addresses) Match(value string, _ *[]string) bool {
	ip, ok := parseAddress(value)
	if !ok {
		return false
	}
	i, found := slices.BinarySearchFunc(a, ip, func(s span, ip netip.Addr) int { return s.first.Compare(ip) })
	return found || i > 0 && ip.Compare(a[i-1].last) <= 0
}

// addressIn is @ipMatch with a list that is known only now.
func addressIn(value, list string) bool {
	ip, ok := parseAddress(value)
	if !ok {
		return false
	}
	for entry := range strings.SplitSeq(list, ",") {
		s, ok := parseSpan(strings.TrimSpace(entry))
		if ok && s.first.Compare(ip) <= 0 && ip.Compare(s.last) <= 0 {
			return true
		}
	}
	return false
}

// parseAddress reads an address; an IPv4 address written as IPv6 (::ffff:192.0.2.1) is the IPv4 address.
func parseAddress(s string) (netip.Addr, bool) {
	if len(s) > len("0000:0000:0000:0000:0000:ffff:255.255.255.255") || s == "" {
		return netip.Addr{}, false // before ParseAddr, whose error would be allocated for each value
	}
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' || c == '.' || c == ':') {
			return netip.Addr{}, false
		}
	}
	ip, err := netip.ParseAddr(s)
	return ip.Unmap(), err == nil
}

// parseSpan reads an address, or a network, whose bits for hosts need not be 0.
func parseSpan(s string) (span, bool) {
	if !strings.Contains(s, "/") {
		ip, ok := parseAddress(s)
		return span{ip, ip}, ok
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return span{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	p = p.Masked()
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < p.Addr().BitLen(); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, ok := netip.AddrFromSlice(bytes)
	return span{p.Addr(), last}, ok
}

func splitCommas(list string) []string {
	var out []string
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			out = append(out, entry)
		}
	}
	return out
}

// entriesOfFile reads a list of addresses: lines, of which each may hold several with commas between them.
func entriesOfFile(text []byte) []string {
	var out []string
	for _, line := range lines(text) {
		out = append(out, splitCommas(line)...)
	}
	return out
}
