package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// links are the link types of the tests with tcpdump's names for them.
func links() map[string]uint16 {
	return map[string]uint16{"EN10MB": linkEthernet, "LINUX_SLL": linkSLL, "LINUX_SLL2": linkSLL2, "RAW": linkRaw, "NULL": linkNull, "LOOP": linkLoop, "IPV4": linkIPv4, "IPV6": linkIPv6}
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// What packets and expressions share, so that they meet.
func addresses4() []string {
	return []string{"10.0.0.1", "10.0.0.2", "10.1.2.3", "192.0.2.7", "127.0.0.1", "224.0.0.5", "0.0.0.10"}
}
func addresses6() []string {
	return []string{"::1", "fe80::1", "2001:db8::1", "2001:db8::2", "ff02::1"}
}
func portsUsed() []uint16 { return []uint16{22, 53, 80, 443, 8080, 40000} }

func networkOf(r *rand.Rand) []byte {
	switch r.IntN(10) {
	case 0:
		return arp(r)
	case 1:
		b := make([]byte, r.IntN(60)) // of a protocol that nobody knows
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	case 2, 3, 4, 5:
		return packet6(r)
	}
	return packet4(r)
}

func arp(r *rand.Rand) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1}
	b = append(b, parse4(pick(r, addresses4()...))...)
	b = append(b, 2, 0, 0, 0, 0, 2)
	return append(b, parse4(pick(r, addresses4()...))...)
}

func packet4(r *rand.Rand) []byte {
	words := pick(r, 5, 5, 5, 6, 15)
	b := make([]byte, words*4)
	b[0] = 0x40 | byte(words)
	binary.BigEndian.PutUint16(b[6:], pick[uint16](r, 0, 0, 0x4000, 0x2000, 5, 0x2001))
	b[9] = pick[byte](r, 6, 6, 17, 132, 1, 2, 50, 58)
	copy(b[12:], parse4(pick(r, addresses4()...)))
	copy(b[16:], parse4(pick(r, addresses4()...)))
	return slices.Concat(b, transport(r))
}

func packet6(r *rand.Rand) []byte {
	b := make([]byte, 40)
	b[0] = 0x60
	b[6] = pick[byte](r, 6, 6, 17, 132, 58, 44, 0, 43)
	copy(b[8:], parse6(pick(r, addresses6()...)))
	copy(b[24:], parse6(pick(r, addresses6()...)))
	switch b[6] {
	case 0, 43, 44: // an extension header
		b = slices.Concat(b, []byte{pick[byte](r, 6, 17, 58), 0, 0, pick[byte](r, 0, 9), 0, 0, 0, 1})
	}
	return slices.Concat(b, transport(r))
}

func transport(r *rand.Rand) []byte {
	b := make([]byte, pick(r, 8, 20, 100))
	binary.BigEndian.PutUint16(b, pick(r, portsUsed()...))
	binary.BigEndian.PutUint16(b[2:], pick(r, portsUsed()...))
	return b
}

func typeOf(b []byte) uint16 {
	switch {
	case len(b) == 28 && b[0] == 0:
		return typeARP
	case len(b) > 0 && b[0]>>4 == 6:
		return typeIPv6
	case len(b) > 0 && b[0]>>4 == 4:
		return typeIPv4
	}
	return 0x88cc
}

// synthetic makes a frame; one in four is cut off somewhere.
func synthetic(r *rand.Rand, link uint16) frameOfTest {
	inner := networkOf(r)
	b := framed(r, link, inner, pick(r, typeOf(inner), typeOf(inner), typeOf(inner), typeOf(inner), typeRARP, typeIPv4))
	if r.IntN(4) == 0 {
		return frameOfTest{b[:r.IntN(len(b)+1)], true}
	}
	return frameOfTest{b, false}
}

// frameOfTest is a packet; one that was cut off lacks what a program may look for.
type frameOfTest struct {
	data []byte
	cut  bool
}

func framed(r *rand.Rand, link uint16, inner []byte, kind uint16) []byte {
	var head []byte
	typed := func(b []byte) []byte { return binary.BigEndian.AppendUint16(b, kind) }
	tags := func(b []byte) []byte {
		for range pick(r, 0, 0, 0, 1, 2) {
			b = binary.BigEndian.AppendUint16(b, pick[uint16](r, typeVLAN, typeVLAN, typeQinQ, typeOldQinQ))
			b = binary.BigEndian.AppendUint16(b, pick[uint16](r, 5, 7, 0x6005))
		}
		return b
	}
	switch link {
	case linkEthernet:
		head = append(head, pick(r, "\x00\x11\x22\x33\x44\x55", "\x02\x00\x00\x00\x00\x01", "\xff\xff\xff\xff\xff\xff", "\x01\x00\x5e\x00\x00\x05")...)
		head = append(head, pick(r, "\x00\x11\x22\x33\x44\x55", "\x02\x00\x00\x00\x00\x01")...)
		head = typed(tags(head))
	case linkSLL:
		head = typed(append(head, 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0))
	case linkSLL2:
		head = append(typed(head), 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0)
	case linkNull:
		head = append(head, map[uint16]byte{typeIPv4: 2, typeIPv6: 10}[kind], 0, 0, 0)
	case linkLoop:
		head = append(head, 0, 0, 0, map[uint16]byte{typeIPv4: 2, typeIPv6: 10}[kind])
	}
	return append(head, inner...)
}
