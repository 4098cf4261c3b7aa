package match

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// use is where a word of the filter counts.
type use struct {
	unit   int32 // or, of a list of words, -1-pattern
	clause uint8
	anchor bool
}

// compiled is one pattern of a set.
type compiled struct {
	*part
	kind Kind
	from int // its units are Set.units[from:to]
	to   int
}

// Set is many compiled patterns. It is immutable.
type Set struct {
	patterns []compiled
	units    []unit
	filter   *filter
	uses     [][]use // of each word
	anchors  []bool  // of each word: some unit is anchored to it
	folded   [2]uint32
	loose    []int32  // units without words
	owners   []int32  // of each unit: its pattern; here and in leasts closely packed, for they are asked for every value
	leasts   []int32  // of each unit: the bytes of its shortest match
	standing []uint64 // units that need nothing at all, so that they are candidates always
	assumed  Bits     // the patterns of those, and those that match every value
	fixed    []uint64 // loose units by number in loose: those that a kind does not decide, for each of the masks
	byKind   [3][kindBits][]uint64
	asked    [3]uint64 // kinds that some loose unit needs
	feeds    []feed    // what the cascades of units share
	always   Bits      // patterns that match every value
	memory   int64
	key      digest // in its cache
}

// defaults of Limits.
const (
	defaultStates = 4096
	defaultMemory = 64 << 20
)

// New compiles patterns. errs has one entry for each pattern that cannot be compiled; then the set is nil. Those who make more than one set
// use a [Cache].
func New(patterns []Pattern, l Limits) (s *Set, errs []PatternError) {
	return NewCache().New(patterns, l)
}

// make compiles patterns, on all processors. l is complete.
func (c *Cache) make(patterns []Pattern, l Limits) (s *Set, errs []PatternError) {
	parts, errs := c.compile(patterns, l)
	if errs != nil {
		return nil, errs
	}
	s = emptySet(len(patterns))
	for i, p := range parts {
		if s.memory += p.memory; s.memory > l.Memory {
			return nil, []PatternError{{i, fmt.Errorf("keep patterns: up to this one they take %d KiB, more than the %d KiB that a program may: leave rules out, or shorten them", s.memory>>10, l.Memory>>10)}}
		}
		s.add(i, p)
	}
	s.memory += feedMemory(s.feeds)
	return s, nil
}

// compile compiles each pattern by itself.
func (c *Cache) compile(patterns []Pattern, l Limits) (parts []*part, errs []PatternError) {
	parts = make([]*part, len(patterns))
	faults := make([]error, len(patterns))
	builders := make([]*builder, min(runtime.GOMAXPROCS(0), 1+len(patterns)/fewPatterns))
	var next atomic.Int32
	var wg sync.WaitGroup
	for k := range builders {
		b := &builder{limit: l.States, cache: map[built]*dfa{}, shared: c}
		builders[k] = b // what it has built must stay until all are done: others look for it
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(patterns); i = int(next.Add(1)) - 1 {
				parts[i], faults[i] = b.part(&patterns[i])
			}
		})
	}
	wg.Wait()
	runtime.KeepAlive(builders)
	for i, err := range faults {
		if err != nil {
			errs = append(errs, PatternError{Index: i, Err: err})
		}
	}
	return parts, errs
}

// fewPatterns are not worth a goroutine.
const fewPatterns = 8

// leave drops what only a look for candidates needs.
func (s *Set) leave() { s.filter, s.uses, s.anchors = nil, nil, nil }

// emptySet returns a set with room for n patterns.
func emptySet(n int) *Set {
	s := &Set{filter: newFilter(), patterns: make([]compiled, n), always: make(Bits, (n+63)/64)}
	// Two characters fold to ASCII letters: a value with one of them is looked at once more, with the letters in their places.
	s.folded = [2]uint32{s.filter.add("\xe2\x84\xaa"), s.filter.add("\xc5\xbf")}
	return s
}

