package tcpstream

import (
	"encoding/binary"

	"github.com/lunette-waf/lunette/internal/capture/packet"
)

// remember marks s as one of the last segments of its direction.
func (p *half) remember(s *packet.Segment) {
	m := &p.marks[p.mark&3]
	p.mark++
	m.at, m.seq, m.len, m.id, m.sum = s.At, s.Seq, uint32(s.Length)<<8|uint32(s.Flags), packetID(s), sum(s)
}

// packetID tells a packet from one like it that was sent later, as far as IP and TCP do.
func packetID(s *packet.Segment) uint32 { return uint32(s.IPID) ^ s.Options.TSVal*0x9e3779b1 }

// sum is a sample of the payload, 0 when that is cut off.
func sum(s *packet.Segment) uint32 {
	if len(s.Payload) != s.Length {
		return 0
	}
	return sample(s.Payload) | 1
}

// sample is a sum over the first, middle and last 8 bytes: not all, since each byte costs time.
func sample(b []byte) uint32 {
	n := len(b)
	if n < 8 {
		var sum uint32
		for _, c := range b {
			sum = sum<<5 ^ sum>>27 ^ uint32(c)
		}
		return sum
	}
	sum := binary.LittleEndian.Uint64(b) ^ binary.LittleEndian.Uint64(b[(n-8)/2:])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(b[n-8:])*0xc2b2ae3d27d4eb4f
	return uint32(sum ^ sum>>32)
}

// met looks for s among the last segments: copied, when it is the same packet captured twice; other, when it has the place of
// one but other bytes.
func (p *half) met(s *packet.Segment) (copied, other bool) {
	near := int64(twice)
	if s.IPID == 0 && !s.Options.HasTimestamps {
		near = twiceNarrow
	}
	mine := sum(s)
	for i := range p.marks {
		m := &p.marks[i]
		if m.seq != s.Seq || m.len != uint32(s.Length)<<8|uint32(s.Flags) || m.at == 0 {
			continue
		}
		if m.sum != mine && m.sum != 0 && mine != 0 {
			other = true
		} else if off := s.At - m.at; m.id == packetID(s) && off <= near && off >= -near {
			return true, false
		}
	}
	return false, other
}
