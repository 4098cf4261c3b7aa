package match

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// kinds of characters, as assertions (^ $ \b \B) tell them apart.
const (
	kindOther = iota
	kindWord
	kindNewline
	kindText // beyond an end of the value
	kinds
)

// kindOf returns the kind of a byte; bytes of characters outside ASCII are of no special kind.
func kindOf(b byte) int {
	switch {
	case b == '\n':
		return kindNewline
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '_':
		return kindWord
	}
	return kindOther
}

// classes divides all characters into those that a program cannot tell apart.
type classes struct {
	ascii [256]uint8 // of bytes; above 127 only where binary
	from  []rune     // characters outside ASCII: those from from[i] up to before from[i+1] are of class of[i]
	of    []uint8
	n     int
	kind  []uint8 // of each class
	bytes bool    // binary
	one   bool    // all characters outside ASCII are of one class
}

// lookup returns the class of a character outside ASCII.
func (c *classes) lookup(r rune) uint8 {
	if c.one {
		return c.of[0]
	}
	i, found := slices.BinarySearch(c.from, r)
	if !found {
		i--
	}
	return c.of[i]
}

// ranges returns the characters that an instruction takes, as sorted pairs.
func ranges(in *syntax.Inst) []rune {
	switch in.Op {
	case syntax.InstRuneAny:
		return []rune{0, utf8.MaxRune}
	case syntax.InstRuneAnyNotNL:
		return []rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune}
	}
	if len(in.Rune) != 1 {
		return in.Rune
	}
	r := in.Rune[0]
	out := []rune{r, r}
	if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			out = append(out, f, f)
		}
	}
	return out
}

// divide finds the classes of a program whose instructions take the given ranges, and for each of them the classes that it takes.
// ok is false where there are more classes than fit a byte.
func divide(takes [][]rune, asserts, binary bool) (c *classes, sets [][]uint8, ok bool) {
	limit := rune(utf8.MaxRune)
	if binary {
		limit = 0xff
	}
	cuts := []rune{0}
	if !binary {
		cuts = append(cuts, utf8.RuneSelf)
	}
	if asserts {
		cuts = append(cuts, '\n', '\n'+1, '0', '9'+1, 'A', 'Z'+1, '_', '_'+1, 'a', 'z'+1)
	}
	for _, r := range takes {
		for i := 0; i < len(r); i += 2 {
			cuts = append(cuts, r[i], r[i+1]+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for len(cuts) > 0 && cuts[len(cuts)-1] > limit {
		cuts = cuts[:len(cuts)-1]
	}
	class := signatures(cuts, takes, asserts)
	c = &classes{bytes: binary}
	for _, k := range class {
		c.n = max(c.n, k+1)
	}
	if c.n > 250 {
		return nil, nil, false
	}
	c.kind = make([]uint8, c.n)
	for i, from := range cuts {
		to := limit
		if i+1 < len(cuts) {
			to = cuts[i+1] - 1
		}
		for r := from; r <= to && r < 256; r++ {
			if r < utf8.RuneSelf || binary {
				c.ascii[r] = uint8(class[i])
			}
			c.kind[class[i]] = uint8(kindOf(byte(r)))
		}
		if to >= utf8.RuneSelf && !binary {
			c.from, c.of = append(c.from, from), append(c.of, uint8(class[i]))
		}
	}
	for b := utf8.RuneSelf; b < 256 && !binary; b++ {
		c.ascii[b] = beyond
	}
	c.one = len(c.of) == 1
	sets = make([][]uint8, len(takes))
	known := map[string][]uint8{}
	for t, r := range takes {
		key := spellRanges(r)
		set, ok := known[string(key)]
		if !ok {
			set = covered(cuts, class, r)
			known[string(key)] = set
		}
		sets[t] = set
	}
	return c, sets, true
}

// signatures numbers the intervals between cuts so that those which all instructions treat alike share a number.
func signatures(cuts []rune, takes [][]rune, asserts bool) []int {
	class := make([]int, len(cuts))
	split := func(in func(i int) int) {
		seen := make(map[[2]int]int, len(cuts))
		for i := range class {
			key := [2]int{class[i], in(i)}
			n, ok := seen[key]
			if !ok {
				n = len(seen)
				seen[key] = n
			}
			class[i] = n
		}
	}
	if asserts {
		split(func(i int) int {
			if cuts[i] >= utf8.RuneSelf {
				return kindOther
			}
			return kindOf(byte(cuts[i]))
		})
	}
	done := map[string]bool{}
	for _, r := range takes {
		key := spellRanges(r)
		if done[string(key)] {
			continue
		}
		done[string(key)] = true
		split(func(i int) int {
			for j := 0; j < len(r); j += 2 {
				if r[j] <= cuts[i] && cuts[i] <= r[j+1] {
					return 1
				}
			}
			return 0
		})
	}
	return class
}

// spellRanges returns what tells ranges apart.
func spellRanges(r []rune) []byte {
	key := make([]byte, 0, 3*len(r))
	for _, c := range r {
		key = append(key, byte(c), byte(c>>8), byte(c>>16))
	}
	return key
}

// covered lists the classes that lie in r.
func covered(cuts []rune, class []int, r []rune) []uint8 {
	var out []uint8
	for i, from := range cuts {
		for j := 0; j < len(r); j += 2 {
			if r[j] <= from && from <= r[j+1] {
				out = append(out, uint8(class[i]))
				break
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