// add makes p pattern i.
func (s *Set) add(i int, p *part) {
	c := compiled{part: p, from: len(s.units)}
	if p.words != nil {
		c.kind = Words
		if p.words.empty {
			s.always[i>>6] |= 1 << (i & 63)
		}
		for _, w := range p.least {
			s.use(w, use{unit: int32(-1 - i)})
		}
	}
	for _, u := range p.units {
		u.pattern = i
		for k, words := range u.words {
			if !u.loose {
				u.needs |= 1 << k
			}
			for _, w := range words {
				s.use(w, use{unit: int32(len(s.units)), clause: 1 << k})
			}
		}
		for _, w := range u.anchor {
			s.use(w, use{unit: int32(len(s.units)), anchor: true})
		}
		if u.auto.c != nil {
			u.feed = s.feed(u.auto.c.stages)
		}
		u.words, u.anchor = nil, nil
		s.units = append(s.units, u)
	}
	c.to = len(s.units)
	s.patterns[i] = c
}

// feed returns the number of the feed with these stages.
func (s *Set) feed(stages []*dfa) int {
	n := slices.IndexFunc(s.feeds, func(f feed) bool { return slices.Equal(f.stages, stages) })
	if n < 0 {
		n = len(s.feeds)
		s.feeds = append(s.feeds, newFeed(stages))
	}
	return n
}

func (s *Set) use(word string, u use) {
	n := int(s.filter.add(word))
	for len(s.uses) <= n {
		s.uses = append(s.uses, nil)
		s.anchors = append(s.anchors, false)
	}
	s.anchors[n] = s.anchors[n] || u.anchor
	if k := slices.IndexFunc(s.uses[n], func(v use) bool { return v.unit == u.unit }); k >= 0 {
		s.uses[n][k].clause |= u.clause
		s.uses[n][k].anchor = s.uses[n][k].anchor || u.anchor
		return
	}
	s.uses[n] = append(s.uses[n], u)
}

// arrange builds the tables, and orders the units without words by the kinds of bytes that they need.
func (s *Set) arrange() {
	s.filter.seal()
	for len(s.uses) < len(s.filter.words) {
		s.uses, s.anchors = append(s.uses, nil), append(s.anchors, false)
	}
	s.standing, s.assumed = make([]uint64, (len(s.units)+63)/64), slices.Clone(s.always)
	for i := range s.units {
		s.owners = append(s.owners, int32(s.units[i].pattern))
		s.leasts = append(s.leasts, int32(min(s.units[i].least, math.MaxInt32)))
		if s.units[i].stands() {
			p := s.units[i].pattern
			s.standing[i>>6] |= 1 << (i & 63)
			s.assumed[p>>6] |= 1 << (p & 63)
			continue
		}
		if s.units[i].loose {
			s.units[i].place = int32(len(s.loose))
			s.loose = append(s.loose, int32(i))
		}
	}
	n := (len(s.loose) + 63) / 64
	s.fixed = make([]uint64, 3*n)
	for m := range s.byKind {
		for k := range s.byKind[m] {
			s.byKind[m][k] = make([]uint64, n)
		}
		for i, u := range s.loose {
			mask := s.units[u].masks[m]
			if mask == ^uint64(0) {
				s.fixed[m*n+i>>6] |= 1 << (i & 63)
				continue
			}
			s.asked[m] |= mask &^ (foldMask | soleBit)
			for k := range kindBits {
				if mask>>(kindShift+k)&1 != 0 {
					s.byKind[m][k][i>>6] |= 1 << (i & 63)
				}
			}
		}
	}
	s.memory += s.filter.memory + int64(len(s.uses))*40 + int64(len(s.units))*160
}

// Words returns how many words a Bits of this set has.
func (s *Set) Words() int { return (len(s.patterns) + 63) / 64 }

// Memory is how many bytes the set holds.
func (s *Set) Memory() int64 { return s.memory }
