package analysis

import "net/netip"

// tuple is the four numbers of a connection, the same for both directions.
type tuple struct{ low, high netip.AddrPort }

func tupleOf(a, b netip.AddrPort) tuple {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return tuple{a, b}
}
