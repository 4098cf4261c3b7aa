package match

// only is [Cache.Only] without a cache.
func (s *Set) only(want Bits) *Set {
	out := emptySet(len(s.patterns))
	for i := range s.patterns {
		if want[i>>6]>>(i&63)&1 != 0 {
			out.add(i, s.patterns[i].part)
		} else {
			out.patterns[i] = compiled{part: s.patterns[i].part, kind: s.patterns[i].kind}
		}
	}
	out.arrange()
	return out
}

// smallList is how many words a list may have that a set of few patterns finds in its one pass; longer ones have tables of their own there.
const smallList = 64

// Listed reports whether pattern i is a long list of words that has tables of its own, so that Alone looks for it in one pass.
func (s *Set) Listed(i int) bool {
	p := &s.patterns[i]
	return p.kind == Words && p.words.own != nil && len(p.words.words) > smallList
}
