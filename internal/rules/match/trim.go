package match

import "regexp/syntax"

// Whether an expression occurs in a value at all does not change when its ends are cut to what must be there: .*x{2,9} occurs where xx does.
// What is cut would only keep an automaton busy, and its end would lie farther from its beginning.

// trim cuts both ends. led reports whether the beginning was cut, so that a match of the result may begin behind that of re.
func trim(re *syntax.Regexp) (out *syntax.Regexp, led bool) {
	out, _ = cut(re, false)
	return cut(out, true)
}

// cut cuts one end of re: the beginning where front.
func cut(re *syntax.Regexp, front bool) (out *syntax.Regexp, changed bool) {
	switch re.Op {
	case syntax.OpCapture:
		out, _ = cut(re.Sub[0], front)
		return out, out != re.Sub[0]
	case syntax.OpStar, syntax.OpQuest:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}, true
	case syntax.OpPlus:
		out, _ = cut(re.Sub[0], front)
		return out, true
	case syntax.OpRepeat:
		if re.Min == 0 {
			return &syntax.Regexp{Op: syntax.OpEmptyMatch}, true
		}
		if re.Max == re.Min {
			return re, false
		}
		c := *re
		c.Max = re.Min
		return &c, true
	case syntax.OpConcat:
		return cutConcat(re, front)
	case syntax.OpAlternate:
		return cutAlternate(re, front)
	}
	return re, false
}

func cutConcat(re *syntax.Regexp, front bool) (out *syntax.Regexp, changed bool) {
	subs := append([]*syntax.Regexp(nil), re.Sub...)
	for len(subs) > 0 {
		at := len(subs) - 1
		if front {
			at = 0
		}
		s, ch := cut(subs[at], front)
		if !ch && s.Op != syntax.OpEmptyMatch {
			break
		}
		changed = true
		subs[at] = s
		if s.Op != syntax.OpEmptyMatch {
			break
		}
		subs = append(subs[:at], subs[at+1:]...)
	}
	if !changed {
		return re, false
	}
	switch len(subs) {
	case 0:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}, true
	case 1:
		return subs[0], true
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: subs}, true
}

func cutAlternate(re *syntax.Regexp, front bool) (out *syntax.Regexp, changed bool) {
	subs := make([]*syntax.Regexp, len(re.Sub))
	for i, s := range re.Sub {
		var ch bool
		subs[i], ch = cut(s, front)
		changed = changed || ch
		if subs[i].Op == syntax.OpEmptyMatch {
			return subs[i], true
		}
	}
	if !changed {
		return re, false
	}
	return &syntax.Regexp{Op: syntax.OpAlternate, Sub: subs}, true
}
