package pcap

import (
	"math"
	"math/bits"
)

// tick turns the time stamps of an interface into nanoseconds.
type tick struct {
	times  uint64 // nanoseconds in a unit; 0: divide
	parts  uint64 // units in a nanosecond; 0: binary
	shift  uint8  // a unit is 2^-shift s
	offset int64  // nanoseconds to add
}

// newTick understands if_tsresol: the negative power of 10, or with the highest bit set of 2, that a unit is in seconds.
func newTick(resolution byte) tick {
	power := resolution & 0x7f
	if resolution&0x80 != 0 {
		return tick{shift: min(power, 127)}
	}
	if power <= 9 {
		return tick{times: pow10(9 - power)}
	}
	return tick{parts: pow10(min(power-9, 19))}
}

func pow10(n byte) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// fine reports whether a unit is less than a microsecond.
func (t *tick) fine() bool { return t.times != 0 && t.times < 1000 || t.parts != 0 || t.shift > 19 }

// at is the time of a stamp in nanoseconds since the epoch, the nearest that can be said where it does not fit.
func (t *tick) at(stamp uint64) int64 {
	var hi, lo uint64
	switch {
	case t.times != 0:
		hi, lo = bits.Mul64(stamp, t.times)
	case t.parts != 0:
		lo = stamp / t.parts
	default:
		hi, lo = bits.Mul64(stamp, 1e9)
		if t.shift >= 64 {
			hi, lo = 0, hi>>(t.shift-64)
		} else {
			hi, lo = hi>>t.shift, lo>>t.shift|hi<<(64-t.shift)
		}
	}
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return addTime(int64(lo), t.offset)
}

// addTime adds without wrapping around.
func addTime(a, b int64) int64 {
	switch sum := a + b; {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	default:
		return sum
	}
}

// seconds is s seconds in nanoseconds.
func seconds(s int64) int64 {
	const most = math.MaxInt64 / int64(1e9)
	return min(max(s, -most), most) * 1e9
}
