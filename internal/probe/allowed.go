package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ErrNotVouched says that the target may be somebody else's.
var ErrNotVouched = errors.New("this address may belong to somebody else; if it is yours, say so with --origin-is-mine")

// allowed refuses, before any connection is made, an address in place of the URL's that is public and that the URL's name does not
// have. Addresses of one's own network, and of this machine, are nobody else's.
func (c *climb) allowed() error {
	t := &c.cfg.Target
	if c.cfg.Vouched || !t.standsIn() {
		return nil
	}
	a, literal := t.literal()
	if literal && ownNetwork(a) {
		return nil
	}
	if !literal && strings.EqualFold(strings.TrimSuffix(t.Host, "."), "localhost") {
		return nil
	}
	var have []netip.Addr
	for _, host := range []string{t.Name, t.Host} {
		found := c.resolve(host)
		if host == t.Host {
			for _, a := range found {
				if !ownNetwork(a) && !slices.Contains(have, a) {
					return fmt.Errorf("%s has not the address %s that was given: %w", t.Name, a, ErrNotVouched)
				}
			}
		}
		have = append(have, found...)
	}
	c.approved = have
	return nil
}

// resolve finds the addresses of host without telling anybody: hosts file, then the resolvers.
func (c *climb) resolve(host string) []netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}
	}
	if addrs := inHosts(hostsFile, host); len(addrs) > 0 {
		return addrs
	}
	resolvers := c.cfg.Resolvers
	if len(resolvers) == 0 {
		resolvers = system(resolvConf)
	}
	var out []netip.Addr
	for _, l := range c.askAll(host, resolvers[:min(len(resolvers), maxResolvers)]) {
		out = append(out, parsed(l.Addresses)...)
	}
	return out
}

// permitted refuses addresses that no origin has: those of a link alone, of groups, none at all, and where clouds keep their metadata.
func (c *climb) permitted(a netip.Addr) error {
	if c.cfg.Vouched {
		return nil
	}
	if c.approved != nil && !ownNetwork(a) && !slices.Contains(c.approved, a) { // another answer than the first time
		return fmt.Errorf("%s has not the address %s: %w", c.cfg.Target.Name, a, ErrNotVouched)
	}
	for _, a := range []netip.Addr{a, within(a)} {
		if a.IsValid() && (a.IsLinkLocalUnicast() || a.IsMulticast() || slices.ContainsFunc(noOrigins(), func(p netip.Prefix) bool { return p.Contains(a) })) {
			return fmt.Errorf("%s is no address of an origin: %w", a, ErrNotVouched)
		}
	}
	return nil
}

// noOrigins are networks where no origin is (RFC 6890), and where clouds answer with the secrets of the machine that asks.
func noOrigins() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "192.0.0.0/24", "240.0.0.0/4", "::/128", "100::/64",
		"100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128", // Alibaba, Azure, AWS, Google
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// within is the IPv4 address that a translator makes of an IPv6 address: NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-compatible (RFC 4291).
func within(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.Addr{}
	}
	b := a.As16()
	at := -1
	switch {
	case netip.MustParsePrefix("2002::/16").Contains(a):
		at = 2
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a), netip.MustParsePrefix("64:ff9b:1::/48").Contains(a), netip.MustParsePrefix("::/96").Contains(a) && !a.IsLoopback():
		at = 12
	}
	if at < 0 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(b[at : at+4]))
}

// ownNetwork reports whether a is of this machine or of a private network (RFC 1918, RFC 4193, RFC 6598).
func ownNetwork(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10).Contains(a)
}
