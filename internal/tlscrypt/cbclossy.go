package tlscrypt

func (c *cbc) chained() Chain {
	if c.chain != nil {
		return ChainBlock
	}
	return ChainNone
}

// pass keeps the last block for the next record.
func (c *cbc) pass(_ int, tail []byte) {
	if c.chain == nil {
		return
	}
	if c.etm {
		tail = tail[:max(len(tail)-c.mac.size(), 0)]
	}
	c.broken = len(tail) < len(c.chain)
	if !c.broken {
		copy(c.chain, tail[len(tail)-len(c.chain):])
	}
}

// openLossy opens without the MAC, unless that was made last; lost bytes at the start are unknown where the chain is broken.
func (c *cbc) openLossy(dst []byte, h header, sealed []byte) ([]byte, int, error) {
	out, bad := c.decrypt(dst, h, sealed)
	if bad != 0 {
		return dst, 0, bad
	}
	plain, lost := out[len(dst):], 0
	if c.broken {
		lost = c.b.BlockSize()
		clear(plain[:lost])
	}
	n := 0
	if len(plain) > lost {
		n = c.unpadAfter(plain, lost)
	}
	if n < 0 {
		return dst, 0, BadPadding
	}
	if !c.etm && len(plain) > lost {
		if n -= c.mac.size(); n < 0 {
			return dst, 0, BadLength
		}
	}
	c.pass(len(sealed), sealed)
	return out[:len(dst)+n], min(lost, n), nil
}

// unpadAfter is unpad where the first lost bytes are unknown: padding that reaches into them is checked as far as it is known.
func (c *cbc) unpadAfter(plain []byte, lost int) int {
	last := plain[len(plain)-1]
	n := int(last) + 1
	if n > len(plain) || c.ssl3 && n > c.b.BlockSize() {
		return -1
	}
	if !c.ssl3 {
		for _, x := range plain[max(lost, len(plain)-n):] {
			if x != last {
				return -1
			}
		}
	}
	return len(plain) - n
}
