package packet

import (
	"encoding/binary"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// EtherTypes (IEEE 802 Numbers of IANA).
const (
	typeIPv4     = 0x0800
	typeIPv6     = 0x86dd
	typeVLAN     = 0x8100
	typeQinQ     = 0x88a8
	typeOldQinQ  = 0x9100
	typeMPLS     = 0x8847
	typeMPLSUp   = 0x8848
	typePPPoE    = 0x8864
	leastType    = 0x0600 // a smaller one is the length of an IEEE 802.3 frame
	maxTags      = 16
	cut          = -1 // the place of a network layer that was not captured
	loopbackIPv4 = 2  // AF_INET everywhere
	pppIPv4      = 0x0021
	pppIPv6      = 0x0057
	etherHead    = 14
	sllHead      = 16
	sll2Head     = 20
	snap         = "\xaa\xaa\x03\x00\x00\x00"
)

// Reads reports whether frames of a link type can be taken apart; those of others are [Other].
func Reads(link pcap.LinkType) bool {
	switch link {
	case pcap.LinkEthernet, pcap.LinkSLL, pcap.LinkSLL2, pcap.LinkNull, pcap.LinkLoop, pcap.LinkRaw, pcap.LinkRaw12, pcap.LinkRaw14, pcap.LinkIPv4, pcap.LinkIPv6:
		return true
	}
	return false
}

// network finds the network layer of a frame: its EtherType, 0 when it is neither IPv4 nor IPv6, and where it begins.
func network(link pcap.LinkType, b []byte) (kind uint16, at int) {
	switch link {
	case pcap.LinkEthernet:
		if len(b) < etherHead {
			return 0, cut
		}
		if kind = binary.BigEndian.Uint16(b[12:]); kind == typeIPv4 {
			return kind, etherHead
		}
		return tagged(kind, b, etherHead)
	case pcap.LinkSLL:
		if len(b) < sllHead {
			return 0, cut
		}
		return tagged(binary.BigEndian.Uint16(b[14:]), b, sllHead)
	case pcap.LinkSLL2:
		if len(b) < sll2Head {
			return 0, cut
		}
		return tagged(binary.BigEndian.Uint16(b), b, sll2Head)
	case pcap.LinkNull, pcap.LinkLoop:
		return loopback(b)
	case pcap.LinkRaw, pcap.LinkRaw12, pcap.LinkRaw14, pcap.LinkIPv4, pcap.LinkIPv6:
		return version(b, 0)
	}
	return 0, 0
}

// version tells IPv4 and IPv6 apart by the first bits.
func version(b []byte, at int) (uint16, int) {
	if len(b) <= at {
		return 0, cut
	}
	switch b[at] >> 4 {
	case 4:
		return typeIPv4, at
	case 6:
		return typeIPv6, at
	}
	return 0, at
}

// tagged goes through VLAN tags, MPLS labels, PPPoE and SNAP heads.
func tagged(kind uint16, b []byte, at int) (uint16, int) {
	for range maxTags {
		if kind == typeIPv4 || kind == typeIPv6 {
			return kind, at
		}
		if len(b) < at+8 {
			if known(kind) {
				return 0, cut
			}
			return 0, at
		}
		switch kind {
		case typeVLAN, typeQinQ, typeOldQinQ:
			kind = binary.BigEndian.Uint16(b[at+2:])
			at += 4
		case typeMPLS, typeMPLSUp:
			at += 4
			if b[at-2]&1 != 0 { // the bottom of the stack
				return version(b, at)
			}
		case typePPPoE:
			return pppoe(b, at+6)
		default:
			if kind >= leastType || string(b[at:at+6]) != snap {
				return 0, at
			}
			kind = binary.BigEndian.Uint16(b[at+6:])
			at += 8
		}
	}
	return 0, at
}

func known(kind uint16) bool {
	switch kind {
	case typeVLAN, typeQinQ, typeOldQinQ, typeMPLS, typeMPLSUp, typePPPoE:
		return true
	}
	return false
}

// pppoe reads the protocol of a PPP frame (RFC 2516; RFC 1661 section 6.5: one byte may do).
func pppoe(b []byte, at int) (uint16, int) {
	kind := binary.BigEndian.Uint16(b[at:])
	at += 2
	if kind>>8&1 != 0 {
		kind >>= 8
		at--
	}
	switch kind {
	case pppIPv4:
		return typeIPv4, at
	case pppIPv6:
		return typeIPv6, at
	}
	return 0, at
}
