package tlswire

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
)

// JA3 is the fingerprint of a client: the MD5, in hex, of [ClientHello.JA3Text].
func (h *ClientHello) JA3() string { return md5Hex(h.appendJA3(make([]byte, 0, 256))) }

// JA3Text is what JA3 is made of: version, suites, extensions, groups and point formats in decimal and in the order of the
// wire, GREASE values left out.
func (h *ClientHello) JA3Text() string { return string(h.appendJA3(nil)) }

func (h *ClientHello) appendJA3(b []byte) []byte {
	b = strconv.AppendUint(b, uint64(h.Version), 10)
	b = appendDashed(append(b, ','), h.Suites)
	b = appendDashedTypes(append(b, ','), h.Extensions)
	b = appendDashed(append(b, ','), h.Groups)
	b = append(b, ',')
	for i, f := range h.PointFormats {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(f), 10)
	}
	return b
}

// JA3S is the fingerprint of a server's answer: the MD5, in hex, of [ServerHello.JA3SText].
func (h *ServerHello) JA3S() string { return md5Hex(h.appendJA3S(make([]byte, 0, 64))) }

// JA3SText is what JA3S is made of: version, suite and extensions.
func (h *ServerHello) JA3SText() string { return string(h.appendJA3S(nil)) }

func (h *ServerHello) appendJA3S(b []byte) []byte {
	b = strconv.AppendUint(b, uint64(h.Version), 10)
	b = strconv.AppendUint(append(b, ','), uint64(h.Suite), 10)
	return appendDashedTypes(append(b, ','), h.Extensions)
}

// appendDashed appends 1-2-3, GREASE values left out.
func appendDashed(b []byte, v []uint16) []byte {
	start := len(b)
	for _, x := range v {
		b = appendDashedOne(b, start, x)
	}
	return b
}

func appendDashedTypes(b []byte, e Extensions) []byte {
	start := len(b)
	for i := range e {
		b = appendDashedOne(b, start, e[i].Type)
	}
	return b
}

func appendDashedOne(b []byte, start int, x uint16) []byte {
	if GREASE(x) {
		return b
	}
	if len(b) > start {
		b = append(b, '-')
	}
	return strconv.AppendUint(b, uint64(x), 10)
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
