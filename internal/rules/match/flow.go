package match

import (
	"math/bits"
	"unicode/utf8"
)

// flow is where the last parts of a cascade are in a value.
type flow struct {
	*cascade
	final [maxFinals + 1]uint32
	now   [maxCounts][maxCounting]uint64
	alive uint64 // those that something has begun in
	out   [maxCounting]uint64
	tried [maxCounting]uint64
}

// matches reports whether a last part matches from one of the places where it may begin.
func (c *cascade) matches(value string, ends []int32) bool {
	if len(ends) == 0 {
		return false
	}
	f := flow{cascade: c}
	for k, d := range c.finals {
		f.final[k] = d.start[0]
	}
	for i, e := int(ends[0]), 0; ; {
		if f.alive == 0 {
			if e = c.plausible(value, ends, e); e == len(ends) {
				return false
			}
			i = int(ends[e])
		}
		told := e < len(ends) && int(ends[e]) == i
		if told {
			e++
			if c.empty {
				return true
			}
		}
		if i == len(value) {
			return f.ended(value, told)
		}
		if f.step(value, i, told) {
			return true
		}
		i++
		for i < len(value) && value[i] >= 0x80 && align(value, i) != i {
			i++
		}
	}
}

// begin returns the last parts that can begin at i, by the two bytes there.
func (c *cascade) begin(value string, i int) uint64 {
	b := value[i]
	if i+1 < len(value) {
		if p, q := alnum(b), alnum(value[i+1]); p != 0 && q != 0 {
			return c.pairs[int(p)<<5|int(q)]
		}
	}
	return c.first[b]
}

// plausible returns the first of ends, from the one with number e on, where a last part can begin.
func (c *cascade) plausible(value string, ends []int32, e int) int {
	for e < len(ends) && !c.empty {
		if i := int(ends[e]); i == len(value) || c.begin(value, i) != 0 {
			break
		}
		e++
	}
	return e
}

// alnum numbers letters from 1 on, whatever their case, and digits as one; 0 is for all else.
func alnum(b byte) uint8 {
	switch c := b | 0x20; {
	case c >= 'a' && c <= 'z':
		return c - 'a' + 1
	case b >= '0' && b <= '9':
		return 27
	}
	return 0
}

// step moves the last parts over the character at i, where told beginning in them all. It reports whether one has matched.
func (f *flow) step(value string, i int, told bool) bool {
	b, move := value[i], f.alive
	if told {
		move |= f.begin(value, i)
	}
	kind := before(value, i)
	for ; move != 0; move &= move - 1 {
		k := bits.TrailingZeros64(move)
		if k >= maxFinals {
			if f.count(k-maxFinals, value, i, kind, told) {
				return true
			}
			continue
		}
		d, s := f.finals[k], f.final[k]
		if told {
			s = d.to(s, uint32(d.n+kind))
		}
		class := uint32(d.ascii[b])
		if class == beyond {
			class, _ = d.over(value, i)
		}
		s = d.to(s, class)
		if f.final[k] = s; s < d.wins {
			return true
		}
		f.alive |= 1 << k
		if s == d.start[0] {
			f.alive &^= 1 << k
		}
	}
	return false
}

// count moves one that counts over the character at i and reports whether it has matched.
func (f *flow) count(k int, value string, i, kind int, told bool) bool {
	m := f.counts[k]
	now, next := f.now[k][:m.words], [maxCounting]uint64{}
	if told {
		orWords(now, m.start[kind])
	}
	ahead := kindOf(value[i])
	if m.resolve(now, kind, ahead, f.out[:m.words], f.tried[:m.words]) != 0 {
		return true
	}
	class := uint32(m.ascii[value[i]])
	if class == beyond {
		r, _ := utf8.DecodeRuneInString(value[i:])
		class = uint32(m.lookup(r))
	}
	m.advance(f.out[:m.words], next[:m.words], class, ahead)
	copy(now, next[:])
	f.alive |= 1 << (maxFinals + k)
	if next == [maxCounting]uint64{} {
		f.alive &^= 1 << (maxFinals + k)
	}
	return now[m.words-1] != 0
}

// ended reports whether a match ends with the value.
func (f *flow) ended(value string, told bool) bool {
	kind := before(value, len(value))
	for k, d := range f.finals {
		s := f.final[k]
		if told {
			s = d.to(s, uint32(d.n+kind))
		}
		if d.final[s/d.stride] {
			return true
		}
	}
	for k, m := range f.counts {
		now := f.now[k][:m.words]
		if told {
			orWords(now, m.start[kind])
		}
		if m.resolve(now, kind, kindText, f.out[:m.words], f.tried[:m.words]) != 0 {
			return true
		}
	}
	return false
}
