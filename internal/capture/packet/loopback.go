package packet

import "encoding/binary"

// loopback reads the address family, which stands in the byte order of the system that captured.
func loopback(b []byte) (uint16, int) {
	if len(b) < 4 {
		return 0, cut
	}
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(b)
	}
	switch family {
	case loopbackIPv4:
		return typeIPv4, 4
	case 10, 23, 24, 28, 30: // AF_INET6 of Linux; Windows; NetBSD and OpenBSD; FreeBSD; macOS
		return typeIPv6, 4
	}
	return 0, 4
}
