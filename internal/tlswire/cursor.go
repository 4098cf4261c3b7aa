package tlswire

// cursor reads big-endian fields; a read beyond the end returns zero values and clears ok.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.bad = true
		c.b = nil
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() uint8 {
	v := c.take(1)
	if v == nil {
		return 0
	}
	return v[0]
}

func (c *cursor) u16() uint16 {
	v := c.take(2)
	if v == nil {
		return 0
	}
	return uint16(v[0])<<8 | uint16(v[1])
}

func (c *cursor) u24() int {
	v := c.take(3)
	if v == nil {
		return 0
	}
	return int(v[0])<<16 | int(v[1])<<8 | int(v[2])
}

func (c *cursor) u32() uint32 {
	v := c.take(4)
	if v == nil {
		return 0
	}
	return uint32(v[0])<<24 | uint32(v[1])<<16 | uint32(v[2])<<8 | uint32(v[3])
}

// vec8, vec16 and vec24 read a vector with a length prefix of so many bits.
func (c *cursor) vec8() []byte  { return c.take(int(c.u8())) }
func (c *cursor) vec16() []byte { return c.take(int(c.u16())) }
func (c *cursor) vec24() []byte { return c.take(c.u24()) }

// u16s reads b as a list of 16-bit numbers; an odd length is bad.
func (c *cursor) u16s(b []byte) []uint16 {
	if len(b)%2 != 0 {
		c.bad = true
		return nil
	}
	out := make([]uint16, len(b)/2)
	for i := range out {
		out[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return out
}

func appendU16(dst []byte, v uint16) []byte { return append(dst, byte(v>>8), byte(v)) }

func appendU16s(dst []byte, v []uint16) []byte {
	for _, x := range v {
		dst = appendU16(dst, x)
	}
	return dst
}

// appendVec appends what fill adds, behind its length in size bytes.
func appendVec(dst []byte, size int, fill func([]byte) []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, size)...)
	dst = fill(dst)
	n := len(dst) - at - size
	for i := size - 1; i >= 0; i-- {
		dst[at+i] = byte(n)
		n >>= 8
	}
	return dst
}

func appendBytes(dst []byte, size int, b []byte) []byte {
	return appendVec(dst, size, func(d []byte) []byte { return append(d, b...) })
}
