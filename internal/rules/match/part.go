package match

import "regexp/syntax"

// part is one pattern compiled by itself, for every set that has it. Read-only.
type part struct {
	units  []unit // with the words that sets look for
	run    *code  // with groups, for Find
	groups int
	binary bool
	led    bool // the beginning was cut: a match may begin before the one that the units see
	words  *dictionary
	least  []string // of words: those of which one must be there
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
		return &part{words: d, least: least(d.words), memory: d.memory()}, nil
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
	out.memory = int64(len(out.run.steps)) * 128
	for i := range out.units {
		out.memory += out.units[i].memory()
	}
	return out, nil
}
