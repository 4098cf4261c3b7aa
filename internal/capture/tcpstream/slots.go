package tcpstream

// find is the index of the first slot that ends behind off.
func (p *half) find(off int64) int {
	if n := len(p.wait); n == p.head || p.wait[n-1].end <= off {
		return n // the usual case: at the tail
	}
	lo, hi := p.head, len(p.wait)-1
	for lo < hi {
		if mid := (lo + hi) / 2; p.wait[mid].end > off {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// at puts s into the list as number i.
func (p *half) at(i int, s slot) {
	p.wait = append(p.wait, slot{})
	copy(p.wait[i+1:], p.wait[i:])
	p.wait[i] = s
}

// cut takes number i out of the list.
func (p *half) cut(i int) {
	copy(p.wait[i:], p.wait[i+1:])
	p.wait[len(p.wait)-1] = slot{}
	p.wait = p.wait[:len(p.wait)-1]
}

// settle keeps what the slots wait for in order after those from first to last have changed: bytes were not sent later than those
// behind them, so they need no more of the other stream. One segment with a wrong acknowledgement thus holds nothing up for long.
// It returns the highest acknowledgement that was found too high, 0 for none.
func (p *half) settle(first, last int) (wrong int64) {
	i := min(last+1, len(p.wait)-1)
	if i < p.head {
		return 0
	}
	ack := p.wait[i].ack
	for i--; i >= p.head; i-- {
		if p.wait[i].ack > ack {
			wrong = max(wrong, p.wait[i].ack)
			p.wait[i].ack = ack
		} else if i < first {
			break
		}
		ack = p.wait[i].ack
	}
	return wrong
}

// pop takes the first slot away. Its memory stays with the caller.
func (p *half) pop() slot {
	s := p.wait[p.head]
	p.wait[p.head] = slot{}
	p.head++
	return s
}

// tidy gives an empty list back, and closes up one whose first half is used up.
func (t *Tracker) tidy(p *half) {
	switch live := p.live(); {
	case p.wait == nil:
	case len(live) == 0:
		t.pool.give(p.wait)
		p.wait, p.head = nil, 0
	case p.head >= 32 && p.head > len(live):
		n := copy(p.wait, live)
		clear(p.wait[n:])
		p.wait, p.head = p.wait[:n], 0
	}
}
