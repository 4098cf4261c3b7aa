package flow

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// The PROXY protocol of HAProxy (proxy-protocol.txt, versions 1 and 2).
const (
	proxyV1      = "PROXY "
	proxyV2      = "\r\n\r\n\x00\r\nQUIT\n"
	maxProxyV1   = 107
	maxProxyV2   = 4096 // bytes after the first 16; the format would allow 65535, no sender comes near
	proxyV2Fixed = 16
)

// proxyHeader looks for a PROXY protocol header at the start of p. n is its length, 0 when there is none; more says that p is too short
// to tell. text is what it says: the protocol, the source, the destination.
func proxyHeader(p []byte) (n int, text string, more bool) {
	switch {
	case startsLike(p, proxyV1):
		return proxyHeaderV1(p)
	case startsLike(p, proxyV2):
		return proxyHeaderV2(p)
	}
	return 0, "", false
}

// startsLike reports whether p begins with start, as far as it goes.
func startsLike(p []byte, start string) bool {
	n := min(len(p), len(start))
	return n > 0 && string(p[:n]) == start[:n]
}

func proxyHeaderV1(p []byte) (n int, text string, more bool) {
	end := bytes.IndexByte(p[:min(len(p), maxProxyV1)], '\n')
	if end < 0 {
		return 0, "", len(p) < maxProxyV1
	}
	if len(p) <= len(proxyV1) || end < len(proxyV1) {
		return 0, "", false
	}
	return end + 1, strings.TrimSpace(string(p[len(proxyV1):end])), false
}

func proxyHeaderV2(p []byte) (n int, text string, more bool) {
	if len(p) < proxyV2Fixed {
		return 0, "", true
	}
	size := int(binary.BigEndian.Uint16(p[14:]))
	if size > maxProxyV2 || p[12]>>4 != 2 {
		return 0, "", false
	}
	if len(p) < proxyV2Fixed+size {
		return 0, "", true
	}
	return proxyV2Fixed + size, proxyV2Text(p[12], p[13], p[proxyV2Fixed:proxyV2Fixed+size]), false
}

// proxyV2Text names the addresses as version 1 would write them.
func proxyV2Text(command, family byte, p []byte) string {
	size, name := 0, ""
	switch family {
	case 0x11:
		size, name = 4, "TCP4"
	case 0x21:
		size, name = 16, "TCP6"
	}
	if command&0xf == 0 {
		return "LOCAL"
	}
	if size == 0 || len(p) < 2*size+4 {
		return "UNKNOWN"
	}
	src, _ := netip.AddrFromSlice(p[:size])
	dst, _ := netip.AddrFromSlice(p[size : 2*size])
	port := func(at int) string { return strconv.Itoa(int(binary.BigEndian.Uint16(p[2*size+at:]))) }
	return name + " " + src.String() + " " + dst.String() + " " + port(0) + " " + port(2)
}
