package packet

import "net/netip"

// Verdict is what a packet was.
type Verdict uint8

// The verdicts.
const (
	Other     Verdict = iota // nothing of TCP
	TCP                      // Segment is filled
	ICMPError                // Segment holds the addresses, in the direction of the packet that it is about, and ICMP
	Fragment                 // kept until the others are there
	Malformed                // headers contradict each other or are cut off before the end of TCP's fixed one
)

// TCP flags (RFC 9293 section 3.1).
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Segment is one TCP segment. Of an ICMP error it has what stands beside the fields, and no other.
type Segment struct {
	At       int64          // nanoseconds since the Unix epoch; ICMP too
	Frame    int64          // of the last fragment where there are some; ICMP too
	Src, Dst netip.AddrPort // IPv4-mapped addresses are unmapped; zones are empty; ICMP: of the segment that it is about
	Hash     uint64         // the same for both directions of a connection; of good spread; ICMP too
	Seq, Ack uint32         // ICMP: Seq of the segment that it is about
	Flags    uint8
	Window   uint16
	TTL      uint8  // or hop limit; ICMP: of the error itself
	IPID     uint16 // IPv4 only; ICMP: of the segment that it is about
	Length   int    // payload bytes on the wire
	Payload  []byte // those that were captured: within Packet.Data and its capacity, or after fragments in memory that nobody else uses
	Options  Options
	ICMP     ICMP
}

// Options is what a segment's TCP options say; all zero where they are absent.
type Options struct {
	MSS           uint16
	WindowScale   int8 // shift + 1, 0 when absent, at most 15
	SACKPermitted bool
	SACKs         int // how many blocks, at most 4
	SACK          [4][2]uint32
	HasTimestamps bool
	TSVal, TSEcr  uint32
}

// ICMP is an error about a segment (RFC 792, RFC 4443).
type ICMP struct {
	V6         bool
	Type, Code uint8
	MTU        int // of the next hop, in bytes, where it says
	From       netip.Addr
}
