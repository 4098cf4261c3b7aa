package packet

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// hash is the same for both directions, and in every run. Who chooses the addresses can make it collide: that may cost time, no more.
func hash(src, dst netip.Addr, from, to uint16) uint64 {
	h := endpoint(src, from) + endpoint(dst, to)
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

// endpoint folds an address and a port into 64 bits.
func endpoint(a netip.Addr, port uint16) uint64 {
	b := a.As16()
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b[:])^0x9e3779b97f4a7c15^uint64(port), binary.LittleEndian.Uint64(b[8:])^0xc2b2ae3d27d4eb4f^uint64(port)<<17)
	return hi ^ lo
}
