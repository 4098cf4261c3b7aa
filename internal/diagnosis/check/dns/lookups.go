package dns

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// lookup is one question and what came of it.
type lookup struct {
	fact  *fact.Fact
	index int // in the facts of the connection, -1 for one of no connection
	d     fact.DNSLookup
}

// lookups are those of the connection and of the case, each in order of time.
func lookups(c *check.Case) []lookup {
	var out []lookup
	for i := range c.Flow.Facts {
		if x := &c.Flow.Facts[i]; x.Kind == fact.DNSAnswer || x.Kind == fact.DNSFailed {
			out = append(out, read(x, i))
		}
	}
	for _, x := range c.Around(fact.DNSAnswer, fact.DNSFailed) {
		out = append(out, read(x, -1))
	}
	return out
}

// read fills in from the text what a lookup without detail says.
func read(x *fact.Fact, index int) lookup {
	l := lookup{fact: x, index: index}
	if d, ok := x.Detail.(*fact.DNSLookup); ok {
		l.d = *d
	}
	switch {
	case x.Kind == fact.DNSFailed && l.d.RCode == "":
		l.d.RCode = x.Text
	case x.Kind == fact.DNSAnswer && len(l.d.Addresses) == 0 && x.Text != "":
		l.d.Addresses = strings.Split(x.Text, ",")
	}
	return l
}

// outcome is what a lookup came to.
type outcome uint8

const (
	answered  outcome = iota // with addresses
	noName                   // NXDOMAIN
	noAddress                // the name is there, an address of this type is not
	failing                  // SERVFAIL, REFUSED, no answer
)

func (l *lookup) outcome() outcome {
	if l.fact.Kind == fact.DNSAnswer {
		if len(l.d.Addresses) == 0 {
			return noAddress
		}
		return answered
	}
	switch code := strings.ToUpper(l.d.RCode); {
	case code == "NXDOMAIN", reason.Code(l.d.RCode) == reason.DNSNXDomain:
		return noName
	case code == "NOERROR", code == "NODATA", reason.Code(l.d.RCode) == reason.DNSNoAddress:
		return noAddress
	}
	return failing
}

// ours reports whether the lookup is one that decides where connections go, and not a further resolver that was asked to compare.
func (l *lookup) ours() bool { return l.index >= 0 || l.d.Resolver == "" || l.d.Resolver == "hosts" }

// asked are the lookups that decide; all of them where none is known to.
func asked(all []lookup) []lookup {
	if own := slices.DeleteFunc(slices.Clone(all), func(l lookup) bool { return !l.ours() }); len(own) > 0 {
		return own
	}
	return all
}

func first(all []lookup, wanted ...outcome) *lookup {
	for i := range all {
		if slices.Contains(wanted, all[i].outcome()) {
			return &all[i]
		}
	}
	return nil
}

// holds reports whether the answer has this address.
func (l *lookup) holds(a netip.Addr) bool {
	return slices.ContainsFunc(l.d.Addresses, func(s string) bool { return same(s, a) })
}

func same(s string, a netip.Addr) bool {
	b, err := netip.ParseAddr(strings.TrimSpace(s))
	return err == nil && b.Unmap() == a.Unmap()
}

func (l *lookup) proof(f *check.Flow, text string) finding.Proof {
	if l.index >= 0 {
		return f.Proof(l.index, text)
	}
	return f.ProofOther(l.fact, text)
}

// who names the resolver.
func (l *lookup) who() string {
	switch l.d.Resolver {
	case "":
		return "the resolver"
	case "hosts":
		return "the hosts file"
	}
	return "resolver " + l.d.Resolver
}

// name is what was asked for.
func (l *lookup) name(f *check.Flow) string {
	switch {
	case l.d.Name != "":
		return l.d.Name
	case f.Name != "":
		return f.Name
	}
	return "the origin's name"
}

func (l *lookup) took() time.Duration { return time.Duration(max(l.d.Took, 0)) }

// connected reports whether the flow got as far as a connection.
func connected(f *check.Flow) bool {
	how, _ := f.Dial()
	return how == check.DialConnected
}

// sameFamily reports whether the answer has an address of IPv4, or of IPv6.
func (l *lookup) sameFamily(four bool) bool {
	return slices.ContainsFunc(l.d.Addresses, func(s string) bool {
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		return err == nil && a.Unmap().Is4() == four
	})
}
