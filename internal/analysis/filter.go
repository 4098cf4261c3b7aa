package analysis

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Filter says which flows are wanted: those that fit one entry of each list that is not empty. The zero value wants all.
type Filter struct {
	Hosts    []string       // server name of TLS, host of a request, authority of a CONNECT; "*.example.org" is every name below
	Addrs    []netip.Prefix // of either end
	Ports    []uint16       // of either end
	From, To time.Time      // flows that were there at a time between; zero: no bound
}

// Empty reports whether every flow is wanted.
func (f *Filter) Empty() bool {
	return len(f.Hosts) == 0 && len(f.Addrs) == 0 && len(f.Ports) == 0 && f.From.IsZero() && f.To.IsZero()
}

// wantsEnds looks at addresses and ports.
func (f *Filter) wantsEnds(a, b netip.AddrPort) bool {
	if len(f.Ports) > 0 && !slices.Contains(f.Ports, a.Port()) && !slices.Contains(f.Ports, b.Port()) {
		return false
	}
	either := func(p netip.Prefix) bool { return p.Contains(a.Addr()) || p.Contains(b.Addr()) }
	return len(f.Addrs) == 0 || slices.ContainsFunc(f.Addrs, either)
}

// wantsStart reports whether a connection that began at s may be wanted. What it says later may be older than To, so only its
// beginning counts.
func (f *Filter) wantsStart(s fact.Stamp) bool { return f.To.IsZero() || s.At <= f.To.UnixNano() }

// wants looks at a whole flow.
func (f *Filter) wants(fl *flow.Flow) bool {
	return f.wantsEnds(fl.Client, fl.Server) && f.wantsStart(fl.Start) &&
		(f.From.IsZero() || fl.End.At >= f.From.UnixNano()) && (len(f.Hosts) == 0 || f.host(fl))
}

func (f *Filter) host(fl *flow.Flow) bool {
	if fl.TLS != nil && f.name(fl.TLS.ServerName) || f.name(fl.Tunnel) {
		return true
	}
	for _, e := range fl.Exchanges {
		if e.Request.Head != nil && f.name(e.Request.Head.Authority) {
			return true
		}
	}
	return false
}

func (f *Filter) name(s string) bool {
	s = strings.TrimSuffix(strings.ToLower(hostOnly(s)), ".")
	for _, h := range f.Hosts {
		h = strings.ToLower(h)
		if rest, wild := strings.CutPrefix(h, "*."); wild && strings.HasSuffix(s, "."+rest) || s != "" && s == h {
			return true
		}
	}
	return false
}

// hostOnly takes the port, and the brackets of an IPv6 address, off an authority.
func hostOnly(s string) string {
	if strings.HasPrefix(s, "[") {
		s, _, _ = strings.Cut(s[1:], "]")
		return s
	}
	host, _, _ := strings.Cut(s, ":")
	return host
}
