package tlsrecord

import (
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// TypeSSL2ClientHello is the Type of the one message of SSL 2.0 that is read: a ClientHello at the start of a stream that offers
// SSL 3.0 or later (RFC 5246 appendix E.2). Its Payload begins with the message type, behind the 2 bytes of length; its Version is
// the one that it offers.
const TypeSSL2ClientHello uint8 = 0x80

// Record is one record as it stood on the wire.
type Record struct {
	Type    uint8
	Version uint16
	Payload []byte     // whole; valid until the callback returns; nil for a lost one
	Length  int        // of the payload, as the header says
	At      fact.Stamp // of its first byte; of the gap, for an unknown one
	End     fact.Stamp // of its last byte: the time that counts
	Offset  int64      // of its header in the side's stream
	// Lost says that bytes of it are missing from the capture. Header fields are right where its header was seen, else zero.
	Lost bool
	// Unknown says, of a lost one, that an unknown number of records (one or more, or none) is missing: Skipped bytes were passed over to find the next header.
	Unknown bool
	Skipped int64
	// Count is how many records an unknown one stands for, where whoever lost them knows; else 0.
	Count int64
	// Tail is, of a lost one, what is known of its last bytes: up to 64 that stand right before the next header, nil when the gap
	// reaches up to that. Valid until the callback returns.
	Tail []byte
}

const (
	headerLen  = tlswire.RecordHeaderLen
	maxRecord  = headerLen + tlswire.MaxRecordPayload
	maxStart   = 64 // bytes that Lost keeps
	maxTail    = 64 // block and MAC of any suite
	ssl2Header = 2
)

// plausibleSSL2 is tlswire.PlausibleRecord for a ClientHello of SSL 2.0: length, type 1, a version of major 3.
func plausibleSSL2(h []byte) bool {
	return h[0]&0x80 != 0 && (len(h) < 3 || h[2] == 1) && (len(h) < 4 || h[3] == 3) &&
		(len(h) < headerLen || ssl2Length(h) >= 9 && ssl2Length(h) <= tlswire.MaxRecordPayload)
}

func length(h []byte) int     { return int(h[3])<<8 | int(h[4]) }
func ssl2Length(h []byte) int { return int(h[0]&0x7f)<<8 | int(h[1]) }
func version(h []byte) uint16 { return uint16(h[1])<<8 | uint16(h[2]) }
