package match

import (
	"math/bits"
	"slices"
)

// Scratch is what Scan and Find need besides; each goroutine its own. It belongs to the set that it was used with last.
type Scratch struct {
	set   *Set
	gen   uint32
	seen  []uint32 // of each word: the generation in which it was found
	list  []uint32 // words found
	plain int      // so many of them in the value as it is
	hits  []hit    // where words that units are anchored to end, in order
	most  int      // so many of them are kept
	flood bool     // there are more: units look at the whole value
	got   []progress
	cand  []uint64 // units that can match
	value []byte   // of the last pass
	valid bool

	heads  []int32 // of each unit: its first hit in chain, or 0
	tails  []int32
	chain  []link
	used   []int32 // units with a chain
	chains bool

	runs []run  // of verify
	turn uint64 // of verify
	ends []places

	block block
	fold  []byte
	moved []move
	loose [3][]uint64
	frame frames
	pike  machine

	// Spend is told of the steps that Find takes, some thousands at a time: it may end Find by a panic. nil: nobody is told.
	Spend func(steps int)
}

// places are what a feed found in its turn.
type places struct {
	turn   uint64
	places []int32
}

type hit struct {
	word uint32
	end  int32
}

type progress struct {
	gen uint32
	got uint8
}

type link struct{ end, next int32 }

// move says by how much places in a folded copy lie before those in the value, from a place of the copy on.
type move struct{ at, by int }

func (x *Scratch) found(word uint32, end int) {
	if x.seen[word] != x.gen {
		x.seen[word] = x.gen
		x.list = append(x.list, word)
	}
	if x.set.anchors[word] && !x.flood {
		if len(x.hits) == x.most {
			x.flood, x.hits = true, cutBack(x.hits, 8)
			return
		}
		if len(x.hits) == cap(x.hits) && len(x.hits) >= keepScratch/8 {
			x.hits = append(make([]hit, 0, x.most), x.hits...)
		}
		x.hits = append(x.hits, hit{word, int32(end)})
	}
}

func (x *Scratch) begin(s *Set) {
	if x.set != s {
		*x = Scratch{
			turn: x.turn, set: s, seen: make([]uint32, len(s.filter.words)), got: make([]progress, len(s.units)),
			cand: make([]uint64, (len(s.units)+63)/64), heads: make([]int32, len(s.units)), tails: make([]int32, len(s.units)),
			ends:  make([]places, len(s.feeds)),
			value: x.value, fold: x.fold, frame: x.frame, Spend: x.Spend,
			runs: x.runs, // of Alone, whatever set comes next
		}
		for i := range x.loose {
			x.loose[i] = make([]uint64, (len(s.loose)+63)/64)
		}
	}
	if x.gen++; x.gen == 0 { // went round: forget what the first generations left
		clear(x.seen)
		clear(x.got)
		x.gen = 1
	}
	for _, u := range x.used {
		x.heads[u] = 0
	}
	x.list, x.hits, x.used, x.chain, x.chains, x.valid = x.list[:0], x.hits[:0], x.used[:0], x.chain[:0], false, false
}

// pass finds the units that can match value.
func (s *Set) pass(x *Scratch, value string) {
	x.begin(s)
	x.flood, x.most = false, mostHits(value)
	kinds := s.filter.pass(x, value)
	x.plain = len(x.list)
	if x.plain > 0 && (x.seen[s.folded[0]] == x.gen || x.seen[s.folded[1]] == x.gen) {
		kinds |= s.again(x, value)
	}
	s.loosely(x, kinds)
	for _, w := range x.list {
		for _, u := range s.uses[w] {
			if u.unit < 0 || u.clause == 0 {
				continue
			}
			t := &s.units[u.unit]
			if t.loose {
				for m := range x.loose {
					x.loose[m][t.place>>6] |= uint64(u.clause>>m&1) << (t.place & 63)
				}
				continue
			}
			p := &x.got[u.unit]
			if p.gen != x.gen {
				*p = progress{gen: x.gen}
			}
			p.got |= u.clause
			if p.got == t.needs && len(value) >= t.least && kinds&t.masks[0] != 0 && kinds&t.masks[1] != 0 && kinds&t.masks[2] != 0 {
				x.cand[u.unit>>6] |= 1 << (u.unit & 63)
			}
		}
	}
	for i := range x.loose[0] {
		for rest := x.loose[0][i] & x.loose[1][i] & x.loose[2][i]; rest != 0; rest &= rest - 1 {
			u := s.loose[i<<6|bits.TrailingZeros64(rest)]
			if int32(len(value)) >= s.leasts[u] {
				x.cand[u>>6] |= 1 << (u & 63)
			}
		}
	}
	x.value = append(x.value[:0], value...)
	x.valid = true
}

