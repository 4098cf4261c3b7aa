package packet_test

import "encoding/binary"

// What frames are built of. Lengths are right, checksums are 0; addresses are those of RFC 5737 and RFC 3849, ports 50000 and 443.

func u16(v int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(v))) }

const (
	addresses4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02"
	addresses6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
)

// segment has the sequence number 0x01020304, acknowledges 0x05060708, has the flags PSH and ACK and the window 0x1234.
func segment(options, payload string) string {
	return u16(50000) + u16(443) + "\x01\x02\x03\x04\x05\x06\x07\x08" + string([]byte{byte(5+len(options)/4) << 4, 0x18}) + "\x12\x34\x00\x00\x00\x00" + options + payload
}

func ip4(proto byte, payload string) string { return ip4Piece(proto, 0, payload) }

// ip4Piece is a fragment: place is the field with the flags.
func ip4Piece(proto byte, place int, payload string) string {
	return "\x45\x00" + u16(20+len(payload)) + "\xab\xcd" + u16(place) + string([]byte{63, proto}) + "\x00\x00" + addresses4 + payload
}

func ip6(next byte, payload string) string {
	return "\x60\x00\x00\x00" + u16(len(payload)) + string([]byte{next, 62}) + addresses6 + payload
}

// ip6Piece is a fragment of the datagram with the identification 7.
func ip6Piece(next byte, place int, payload string) string {
	return ip6(44, string([]byte{next, 0})+u16(place)+"\x00\x00\x00\x07"+payload)
}

func ether(kind int, payload string) []byte {
	return []byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02" + u16(kind) + payload)
}
