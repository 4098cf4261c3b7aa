package match

import (
	"regexp/syntax"
	"slices"
)

// cascade matches a sequence whose automaton would be too large: its parts have one each, which run side by side. Where a match of one part
// ends, the next is told that one of its own begins. The states of the parts add up, where those of the whole multiply.
type cascade struct {
	stages []*dfa        // those of the unit's feed
	finals []*dfa        // of the last part, of which one must match
	counts []*simulation // the same, where they count, so that they have too many states
	first  [256]uint64   // with which bytes they begin, finals from bit 0 and counts from bit maxFinals
	pairs  [1024]uint64  // the same for two bytes that are letters or digits
	empty  bool          // one of them matches where nothing is left
}

// Bounds of a cascade, and the size from which a part of a sequence gets an automaton by itself.
const (
	maxStages = 6
	maxFinals = 56
	ownSize   = 60

	maxCounts   = 4
	maxCounting = 8    // words of positions
	smallStates = 1000 // from which on the last part is divided
)

// cascade makes one of a sequence with at least so many large parts.
func (b *builder) cascade(re *syntax.Regexp, binary bool, large int) (c *cascade, ok bool) {
	if re.Op != syntax.OpConcat {
		return nil, false
	}
	var pieces [][]*syntax.Regexp
	open := false
	for _, s := range flat(nil, re) {
		own := size(s) >= ownSize
		if own {
			large--
		}
		if own || !open {
			pieces = append(pieces, nil)
		}
		pieces[len(pieces)-1] = append(pieces[len(pieces)-1], s)
		open = !own
	}
	if large > 0 {
		return nil, false
	}
	// Where a part ends must not depend on the next character: assertions there begin the next part.
	for i := 0; i+1 < len(pieces); i++ {
		for n := len(pieces[i]); n > 0 && asserts(pieces[i][n-1:]); n = len(pieces[i]) {
			pieces[i+1] = slices.Concat(pieces[i][n-1:], pieces[i+1])
			pieces[i] = pieces[i][:n-1]
		}
	}
	pieces = slices.DeleteFunc(pieces, func(p []*syntax.Regexp) bool { return len(p) == 0 })
	if n := len(pieces); n > 1 && asserts(pieces[n-1]) { // nothing but assertions would be a part of nothing
		pieces[n-2] = slices.Concat(pieces[n-2], pieces[n-1])
		pieces = pieces[:n-1]
	}
	for ; len(pieces) >= 2; pieces = append([][]*syntax.Regexp{slices.Concat(pieces[0], pieces[1])}, pieces[2:]...) {
		if c, ok := b.assemble(pieces, binary); ok {
			return c, true
		}
		if len(pieces[0]) > 3 {
			break
		}
	}
	return nil, false
}

// assemble makes a cascade of pieces.
func (b *builder) assemble(pieces [][]*syntax.Regexp, binary bool) (c *cascade, ok bool) {
	if len(pieces) > maxStages {
		return nil, false
	}
	c = &cascade{}
	for i, p := range pieces[:len(pieces)-1] {
		how := passes
		if i == 0 {
			how = ends
		}
		if !b.stage(c, p, binary, how) {
			return nil, false
		}
	}
	if !b.final(c, sequence(pieces[len(pieces)-1]), binary) {
		return nil, false
	}
	c.seal()
	return c, true
}

// flat appends the parts of a sequence, and of sequences within it.
func flat(dst []*syntax.Regexp, re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return flat(dst, re.Sub[0])
	case syntax.OpConcat:
		for _, s := range re.Sub {
			dst = flat(dst, s)
		}
		return dst
	}
	return append(dst, re)
}

// stage adds the automaton of a part, or of its halves.
func (b *builder) stage(c *cascade, part []*syntax.Regexp, binary bool, how mode) bool {
	d, ok := b.automaton(sequence(part), binary, how, 2*b.limit)
	if ok {
		c.stages = append(c.stages, d)
		return len(c.stages) < maxStages
	}
	if len(part) < 2 {
		return false
	}
	half := len(part) / 2
	return b.stage(c, part[:half], binary, how) && b.stage(c, part[half:], binary, passes)
}

