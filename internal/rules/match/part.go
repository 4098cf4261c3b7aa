package match

import (
	"regexp/syntax"
	"slices"
	"unsafe"
)

// part is one pattern compiled by itself, for every set that has it. Read-only.
type part struct {
	units  []unit // with the words that sets look for
	run    *code  // with groups, for Find
	groups int
	binary bool
	led    bool // the beginning was cut: a match may begin before the one that the units see
	words  *dictionary
	least  []string // of words: those of which one must be there
	short  int      // bytes that a value needs at least to match
	memory int64
}

// part compiles p, or finds it compiled.
func (b *builder) part(p *Pattern) (*part, error) {
	key := p.key(Limits{States: b.limit})
	if out := b.shared.parts.get(key); out != nil {
		return out, nil
	}
	out, err := b.newPart(p)
	if err == nil {
		b.shared.parts.put(key, out)
	}
	return out, err
}

func (b *builder) newPart(p *Pattern) (*part, error) {
	if p.Kind == Words {
		d := newDictionary(p.Words)
		out := &part{words: d, least: d.least(), memory: d.memory()}
		if !d.empty && len(d.words) > 0 {
			out.short = len(slices.MinFunc(d.words, func(a, b string) int { return len(a) - len(b) }))
		}
		out.memory += textBytes(out.least)
		return out, nil
	}
	re, binary, err := parse(p.Expr)
	if err != nil {
		return nil, err
	}
	out := &part{binary: binary, groups: re.MaxCap()}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	out.run = newCode(prog, binary)
	if out.units, out.led, err = b.units(re, binary); err != nil {
		return nil, err
	}
	out.led = out.led || len(out.units) > 1
	out.memory = out.run.memory()
	out.short = out.units[0].least
	for i := range out.units {
		u := &out.units[i]
		out.short = min(out.short, u.least)
		out.memory += u.memory() + int64(unsafe.Sizeof(*u)) + textBytes(u.anchor)
		for _, words := range u.words {
			out.memory += textBytes(words)
		}
	}
	return out, nil
}

// Least returns how many bytes a value needs at least for pattern i to match.
func (s *Set) Least(i int) int { return s.patterns[i].short }

// textBytes is what a list of words holds.
func textBytes(list []string) (n int64) {
	for _, w := range list {
		n += int64(len(w)) + int64(unsafe.Sizeof(w))
	}
	return n
}

// feedMemory is what the automata of feeds hold, each counted once.
func feedMemory(feeds []feed) (n int64) {
	seen := map[*dfa]bool{}
	for _, f := range feeds {
		for _, d := range f.stages {
			if !seen[d] {
				seen[d] = true
				n += d.memory()
			}
		}
	}
	return n
}
