package match

import (
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
)

// unit is an automaton with what must be in a value for it to run at all. A pattern has one, or several, of which one must match.
type unit struct {
	pattern int
	auto    automaton
	binary  bool
	least   int       // bytes of the shortest match
	masks   [3]uint64 // kinds of bytes: of each a value must have one; all bits where there is nothing to demand
	needs   uint8     // a bit for each clause of words
	loose   bool      // no clause of words alone is rare enough: masks and words say together what is needed
	place   int32     // of a loose unit: its number among them
	feed    int       // of a cascade: its feed in the set
	far     int       // where the words of the anchor begin a match at most so many bytes before they end; -1: there is no anchor
	words   [][]string
	anchor  []string
}

// automaton is one of five: the first that the pattern fits.
type automaton struct {
	d *dfa
	p *dfa // with q: what comes before it
	q *dfa
	c *cascade
	m *simulation // by itself, or where p and q have read too much
	r *regexp.Regexp
}

// Bounds of a unit.
const (
	largeSize    = 1200 // of an expression from which on a cascade is tried before all else
	maxParts     = 48   // automata that one pattern is divided into
	minBits      = 8.0  // rarity below which a clause is no help
	maxClauses   = 3
	maxSimulated = 64 // words of positions of a simulation
	maxReads     = 16 // bytes that q may read for each byte of the value
)

// builder makes the units of patterns.
type builder struct {
	limit  int
	parts  int
	mem    buffers
	cache  map[built]*dfa // parts of expressions that many patterns share; nil for what cannot be built
	shared *Cache
}

// built names an automaton.
type built struct {
	text   string
	binary bool
	how    mode
	limit  int
}

// key names b for other sets.
func (b built) key() digest {
	text := binary.AppendVarint([]byte{byte(b.how)}, int64(b.limit))
	return sha256.Sum256(append(strconv.AppendBool(text, b.binary), b.text...))
}

// units builds what finds out whether re occurs.
func (b *builder) units(re *syntax.Regexp, binary bool) (out []unit, led bool, err error) {
	re, led = trim(re)
	b.parts = 1
	out, err = b.divide(re, binary, b.limit)
	return out, led, err
}

// divide builds units of at most limit states each, less for the parts of what had too many.
func (b *builder) divide(re *syntax.Regexp, binary bool, limit int) ([]unit, error) {
	length := size(re)
	if length > largeSize {
		if c, ok := b.cascade(re, binary, 2); ok {
			return []unit{newUnit(re, automaton{c: c}, binary)}, nil
		}
	}
	x, y, divides := divideRegexp(re)
	divides = divides && b.parts < maxParts
	if divides && length > b.limit { // it would not fit: spare the attempt
		return b.halves(x, y, binary, b.limit)
	}
	n, fits := positions(re, binary)
	if fits {
		if !divides {
			limit = b.limit
		}
		if d, ok := newDFA(n, limit, occurs, &b.mem); ok {
			return []unit{newUnit(re, automaton{d: d}, binary)}, nil
		}
		if c, ok := b.cascade(re, binary, 1); ok {
			return []unit{newUnit(re, automaton{c: c}, binary)}, nil
		}
		if a, ok := b.pair(re, n, binary); ok {
			return []unit{newUnit(re, a, binary)}, nil
		}
	}
	switch {
	case divides:
		return b.halves(x, y, binary, max(limit/2, smallStates))
	case fits && n.words <= maxSimulated:
		return []unit{newUnit(re, automaton{m: newSimulation(n)}, binary)}, nil
	}
	r, err := regexp.Compile(re.String())
	return []unit{newUnit(re, automaton{r: r}, binary)}, err
}

// halves builds the units of two expressions, of which one must match.
func (b *builder) halves(x, y *syntax.Regexp, binary bool, limit int) ([]unit, error) {
	b.parts++
	x, _ = trim(x)
	y, _ = trim(y)
	first, err := b.divide(x, binary, limit)
	if err != nil {
		return nil, err
	}
	second, err := b.divide(y, binary, limit)
	return append(first, second...), err
}

// pair makes two automata of a sequence: one that finds all ends of its front, and one for what follows there.
func (b *builder) pair(re *syntax.Regexp, whole *nfa, binary bool) (a automaton, ok bool) {
	if re.Op != syntax.OpConcat || whole == nil || whole.words > maxSimulated {
		return a, false
	}
	for k := len(re.Sub) - 1; k > 0; k-- {
		if !divisible(re.Sub[k]) {
			continue
		}
		front := &syntax.Regexp{Op: syntax.OpConcat, Sub: re.Sub[:k]}
		rest := &syntax.Regexp{Op: syntax.OpConcat, Sub: re.Sub[k:]}
		p, okP := b.automaton(front, binary, ends, b.limit)
		if !okP || p.start[kindText] < p.wins {
			continue
		}
		if q, okQ := b.automaton(rest, binary, here, b.limit); okQ {
			return automaton{p: p, q: q, m: newSimulation(whole)}, true
		}
	}
	return a, false
}