// loosely finds what the units that are loose have of what they need by the kinds of bytes alone, and clears all candidates.
func (s *Set) loosely(x *Scratch, kinds uint64) {
	copy(x.cand, s.standing)
	w := len(x.loose[0])
	for m := range x.loose {
		acc := x.loose[m]
		copy(acc, s.fixed[m*w:])
		for rest := kinds & s.asked[m]; rest != 0; rest &= rest - 1 {
			for i, b := range s.byKind[m][bits.TrailingZeros64(rest)-kindShift] {
				acc[i] |= b
			}
		}
	}
}

// again goes over a copy of value in which the characters that fold to ASCII letters are those letters.
func (s *Set) again(x *Scratch, value string) (kinds uint64) {
	x.fold, x.moved = x.fold[:0], x.moved[:0]
	by := 0
	for i := 0; i < len(value); {
		b, n := value[i], 1
		switch {
		case b == 0xe2 && len(value)-i >= 3 && value[i:i+3] == "\xe2\x84\xaa":
			b, n = 'k', 3
		case b == 0xc5 && len(value)-i >= 2 && value[i+1] == 0xbf:
			b, n = 's', 2
		}
		x.fold = append(x.fold, b)
		if i += n; n > 1 {
			by += n - 1
			x.moved = append(x.moved, move{len(x.fold), by})
		}
	}
	first := len(x.hits)
	kinds = s.filter.pass(x, string(x.fold))
	m := 0
	for i := first; i < len(x.hits); i++ {
		h := &x.hits[i]
		for m < len(x.moved) && x.moved[m].at <= int(h.end) {
			m++
		}
		if m > 0 {
			h.end += int32(x.moved[m-1].by)
		}
	}
	slices.SortStableFunc(x.hits, func(a, b hit) int { return int(a.end - b.end) })
	return kinds
}

// Candidates sets in may every pattern that can match value or any value that differs from it only in the case of ASCII letters; patterns that
// are certain not to match are cleared. One pass over value, whatever the number of patterns.
func (s *Set) Candidates(x *Scratch, value string, may Bits) {
	s.pass(x, value)
	copy(may, s.assumed)
	for i, w := range x.cand {
		for w &^= s.standing[i]; w != 0; w &= w - 1 {
			p := s.owners[i<<6|bits.TrailingZeros64(w)]
			may[p>>6] |= 1 << (p & 63)
		}
	}
	for _, w := range x.list[:x.plain] {
		for _, u := range s.uses[w] {
			if u.unit < 0 {
				p := -1 - u.unit
				may[p>>6] |= 1 << (p & 63)
			}
		}
	}
}

// Scan sets in hits the patterns among want that match value, and clears the others of want. Bits outside want are left alone.
func (s *Set) Scan(x *Scratch, value string, want, hits Bits) {
	s.pass(x, value)
	s.verify(x, value, want, hits)
	x.Settle()
}

// Verify is Scan for a value whose Candidates are known: want must be a subset of them. It is cheapest directly after Candidates of the
// value, or of one that differs from it only in the case of ASCII letters, with the same x. hits is complete, and need not stay where it is any
// more, from the next Settle on.
func (s *Set) Verify(x *Scratch, value string, want, hits Bits) {
	if x.set != s || !x.valid || !foldsTo(x.value, value) {
		s.pass(x, value)
	}
	s.verify(x, value, want, hits)
}

