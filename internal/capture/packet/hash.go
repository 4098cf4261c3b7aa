package packet

import (
	"encoding/binary"
	"math/bits"
)

// hash is the same for both directions, and in every run: ends are the addresses, from and to the ports. Who chooses them can make it
// collide: that may cost time, no more.
func hash(ends []byte, from, to uint16) uint64 {
	var h uint64
	if len(ends) == 8 {
		h = endpoint(0, uint64(binary.LittleEndian.Uint32(ends)), from) + endpoint(0, uint64(binary.LittleEndian.Uint32(ends[4:])), to)
	} else {
		h = endpoint(binary.LittleEndian.Uint64(ends), binary.LittleEndian.Uint64(ends[8:]), from) +
			endpoint(binary.LittleEndian.Uint64(ends[16:]), binary.LittleEndian.Uint64(ends[24:]), to)
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

// endpoint folds the two halves of an address and a port into 64 bits.
func endpoint(a, b uint64, port uint16) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15^uint64(port), b^0xc2b2ae3d27d4eb4f^uint64(port)<<33)
	return hi ^ lo
}
