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
					return fmt.Errorf("%s has not the address %s of %s: %w", t.Name, a, t.Host, ErrNotVouched)
				}
			}
		}
		have = append(have, found...)
	}
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

// permitted refuses addresses that no origin has: those of a link alone (where clouds keep their metadata), of groups, and none at all.
func (c *climb) permitted(a netip.Addr) error {
	if c.cfg.Vouched {
		return nil
	}
	if a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return fmt.Errorf("%s is no address of an origin: %w", a, ErrNotVouched)
	}
	return nil
}

// ownNetwork reports whether a is of this machine or of a private network (RFC 1918, RFC 4193, RFC 6598).
func ownNetwork(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10).Contains(a)
}
