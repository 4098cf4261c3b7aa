package seclang

import "strings"

// LookupVariable finds a variable by its name in any case. XML is REQUEST_XML, as in Coraza.
func LookupVariable(name string) (Variable, bool) {
	if strings.EqualFold(name, "XML") {
		return VarRequestXML, true
	}
	names := variableNames()
	i := find(names[:], name)
	return Variable(i), i > 0
}

// LookupOperator finds an operator by its name without @, in any case.
func LookupOperator(name string) (OperatorID, bool) {
	switch {
	case strings.EqualFold(name, "pmf"):
		return OpPmFromFile, true
	case strings.EqualFold(name, "ipMatchF"):
		return OpIpMatchFromFile, true
	}
	names := operatorNames()
	i := find(names[:], name)
	return OperatorID(i), i > 0
}

// LookupAction finds an action by its name in any case; sanitize… is sanitise….
func LookupAction(name string) (ActionID, bool) {
	if len(name) > 8 && strings.EqualFold(name[:8], "sanitize") {
		name = "sanitise" + name[8:]
	}
	names := actionNames()
	i := find(names[:], name)
	return ActionID(i), i > 0
}

// find returns the index of name in names, in any case, 0 without one. The tables are short and lengths differ: a walk costs less than
// building a map, and needs no state.
func find(names []string, name string) int {
	if name == "" {
		return 0
	}
	for i, n := range names {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			return i
		}
	}
	return 0
}

// Nearest returns the one of words that is closest to word, in any case, or "" where none is close: at most a third of the letters differ.
func Nearest(word string, words []string) string {
	if len(word) > 64 {
		return ""
	}
	best, at := len(word)/3+1, ""
	lower := strings.ToLower(word)
	for _, w := range words {
		if w == "" || len(w)-len(word) >= best || len(word)-len(w) >= best {
			continue
		}
		if d := distance(lower, strings.ToLower(w)); d < best {
			best, at = d, w
		}
	}
	return at
}

// distance counts the letters to insert, delete, replace or swap with their neighbour that make b of a.
func distance(a, b string) int {
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(last[j]+1, next[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}