// final adds the automata of the last part, which is divided until all are small.
func (b *builder) final(c *cascade, re *syntax.Regexp, binary bool) bool {
	x, y, divides := divideRegexp(re)
	limit := smallStates
	if !divides {
		limit = b.limit
	}
	if divides && size(re) > limit { // it would not fit: spare the attempt
		return len(c.finals) < maxFinals && b.final(c, x, binary) && b.final(c, y, binary)
	}
	if d, ok := b.automaton(re, binary, last, limit); ok {
		c.finals = append(c.finals, d)
		return len(c.finals) <= maxFinals
	}
	if divides {
		return len(c.finals) < maxFinals && b.final(c, x, binary) && b.final(c, y, binary)
	}
	if n, ok := positions(re, binary); ok && n.words <= maxCounting && len(c.counts) < maxCounts {
		c.counts = append(c.counts, newSimulation(n))
		return true
	}
	return false
}

func sequence(subs []*syntax.Regexp) *syntax.Regexp {
	if len(subs) == 1 {
		return subs[0]
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: subs}
}

// asserts reports whether parts hold nothing but assertions.
func asserts(subs []*syntax.Regexp) bool {
	for _, s := range subs {
		switch s.Op {
		case syntax.OpEndLine, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginLine, syntax.OpBeginText:
		default:
			return false
		}
	}
	return true
}

// seal finds out with which bytes the last parts begin.
func (c *cascade) seal() {
	for k, d := range c.finals {
		for kind := range kinds {
			told := d.to(d.start[0], uint32(d.n+kind))
			c.empty = c.empty || told < d.wins
			for b := range 256 {
				if b >= 0x80 || d.to(told, uint32(d.ascii[b])) != d.start[0] {
					c.first[b] |= 1 << k
				}
			}
			c.pair(k, d, told)
		}
	}
	for k, m := range c.counts {
		for kind := range kinds {
			c.empty = c.empty || m.start[kind][m.words-1] != 0
			c.note(k, m, m.start[kind])
		}
	}
}

// note finds with which bytes, and with which two letters or digits, one that counts goes on from a set of positions.
func (c *cascade) note(k int, m *simulation, from []uint64) {
	bit := uint64(1) << (maxFinals + k)
	next := make([]uint64, m.words)
	for a := range 256 {
		class := m.ascii[a]
		if class == beyond || m.pending(from) {
			c.first[a] |= bit
		}
		clear(next)
		if class != beyond {
			m.advance(from, next, uint32(class), kindOf(byte(a)))
		}
		p := alnum(byte(a))
		if !anyWord(next) && !m.pending(from) {
			continue
		}
		c.first[a] |= bit
		for b := range 128 {
			if q := alnum(byte(b)); p != 0 && q != 0 && (m.pending(from) || m.pending(next) || m.meets(next, m.ascii[b])) {
				c.pairs[int(p)<<5|int(q)] |= bit
			}
		}
	}
}

// pending reports whether a set has matched or holds an assertion, so that it cannot be told by the next character alone what becomes of it.
func (m *simulation) pending(set []uint64) bool {
	for w, asks := range m.asserts {
		if set[w]&asks != 0 {
			return true
		}
	}
	return set[m.words-1] != 0
}

// meets reports whether a position of set takes a class.
func (m *simulation) meets(set []uint64, class uint8) bool {
	for w := range m.words - 1 {
		if set[w]&m.has[class][w] != 0 {
			return true
		}
	}
	return false
}

func anyWord(set []uint64) bool {
	for _, w := range set {
		if w != 0 {
			return true
		}
	}
	return false
}

// pair notes with which two letters or digits final k goes on from state s.
func (c *cascade) pair(k int, d *dfa, s uint32) {
	for a := range 128 {
		p := alnum(byte(a))
		one := d.to(s, uint32(d.ascii[a]))
		if p == 0 || one == d.start[0] {
			continue
		}
		for b := range 128 {
			if q := alnum(byte(b)); q != 0 && (one < d.wins || d.to(one, uint32(d.ascii[b])) != d.start[0]) {
				c.pairs[int(p)<<5|int(q)] |= 1 << k
			}
		}
	}
}

func (c *cascade) memory() int64 {
	n := int64(0)
	for _, d := range c.finals {
		n += d.memory()
	}
	for _, m := range c.counts {
		n += m.memory()
	}
	return n
}
