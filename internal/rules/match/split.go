package match

import "regexp/syntax"

// divideRegexp makes two expressions of re, of which one or the other occurs where re does. It divides the alternation that has most to it.
func divideRegexp(re *syntax.Regexp) (a, b *syntax.Regexp, ok bool) {
	switch re.Op {
	case syntax.OpCapture:
		return divideRegexp(re.Sub[0])
	case syntax.OpAlternate:
		if len(re.Sub) < 2 {
			return nil, nil, false
		}
		total, half, at := size(re), 0, 0
		for at = 0; at < len(re.Sub)-1; at++ {
			half += size(re.Sub[at])
			if half*2 >= total {
				at++
				break
			}
		}
		at = max(at, 1)
		return alternation(re.Sub[:at]), alternation(re.Sub[at:]), true
	case syntax.OpQuest:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}, re.Sub[0], true
	case syntax.OpConcat:
		most, at := 0, -1
		for i, s := range re.Sub {
			if n := size(s); n > most && divisible(s) {
				most, at = n, i
			}
		}
		if at < 0 {
			return nil, nil, false
		}
		x, y, ok := divideRegexp(re.Sub[at])
		if !ok {
			return nil, nil, false
		}
		return with(re, at, x), with(re, at, y), true
	}
	return nil, nil, false
}

func alternation(subs []*syntax.Regexp) *syntax.Regexp {
	if len(subs) == 1 {
		return subs[0]
	}
	return &syntax.Regexp{Op: syntax.OpAlternate, Sub: subs}
}

// with returns the sequence re with another part in place of that at i.
func with(re *syntax.Regexp, i int, part *syntax.Regexp) *syntax.Regexp {
	subs := append([]*syntax.Regexp(nil), re.Sub...)
	subs[i] = part
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: subs}
}

func divisible(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpCapture:
		return divisible(re.Sub[0])
	case syntax.OpAlternate:
		return true
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if divisible(s) {
				return true
			}
		}
	}
	return false
}

// size estimates how many positions an expression has.
func size(re *syntax.Regexp) int {
	n := 0
	for _, s := range re.Sub {
		n += size(s)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpRepeat:
		return n * max(re.Min, re.Max, 1)
	}
	return n + 1
}
