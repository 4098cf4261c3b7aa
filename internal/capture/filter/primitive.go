package filter

// The numbers of transport protocols (IANA).
const (
	protoTCP      = 6
	protoUDP      = 17
	protoFragment = 44
	protoICMPv6   = 58
	protoSCTP     = 132
)

// direction is which of the two ends is meant.
type direction uint8

const (
	either direction = iota
	source
	destination
	both
)

// ends joins the questions about the two ends. make is called in the order in which they are asked.
func ends(d direction, src, dst func() *tree) *tree {
	switch d {
	case source:
		return src()
	case destination:
		return dst()
	case both:
		return and(src(), dst())
	}
	return or(src(), dst())
}

// host4 asks for an IPv4 address, in the headers that kinds name.
func (f frame) host4(d direction, addr, mask uint32, kinds ...uint32) *tree {
	var out *tree
	for _, kind := range kinds {
		src, dst := uint32(12), uint32(16)
		if kind != typeIPv4 {
			src, dst = 14, 24
		}
		at := func(off uint32) func() *tree {
			return func() *tree { return and(f.is(kind), masked(f.network+off, word, addr, mask)) }
		}
		one := ends(d, at(src), at(dst))
		if out == nil {
			out = one
		} else {
			out = or(out, one)
		}
	}
	return out
}

// host6 asks for an IPv6 address.
func (f frame) host6(d direction, addr, mask [4]uint32) *tree {
	at := func(off uint32) func() *tree {
		return func() *tree {
			out := masked(f.network+off, word, addr[0], mask[0])
			for i := uint32(1); i < 4; i++ {
				out = and(out, masked(f.network+off+4*i, word, addr[i], mask[i]))
			}
			return and(f.is(typeIPv6), out)
		}
	}
	return ends(d, at(8), at(24))
}

// ports asks for TCP, UDP or SCTP ports from low to high; proto 0 is any of the three.
func (f frame) ports(d direction, proto, low, high uint32) *tree {
	protos := []uint32{protoSCTP, protoTCP, protoUDP}
	if proto != 0 {
		protos = []uint32{proto}
	}
	ask := func(make func(op uint8, k uint32) *tree) *tree {
		if low == high {
			return make(equal, low)
		}
		return and(make(atLeast, low), not(make(greater, high)))
	}
	any := func(at uint32, before *tree, port func(off uint32) func() *tree) *tree {
		var out *tree
		for _, p := range protos {
			one := f.net(at, char, equal, p)
			if before != nil {
				one = and(one, before)
			}
			one = and(one, ends(d, port(0), port(2)))
			if out == nil {
				out = one
			} else {
				out = or(out, one)
			}
		}
		return out
	}
	six := any(6, nil, func(off uint32) func() *tree {
		return func() *tree {
			return ask(func(op uint8, k uint32) *tree { return f.net(40+off, half, op, k) })
		}
	})
	first := not(f.net(6, half, anyBit, 0x1fff)) // not a later fragment, which has no ports
	four := any(9, first, func(off uint32) func() *tree {
		return func() *tree {
			return ask(func(op uint8, k uint32) *tree { return f.behind(off, op, k) })
		}
	})
	return or(and(f.is(typeIPv6), six), and(f.is(typeIPv4), four))
}

// proto4 asks what an IPv4 header carries.
func (f frame) proto4(n uint32) *tree { return and(f.is(typeIPv4), f.net(9, char, equal, n)) }

// proto6 asks what an IPv6 header carries, at once or behind a fragment header.
func (f frame) proto6(n uint32) *tree {
	return and(f.is(typeIPv6), or(f.net(6, char, equal, n), and(f.net(6, char, equal, protoFragment), f.net(40, char, equal, n))))
}

// hardware asks for an Ethernet address.
func (f frame) hardware(d direction, mac [6]byte) *tree {
	at := func(off uint32) func() *tree {
		return func() *tree {
			low := uint32(mac[2])<<24 | uint32(mac[3])<<16 | uint32(mac[4])<<8 | uint32(mac[5])
			return and(compare(off+2, word, equal, low), compare(off, half, equal, uint32(mac[0])<<8|uint32(mac[1])))
		}
	}
	return ends(d, at(6), at(0))
}

// isTagged asks for a VLAN tag, of id unless it is negative.
func (f frame) isTagged(id int) *tree {
	out := or(or(f.is(typeVLAN), f.is(typeQinQ)), f.is(typeOldQinQ))
	if id >= 0 {
		out = and(out, masked(f.network, half, uint32(id), 0x0fff))
	}
	return out
}
