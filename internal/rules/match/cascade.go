package match

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// cascade matches a sequence whose automaton would be too large: its parts have one each, which run side by side. Where a match of one part
// ends, the next is told that one of its own begins. The states of the parts add up, where those of the whole multiply.
type cascade struct {
	stages []*dfa
	finals []*dfa        // of the last part, of which one must match
	counts []*simulation // the same, where they count, so that they have too many states
}

// Bounds of a cascade, and the size from which a part of a sequence gets an automaton by itself.
const (
	maxStages = 6
	maxFinals = 32
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
	if len(pieces) < 2 || len(pieces) > maxStages {
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
	if d, ok := b.automaton(re, binary, last, limit); ok {
		c.finals = append(c.finals, d)
		return len(c.finals) <= maxFinals
	}
	if divides {
		return len(c.finals) < maxFinals && b.final(c, x, binary) && b.final(c, y, binary)
	}
	if n, ok := program(re, binary); ok && n.words <= maxCounting && len(c.counts) < maxCounts {
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

// flow is where the parts of a cascade are in a value.
type flow struct {
	*cascade
	stage [maxStages + 1]uint32
	final [maxFinals + 1]uint32
	now   [maxCounts][maxCounting]uint64
	alive [maxCounts]bool
	out   [maxCounting]uint64
	tried [maxCounting]uint64
	kind  int // of the character before
}

// matches reports whether the pattern occurs in value.
func (c *cascade) matches(value string) bool {
	f := flow{cascade: c, kind: kindText}
	for k, d := range c.stages {
		f.stage[k] = d.start[kindText]
	}
	for k, d := range c.finals {
		f.final[k] = d.start[0]
	}
	if f.tell() {
		return true
	}
	first := c.stages[0]
	skip := first.sole >= first.wins
	for i := 0; i < len(value); {
		if skip && f.stage[0] == first.sole && f.still() {
			for !first.leaves[value[i]] {
				if i++; i == len(value) {
					return f.ended()
				}
			}
			f.kind = before(value, i)
		}
		n := f.step(value, i)
		if n == 0 || f.tell() {
			return true
		}
		i += n
	}
	return f.ended()
}

// still reports whether nothing has begun in any part but the first.
func (f *flow) still() bool {
	for k := 1; k < len(f.stages); k++ {
		if f.stage[k] != f.stages[k].start[0] {
			return false
		}
	}
	for k, d := range f.finals {
		if f.final[k] != d.start[0] {
			return false
		}
	}
	return f.alive == [maxCounts]bool{}
}

// step moves all parts over the character at i and returns its length, 0 where the last part has matched.
func (f *flow) step(value string, i int) (n int) {
	n = 1
	b := value[i]
	for k, d := range f.stages {
		if k > 0 && f.stage[k] == d.start[0] {
			continue
		}
		class := uint32(d.ascii[b])
		if class == beyond {
			class, n = d.over(value, i)
		}
		f.stage[k] = d.to(f.stage[k], class)
	}
	for k, d := range f.finals {
		if f.final[k] == d.start[0] {
			continue
		}
		class := uint32(d.ascii[b])
		if class == beyond {
			class, _ = d.over(value, i)
		}
		if f.final[k] = d.to(f.final[k], class); f.final[k] < d.wins {
			return 0
		}
	}
	ahead := kindOf(b)
	for k, m := range f.counts {
		if f.alive[k] && f.count(k, m, value, i, ahead) {
			return 0
		}
	}
	f.kind = ahead
	return n
}

// count moves one that counts over the character at i and reports whether it has matched.
func (f *flow) count(k int, m *simulation, value string, i, ahead int) bool {
	now, next := f.now[k][:m.words], [maxCounting]uint64{}
	if m.resolve(now, f.kind, ahead, f.out[:m.words], f.tried[:m.words]) != 0 {
		return true
	}
	class := uint32(m.ascii[value[i]])
	if class == beyond {
		r, _ := utf8.DecodeRuneInString(value[i:])
		class = uint32(m.lookup(r))
	}
	m.advance(f.out[:m.words], next[:m.words], class, ahead)
	copy(now, next[:])
	f.alive[k] = next != [maxCounting]uint64{}
	return now[m.words-1] != 0
}

// tell passes on where matches of the parts end. It reports whether one of the last has matched by that.
func (f *flow) tell() bool {
	ends := false
	for k, d := range f.stages {
		if ends {
			f.stage[k] = d.to(f.stage[k], uint32(d.n+f.kind))
		}
		ends = f.stage[k] < d.wins
	}
	if !ends {
		return false
	}
	for k, d := range f.finals {
		if f.final[k] = d.to(f.final[k], uint32(d.n+f.kind)); f.final[k] < d.wins {
			return true
		}
	}
	for k, m := range f.counts {
		orWords(f.now[k][:m.words], m.start[f.kind])
		f.alive[k] = true
		if f.now[k][m.words-1] != 0 {
			return true
		}
	}
	return false
}

// ended reports whether a match ends with the value.
func (f *flow) ended() bool {
	for k, d := range f.finals {
		if d.final[f.final[k]/d.stride] {
			return true
		}
	}
	for k, m := range f.counts {
		if f.alive[k] && m.resolve(f.now[k][:m.words], f.kind, kindText, f.out[:m.words], f.tried[:m.words]) != 0 {
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
