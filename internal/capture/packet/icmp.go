package packet

import "encoding/binary"

// Types of errors (RFC 792, RFC 1191; RFC 4443).
const (
	icmpUnreachable  = 3
	icmpFragNeeded   = 4 // a code of it
	icmpQuench       = 4
	icmpTimeExceeded = 11
	icmpParameter    = 12

	icmp6Unreachable  = 1
	icmp6TooBig       = 2
	icmp6TimeExceeded = 3
	icmp6Parameter    = 4

	icmpHead = 8
	portsSeq = 8 // bytes of TCP that every error brings
)

// icmp4 reads an ICMP message. Errors bring the head of the datagram that they are about and at least 8 bytes of it.
func icmp4(ends, b []byte, s *Segment) Verdict {
	if len(b) < icmpHead {
		return Malformed
	}
	switch b[0] {
	case icmpUnreachable, icmpQuench, icmpTimeExceeded, icmpParameter:
	default:
		return Other
	}
	about := b[icmpHead:]
	if len(about) < ip4Head {
		return Malformed
	}
	head := int(about[0]&15) * 4
	if about[9] != protoTCP || binary.BigEndian.Uint16(about[6:])&0x1fff != 0 {
		return Other
	}
	if about[0]>>4 != 4 || head < ip4Head || len(about) < head+portsSeq {
		return Malformed
	}
	s.ICMP.Type, s.ICMP.Code = b[0], b[1]
	if b[0] == icmpUnreachable && b[1] == icmpFragNeeded {
		s.ICMP.MTU = int(binary.BigEndian.Uint16(b[6:]))
	}
	s.IPID = binary.BigEndian.Uint16(about[4:])
	return s.about(ends, about[12:20], about[head:])
}

// icmp6 reads an ICMPv6 message.
func icmp6(ends, b []byte, s *Segment) Verdict {
	if len(b) < icmpHead {
		return Malformed
	}
	switch b[0] {
	case icmp6Unreachable, icmp6TooBig, icmp6TimeExceeded, icmp6Parameter:
	default:
		return Other
	}
	about := b[icmpHead:]
	if len(about) < ip6Head || about[0]>>4 != 6 {
		return Malformed
	}
	proto, at, fragment := extensions(about[6], about, ip6Head)
	if at < 0 {
		return Malformed
	}
	if proto != protoTCP || fragment >= 0 && binary.BigEndian.Uint16(about[fragment+2:])&^7 != 0 {
		return Other
	}
	if len(about) < at+portsSeq {
		return Malformed
	}
	s.ICMP.V6, s.ICMP.Type, s.ICMP.Code = true, b[0], b[1]
	if b[0] == icmp6TooBig {
		s.ICMP.MTU = int(min(binary.BigEndian.Uint32(b[4:]), 1<<31-1))
	}
	return s.about(ends, about[8:40], about[at:])
}

// about fills in which segment an error is about; sent are the addresses of the error itself.
func (s *Segment) about(sent, ends, b []byte) Verdict {
	s.ICMP.From, _ = addresses(sent)
	s.connect(ends, b)
	s.Seq = binary.BigEndian.Uint32(b[4:])
	return ICMPError
}
