package match

import "math"

// maxWords is how many words Find returns at most.
const maxWords = 10

// Find returns the leftmost match of pattern i in value and its groups, as pairs of offsets, -1 for a group that took no part, appended to dst;
// nil where there is none. Of Words: up to ten words that occur, leftmost and longest first, one pair each.
// A byte costs up to FindCost: x.Spend is told of the steps.
func (s *Set) Find(x *Scratch, i int, value string, dst []int) []int {
	p := &s.patterns[i]
	if p.kind == Words {
		return s.findWords(p, value, dst)
	}
	at, _, ok := s.begin(p, value)
	if !ok {
		return nil
	}
	if p.led {
		at = 0
	}
	x.pike.spend, x.pike.limit = x.Spend, math.MaxInt
	return x.pike.find(p.run, p.groups, value, at, len(value), dst)
}

// FindNear is Find for those who only show what matched: it looks at most bytes of value with the eyes of Find, around the end of the
// earliest match where that is known. It finds nothing in long values whose match lies elsewhere or is longer, nor what takes more than
// nearSteps for each of the most bytes.
func (s *Set) FindNear(x *Scratch, i int, value string, most int, dst []int) []int {
	p := &s.patterns[i]
	if p.kind == Words {
		return s.findWords(p, value, dst)
	}
	at, end, ok := s.begin(p, value)
	if !ok {
		return nil
	}
	switch {
	case len(value) <= most && p.led:
		at = 0
	case len(value) <= most:
	case p.led || end-at > most/2:
		at = align(value, max(0, end-most/2))
	}
	x.pike.spend, x.pike.limit = x.Spend, nearSteps*most
	return x.pike.find(p.run, p.groups, value, at, min(len(value), at+most), dst)
}

// nearSteps is how many steps FindNear takes for each byte that it may look at, at most.
const nearSteps = 200

// FindCost is the bound of the time that Find takes for a value that pattern i matches, in nanoseconds a byte as Cost: no word is dearer
// than its bytes, any other pattern may have a thread at each of its instructions.
func (s *Set) FindCost(i int) float64 {
	p := &s.patterns[i]
	if p.kind == Words {
		return costPass
	}
	return costThread * float64(len(p.run.steps)) * float64(1+2*(p.groups+1)/8)
}

// costThread is what a step of Find costs, in nanoseconds.
const costThread = 8

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

// begin returns a place before which no match of p begins, unless p.led, where the earliest ends as far as that is known, and whether one can be at all.
func (s *Set) begin(p *compiled, value string) (at, end int, ok bool) {
	at, end = len(value), len(value)
	for u := p.from; u < p.to; u++ {
		t := &s.units[u]
		if t.auto.d == nil {
			return 0, 0, true
		}
		if first, last, found := t.auto.d.last(value, 0); found {
			at, end, ok = min(at, first), min(end, last), true
		}
	}
	return at, end, ok
}
