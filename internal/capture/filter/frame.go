package filter

import "math/bits"

// EtherTypes (IEEE 802 Numbers of IANA).
const (
	typeIPv4    = 0x0800
	typeARP     = 0x0806
	typeRARP    = 0x8035
	typeIPv6    = 0x86dd
	typeVLAN    = 0x8100
	typeQinQ    = 0x88a8
	typeOldQinQ = 0x9100
	leastType   = 0x0600 // a smaller one is the length of an IEEE 802.3 frame
)

// Numbers of the registry of tcpdump.org.
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw12    = 12
	linkRaw14    = 14
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// frame is how frames begin, and with tags taken in, how they go on.
type frame struct {
	link    uint16
	ether   bool   // it begins with two hardware addresses
	typed   bool   // it has an EtherType
	typeAt  uint32 // where
	network uint32 // where the network layer begins
}

func frameOf(link uint16) (frame, bool) {
	f := frame{link: link}
	switch link {
	case linkEthernet:
		f.ether, f.typed, f.typeAt, f.network = true, true, 12, 14
	case linkSLL:
		f.typed, f.typeAt, f.network = true, 14, 16
	case linkSLL2:
		f.typed, f.typeAt, f.network = true, 0, 20
	case linkNull, linkLoop:
		f.network = 4
	case linkRaw, linkRaw12, linkRaw14, linkIPv4, linkIPv6:
	default:
		return f, false
	}
	return f, true
}

// is asks whether the network layer is that of an EtherType.
func (f frame) is(kind uint32) *tree {
	if f.typed {
		return compare(f.typeAt, half, equal, kind)
	}
	switch f.link {
	case linkNull, linkLoop: // the number of an address family, of Linux; on null in the byte order of the machine, a little-endian one
		family := map[uint32]uint32{typeIPv4: 2, typeIPv6: 10}[kind]
		switch {
		case family == 0:
			return constant(false)
		case f.link == linkNull:
			family = bits.ReverseBytes32(family)
		}
		return compare(0, word, equal, family)
	case linkIPv4:
		return constant(kind == typeIPv4)
	case linkIPv6:
		return constant(kind == typeIPv6)
	}
	switch kind {
	case typeIPv4:
		return masked(0, char, 0x40, 0xf0)
	case typeIPv6:
		return masked(0, char, 0x60, 0xf0)
	}
	return constant(false)
}

// net asks about a field of the network layer.
func (f frame) net(at uint32, size uint8, op uint8, k uint32) *tree {
	return compare(f.network+at, size, op, k)
}

// behind asks about a field behind an IPv4 header.
func (f frame) behind(at uint32, op uint8, k uint32) *tree {
	return &tree{test: test{value{mode: indirect, size: half, at: f.network + at, base: f.network, mask: noMask}, op, k}}
}

// tagged is how a frame goes on behind a VLAN tag.
func (f frame) tagged() frame {
	f.typeAt, f.network = f.network+2, f.network+4
	return f
}
