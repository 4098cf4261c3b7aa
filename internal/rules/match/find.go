package match

// maxWords is how many words Find returns at most.
const maxWords = 10

// Find returns the leftmost match of pattern i in value and its groups, as pairs of offsets, -1 for a group that took no part, appended to dst;
// nil where there is none. Of Words: up to ten words that occur, leftmost and longest first, one pair each.
func (s *Set) Find(x *Scratch, i int, value string, dst []int) []int {
	p := &s.patterns[i]
	if p.kind == Words {
		return s.findWords(p, value, dst)
	}
	at, ok := s.begin(x, p, value)
	if !ok {
		return nil
	}
	return x.pike.find(p.prog, p.groups, p.binary, value, at, dst)
}

func (s *Set) findWords(p *compiled, value string, dst []int) []int {
	n := len(dst)
	if dst = p.words.find(value, maxWords, dst); len(dst) > n {
		return dst
	}
	if p.words.empty {
		return append(dst, 0, 0)
	}
	return nil
}

// begin returns a place before which no match of p begins, and whether one can be at all.
func (s *Set) begin(x *Scratch, p *compiled, value string) (at int, ok bool) {
	at = len(value)
	for u := p.from; u < p.to; u++ {
		t := &s.units[u]
		if t.auto.d == nil {
			return 0, true
		}
		if first, found := t.auto.d.last(value, 0); found {
			at, ok = min(at, first), true
		}
	}
	if p.led {
		at = 0
	}
	return at, ok
}