// foldsTo reports whether two values are the same but for the case of ASCII letters.
func foldsTo(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	if string(a) == b {
		return true
	}
	for i, c := range a {
		if c != b[i] && lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

func (s *Set) verify(x *Scratch, value string, want, hits Bits) {
	x.turn++
	for i, w := range want {
		hits[i] &^= w
		if w == 0 {
			continue
		}
		hits[i] |= w & s.always[i]
		for w &^= s.always[i]; w != 0; w &= w - 1 {
			p := &s.patterns[i<<6|bits.TrailingZeros64(w)]
			at := len(x.runs)
			for u := p.from; u < p.to; u++ {
				if x.cand[u>>6]>>(u&63)&1 == 0 {
					continue
				}
				if s.wholly(x, u) && len(value) >= lanesFrom {
					x.runs = append(x.runs, run{s.units[u].auto.d, value, hits, int32(i<<6 | bits.TrailingZeros64(w))})
				} else if s.run(x, u, value) {
					hits[i] |= w & -w
					clear(x.runs[at:]) // of parts of the same pattern
					x.runs = x.runs[:at]
					break
				}
			}
		}
	}
	for _, w := range x.list[:x.plain] {
		for _, u := range s.uses[w] {
			if u.unit < 0 {
				p := -1 - u.unit
				hits[p>>6] |= want[p>>6] & (1 << (p & 63))
			}
		}
	}
}

// wholly reports whether unit u is an automaton that goes over the whole value.
func (s *Set) wholly(x *Scratch, u int) bool {
	t := &s.units[u]
	return t.auto.d != nil && t.auto.d.wide == nil && (t.far < 0 || !s.link(x))
}

// run reports whether unit u matches value, a candidate of the last pass.
func (s *Set) run(x *Scratch, u int, value string) bool {
	t := &s.units[u]
	switch {
	case t.auto.r != nil:
		return t.auto.r.MatchString(characters(value, t.binary))
	case t.auto.c != nil:
		return t.auto.c.matches(value, s.ends(x, t.feed, value))
	case t.auto.p != nil:
		if matched, ok := pair(t.auto.p, t.auto.q, value, maxReads*len(value)+256); ok {
			return matched
		}
		_, ok := t.auto.m.run(&x.frame, value, 0, len(value))
		return ok
	case (t.far < 0 || !s.link(x)) && t.auto.d != nil:
		return t.auto.d.matches(value)
	case t.far < 0 || x.flood:
		_, ok := t.auto.m.run(&x.frame, value, 0, len(value))
		return ok
	}
	at := 0
	for i := x.heads[u]; i != 0; i = x.chain[i-1].next {
		end := int(x.chain[i-1].end)
		if end <= at && i != x.heads[u] {
			continue
		}
		from := max(at, end-t.far)
		if !t.binary {
			from = align(value, from)
		}
		ok := false
		if d := t.auto.d; d != nil {
			var state uint32
			at, state = d.run(value, from, end, d.start[before(value, from)])
			if state == d.dead {
				return false
			}
			ok = state == 0 || at == len(value) && d.final[state/d.stride]
		} else {
			at, ok = t.auto.m.run(&x.frame, value, from, end)
		}
		if ok {
			return true
		}
	}
	return false
}

// ends returns the places that a feed finds in the value that is being verified.
func (s *Set) ends(x *Scratch, feed int, value string) []int32 {
	e := &x.ends[feed]
	if e.turn != x.turn {
		if len(value) > keepScratch {
			x.dropPlaces()
		}
		e.turn = x.turn
		e.places = s.feeds[feed].ends(value, e.places[:0])
	}
	return e.places
}

// link gives each unit the places where the words that it is anchored to end. It reports false where these are too many to be kept.
func (s *Set) link(x *Scratch) bool {
	if x.chains || x.flood {
		return !x.flood
	}
	x.chains = true
	for _, h := range x.hits {
		for _, u := range s.uses[h.word] {
			if !u.anchor || x.cand[u.unit>>6]>>(u.unit&63)&1 == 0 {
				continue
			}
			if len(x.chain) == 2*x.most {
				x.flood, x.chain = true, cutBack(x.chain, 8)
				return false
			}
			x.chain = append(x.chain, link{end: h.end})
			n := int32(len(x.chain))
			if x.heads[u.unit] == 0 {
				x.heads[u.unit] = n
				x.used = append(x.used, u.unit)
			} else {
				x.chain[x.tails[u.unit]-1].next = n
			}
			x.tails[u.unit] = n
		}
	}
	return true
}

// characters returns value as text whose characters are its bytes, where binary.
func characters(value string, binary bool) string {
	if !binary {
		return value
	}
	out := make([]rune, len(value))
	for i := range len(value) {
		out[i] = rune(value[i])
	}
	return string(out)
}
