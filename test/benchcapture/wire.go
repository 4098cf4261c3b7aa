package main

import (
	"bufio"
	"encoding/binary"
	"io"
)

// What a packet of 1,500 bytes carries of TCP: 20 bytes of IPv4, 20 of TCP and 12 of timestamps are its heads.
const (
	segmentSize = 1448
	heads       = 14 + 20 + 32
	step        = 10_000 // nanoseconds between two packets
)

const (
	flagFIN = 1
	flagSYN = 2
	flagPSH = 8
	flagACK = 16
)

// recorder writes packets as tcpdump would: pcap, microseconds, Ethernet.
type recorder struct {
	out *bufio.Writer
	now int64 // nanoseconds
	err error
}

func newRecorder(w io.Writer) *recorder {
	r := &recorder{out: bufio.NewWriterSize(w, 1<<20), now: 1_700_000_000e9}
	head := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	head = binary.LittleEndian.AppendUint16(head, 2)
	head = binary.LittleEndian.AppendUint16(head, 4)
	head = binary.LittleEndian.AppendUint64(head, 0)
	head = binary.LittleEndian.AppendUint32(head, 262144)
	r.write(binary.LittleEndian.AppendUint32(head, 1))
	return r
}

func (r *recorder) write(p []byte) {
	if _, err := r.out.Write(p); err != nil && r.err == nil {
		r.err = err
	}
}

// end is one end of a fake TCP connection.
type end struct {
	address uint32
	port    uint16
	seq     uint32
	id      uint16
}

// packet writes one segment from a to b.
func (r *recorder) packet(a, b *end, flags byte, payload []byte) {
	var h [16 + heads]byte
	size := heads + len(payload)
	r.now += step
	binary.LittleEndian.PutUint32(h[0:], uint32(r.now/1e9))
	binary.LittleEndian.PutUint32(h[4:], uint32(r.now%1e9/1000))
	binary.LittleEndian.PutUint32(h[8:], uint32(size))
	binary.LittleEndian.PutUint32(h[12:], uint32(size))
	ethernet, ip, tcp := h[16:], h[30:], h[50:]
	copy(ethernet, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00")
	ip[0], ip[6], ip[8], ip[9] = 0x45, 0x40, 64, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(size-14))
	binary.BigEndian.PutUint16(ip[4:], a.id)
	binary.BigEndian.PutUint32(ip[12:], a.address)
	binary.BigEndian.PutUint32(ip[16:], b.address)
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum(0, ip[:20])))
	binary.BigEndian.PutUint16(tcp[0:], a.port)
	binary.BigEndian.PutUint16(tcp[2:], b.port)
	binary.BigEndian.PutUint32(tcp[4:], a.seq)
	if flags&flagACK != 0 {
		binary.BigEndian.PutUint32(tcp[8:], b.seq)
	}
	tcp[12], tcp[13] = 8<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 65535)
	copy(tcp[20:], "\x01\x01\x08\x0a")
	binary.BigEndian.PutUint32(tcp[24:], uint32(r.now/1e6))
	pseudo := sum(uint32(6+32+len(payload)), ip[12:20])
	binary.BigEndian.PutUint16(tcp[16:], ^fold(sum(sum(pseudo, tcp[:32]), payload)))
	r.write(h[:])
	r.write(payload)
	a.id++
	a.seq += uint32(len(payload))
	if flags&(flagSYN|flagFIN) != 0 {
		a.seq++
	}
}

// sum adds p to the Internet checksum (RFC 1071).
func sum(s uint32, p []byte) uint32 {
	for ; len(p) > 1; p = p[2:] {
		s += uint32(p[0])<<8 | uint32(p[1])
		s = s&0xffff + s>>16
	}
	if len(p) > 0 {
		s += uint32(p[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
