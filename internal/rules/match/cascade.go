package match

import (
	"math/bits"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// cascade matches a sequence whose automaton would be too large: its parts have one each, which run side by side. Where a match of one part
// ends, the next is told that one of its own begins. The states of the parts add up, where those of the whole multiply.
type cascade struct {
	feed   int           // of builder.feeds
	stages []*dfa        // those of the feed
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

// cascade makes one of a sequence.
func (b *builder) cascade(re *syntax.Regexp, binary bool) (c *cascade, ok bool) {
	if re.Op != syntax.OpConcat {
		return nil, false
	}
	var pieces [][]*syntax.Regexp
	open := false
	for _, s := range re.Sub {
		own := size(s) >= ownSize
		if own || !open {
			pieces = append(pieces, nil)
		}
		pieces[len(pieces)-1] = append(pieces[len(pieces)-1], s)
		open = !own
	}
	// What looks at the next character belongs to the last part.
	for n := len(pieces); n > 1 && asserts(pieces[n-1]) && len(pieces[n-1]) == 1; n = len(pieces) {
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
	c.feed = slices.IndexFunc(b.feeds, func(f feed) bool { return slices.Equal(f.stages, c.stages) })
	if c.feed < 0 {
		c.feed = len(b.feeds)
		b.feeds = append(b.feeds, feed{c.stages})
	}
	return c, true
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

// feed is what cascades with the same stages share: the places where their last parts may begin, found once for a value.
type feed struct {
	stages []*dfa
}

// ends appends to dst the places of value where a match of the last part may begin.
func (f *feed) ends(value string, dst []int32) []int32 {
	var state [maxStages + 1]uint32
	for k, d := range f.stages {
		state[k] = d.start[kindText]
	}
	kind := kindText
	first := f.stages[0]
	busy := true
	for i := 0; ; {
		if busy || state[0] < first.wins {
			if f.tell(&state, kind) {
				dst = append(dst, int32(i))
			}
			busy = f.busy(&state)
		}
		if i == len(value) {
			return dst
		}
		if !busy && state[0] < first.special && state[0] >= first.wins {
			from := i
			for i < len(value) && !first.leaves[value[i]] {
				i++
			}
			if i > from {
				kind = kindOf(value[i-1])
				state[0] = first.start[kind]
				continue
			}
		}
		n, b := 1, value[i]
		class := uint32(first.ascii[b])
		if class == beyond {
			class, n = first.over(value, i)
		}
		state[0] = first.to(state[0], class)
		if busy {
			f.step(&state, value, i)
		}
		kind = kindOf(b)
		i += n
	}
}

// busy reports whether something has begun in a part behind the first.
func (f *feed) busy(state *[maxStages + 1]uint32) bool {
	for k := 1; k < len(f.stages); k++ {
		if state[k] != f.stages[k].start[0] {
			return true
		}
	}
	return false
}

// step moves the parts behind the first over the character at i.
func (f *feed) step(state *[maxStages + 1]uint32, value string, i int) {
	for k := 1; k < len(f.stages); k++ {
		d := f.stages[k]
		if state[k] == d.start[0] {
			continue
		}
		class := uint32(d.ascii[value[i]])
		if class == beyond {
			class, _ = d.over(value, i)
		}
		state[k] = d.to(state[k], class)
	}
}

// tell passes on where matches of the parts end, and reports whether one of the last stage does.
func (f *feed) tell(state *[maxStages + 1]uint32, kind int) bool {
	ends := false
	for k, d := range f.stages {
		if ends {
			state[k] = d.to(state[k], uint32(d.n+kind))
		}
		ends = state[k] < d.wins
	}
	return ends
}

// flow is where the last parts of a cascade are in a value.
type flow struct {
	*cascade
	final [maxFinals + 1]uint32
	now   [maxCounts][maxCounting]uint64
	alive uint64 // those that something has begun in
	out   [maxCounting]uint64
	tried [maxCounting]uint64
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