func (b *builder) automaton(re *syntax.Regexp, binary bool, how mode, limit int) (*dfa, bool) {
	key := built{text: string(spell(nil, re)), binary: binary, how: how, limit: limit}
	if d, ok := b.cache[key]; ok {
		return d, d != nil
	}
	name := key.key()
	making := &b.shared.making[name[0]%stripes] // who wants the same waits, so that there is one of each
	making.Lock()
	defer making.Unlock()
	d := b.shared.automata.get(name)
	b.cache[key] = d
	if d != nil {
		return d, true
	}
	n, ok := positions(re, binary)
	if !ok || (how == ends || how == passes) && n.late() {
		return nil, false
	}
	if d, ok = newDFA(n, limit, how, &b.mem); ok {
		b.cache[key] = d
		b.shared.automata.put(name, d)
	}
	return d, ok
}

// positions makes the positions of a part of an expression.
func positions(re *syntax.Regexp, binary bool) (n *nfa, ok bool) {
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, false
	}
	return newNFA([]*syntax.Prog{prog}, binary)
}

// spell writes a tree down: two that are spelt alike match alike.
func spell(dst []byte, re *syntax.Regexp) []byte {
	dst = append(dst, byte(re.Op), byte(re.Flags&syntax.FoldCase))
	for _, n := range []int{re.Min, re.Max, len(re.Rune), len(re.Sub)} {
		dst = binary.AppendVarint(dst, int64(n))
	}
	for _, r := range re.Rune {
		dst = binary.AppendVarint(dst, int64(r))
	}
	for _, s := range re.Sub {
		dst = spell(dst, s)
	}
	return dst
}

// newUnit finds out what a value needs for re to occur in it.
func newUnit(re *syntax.Regexp, auto automaton, binary bool) unit {
	f := analyser{bytes: binary}.of(re)
	f.clauses = slices.Concat(f.all(), analyser{bytes: binary, evade: true}.of(re).all())
	u := unit{auto: auto, binary: binary, least: f.min, far: unbound}
	slices.SortStableFunc(f.clauses, func(a, b clause) int {
		switch {
		case a.bits > b.bits:
			return -1
		case a.bits < b.bits:
			return 1
		}
		return 0
	})
	kinds := newFilter()
	for i := range u.masks {
		u.masks[i] = ^uint64(0)
	}
	masks := 0
	for _, c := range f.clauses {
		if mask := kinds.kinds(c.words); masks < len(u.masks) && mask&(1<<kindShift) == 0 && !slices.Contains(u.masks[:], mask) {
			u.masks[masks] = mask
			masks++
		}
		if !usable(c) {
			continue
		}
		if len(u.words) < maxClauses {
			u.words = append(u.words, least(c.words))
		}
		if c.far >= 0 && u.anchor == nil && (auto.d != nil || auto.m != nil && auto.p == nil) {
			u.anchor, u.far = least(c.words), c.far
		}
	}
	if u.words == nil {
		u.demand(kinds, f.clauses)
	}
	return u
}

// demand makes what a unit needs of clauses that are too weak to stand alone: of each, the words that are rare enough to be looked for, and the
// kinds of bytes that stand for the rest.
func (u *unit) demand(kinds *filter, clauses []clause) {
	u.loose = true
	u.words = make([][]string, len(u.masks))
	for i := range u.masks {
		u.masks[i] = ^uint64(0)
	}
	n := 0
	for _, c := range clauses {
		var words, rest []string
		for _, w := range c.words {
			if len(w) > 1 && rarity(w) >= minBits {
				words = append(words, w)
			} else {
				rest = append(rest, w)
			}
		}
		mask := kinds.kinds(rest)
		if n == len(u.masks) || mask&(1<<kindShift) != 0 || slices.Contains(u.masks[:n], mask) && words == nil {
			continue
		}
		u.masks[n], u.words[n] = mask, least(words)
		n++
	}
}

// usable reports whether the words of a clause are worth looking for.
func usable(c clause) bool {
	if c.bits < minBits {
		return false
	}
	for _, w := range c.words {
		if len(w) == 1 && byteBits(w[0]) < 9 {
			return false
		}
	}
	return true
}

// stands reports whether nothing is known of what u needs.
func (u *unit) stands() bool {
	return u.loose && u.masks == [3]uint64{^uint64(0), ^uint64(0), ^uint64(0)}
}

// memory returns the bytes that u holds.
func (u *unit) memory() int64 {
	switch {
	case u.auto.d != nil:
		return u.auto.d.memory()
	case u.auto.c != nil:
		return u.auto.c.memory()
	case u.auto.p != nil:
		return u.auto.p.memory() + u.auto.q.memory() + u.auto.m.memory()
	case u.auto.m != nil:
		return u.auto.m.memory()
	}
	return 64 << 10
}
