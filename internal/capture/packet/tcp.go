package packet

import "encoding/binary"

const tcpHead = 20

// tcp takes a TCP segment apart (RFC 9293 section 3.1): b was captured of wire bytes.
func tcp(ends, b []byte, wire int, s *Segment) Verdict {
	if len(b) < tcpHead {
		return Malformed
	}
	head := int(b[12]>>4) * 4
	if head < tcpHead || head > wire {
		return Malformed
	}
	s.connect(ends, b)
	s.Seq, s.Ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	s.Flags, s.Window = b[13], binary.BigEndian.Uint16(b[14:])
	s.Length = wire - head
	here := min(head, len(b))
	s.Payload = b[here:]
	if here > tcpHead {
		s.Options.parse(b[tcpHead:here])
	}
	return TCP
}

// Option kinds (RFC 9293 section 3.2, RFC 7323, RFC 2018) and their lengths.
const (
	optEnd, optNone             = 0, 1
	optMSS, lenMSS              = 2, 4
	optScale, lenScale          = 3, 3
	optPermitted, lenPermitted  = 4, 2
	optSACK                     = 5
	optTimestamps, lenTimestamp = 8, 10

	maxShift = 14 // RFC 7323 section 2.3
)

// parse reads the options that were captured. One that is malformed ends them.
func (o *Options) parse(b []byte) {
	for len(b) > 0 {
		switch b[0] {
		case optEnd:
			return
		case optNone:
			b = b[1:]
			continue
		}
		if len(b) < 2 {
			return
		}
		n := int(b[1])
		if n < 2 || n > len(b) {
			return
		}
		o.one(b[0], b[:n])
		b = b[n:]
	}
}

// one reads an option of which kind and length are the first two bytes.
func (o *Options) one(kind uint8, b []byte) {
	switch {
	case kind == optTimestamps && len(b) == lenTimestamp:
		o.HasTimestamps = true
		o.TSVal, o.TSEcr = binary.BigEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:])
	case kind == optMSS && len(b) == lenMSS:
		o.MSS = binary.BigEndian.Uint16(b[2:])
	case kind == optScale && len(b) == lenScale:
		o.WindowScale = int8(min(b[2], maxShift)) + 1
	case kind == optPermitted && len(b) == lenPermitted:
		o.SACKPermitted = true
	case kind == optSACK:
		for b = b[2:]; len(b) >= 8 && o.SACKs < len(o.SACK); b = b[8:] {
			o.SACK[o.SACKs] = [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
			o.SACKs++
		}
	}
}
