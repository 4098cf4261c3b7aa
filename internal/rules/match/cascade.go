package match

import (
	"regexp/syntax"
	"slices"
)

// cascade matches a sequence whose automaton would be too large: its parts have one each, which run side by side. Where a match of one part
// ends, the next is told that one of its own begins. The states of the parts add up, where those of the whole multiply.
type cascade struct {
	stages []*dfa
	finals []*dfa // of the last part, of which one must match
}

// Bounds of a cascade, and the size from which a part of a sequence gets an automaton by itself.
const (
	maxStages = 6
	maxFinals = 24
	ownSize   = 60
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
	d, ok := b.automaton(sequence(part), binary, how)
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

// final adds the automata of the last part.
func (b *builder) final(c *cascade, re *syntax.Regexp, binary bool) bool {
	if d, ok := b.automaton(re, binary, last); ok {
		c.finals = append(c.finals, d)
		return len(c.finals) <= maxFinals
	}
	x, y, ok := divideRegexp(re)
	return ok && len(c.finals) < maxFinals && b.final(c, x, binary) && b.final(c, y, binary)
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

// matches reports whether the pattern occurs in value.
func (c *cascade) matches(value string) bool {
	var stage [maxStages]uint32
	var final [maxFinals + 1]uint32
	for k, d := range c.stages {
		stage[k] = d.start[kindText]
	}
	for k, d := range c.finals {
		final[k] = d.start[0]
	}
	first := c.stages[0]
	if c.tell(&stage, &final, kindText) {
		return true
	}
	skip := first.sole >= first.wins
	for i := 0; i < len(value); {
		if skip && stage[0] == first.sole && c.still(&stage, &final) {
			for !first.leaves[value[i]] {
				if i++; i == len(value) {
					return c.ended(&final)
				}
			}
		}
		n := c.step(&stage, &final, value, i)
		if n == 0 || c.tell(&stage, &final, kindOf(value[i])) {
			return true
		}
		i += n
	}
	return c.ended(&final)
}

// still reports whether nothing has begun in any part but the first.
func (c *cascade) still(stage *[maxStages]uint32, final *[maxFinals + 1]uint32) bool {
	for k := 1; k < len(c.stages); k++ {
		if stage[k] != c.stages[k].start[0] {
			return false
		}
	}
	for k, d := range c.finals {
		if final[k] != d.start[0] {
			return false
		}
	}
	return true
}

// step moves all parts over the character at i and returns its length, 0 where the last part has matched.
func (c *cascade) step(stage *[maxStages]uint32, final *[maxFinals + 1]uint32, value string, i int) (n int) {
	n = 1
	b := value[i]
	for k, d := range c.stages {
		if k > 0 && stage[k] == d.start[0] {
			continue
		}
		class := uint32(d.ascii[b])
		if class == beyond {
			class, n = d.over(value, i)
		}
		stage[k] = d.to(stage[k], class)
	}
	for k, d := range c.finals {
		if final[k] == d.start[0] {
			continue
		}
		class := uint32(d.ascii[b])
		if class == beyond {
			class, _ = d.over(value, i)
		}
		if final[k] = d.to(final[k], class); final[k] < d.wins {
			return 0
		}
	}
	return n
}

// tell passes on where matches of the parts end. It reports whether one of the last has matched by that.
func (c *cascade) tell(stage *[maxStages]uint32, final *[maxFinals + 1]uint32, kind int) bool {
	ends := false
	for k, d := range c.stages {
		if ends {
			stage[k] = d.to(stage[k], uint32(d.n+kind))
		}
		ends = stage[k] < d.wins
	}
	if !ends {
		return false
	}
	for k, d := range c.finals {
		if final[k] = d.to(final[k], uint32(d.n+kind)); final[k] < d.wins {
			return true
		}
	}
	return false
}

// ended reports whether a match ends with the value.
func (c *cascade) ended(final *[maxFinals + 1]uint32) bool {
	for k, d := range c.finals {
		if d.final[final[k]/d.stride] {
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
	return n
}
