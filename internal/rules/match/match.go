// Package match finds out which of many patterns (@rx, @pm) match a value, in time linear in the value.
//
// Input: all patterns of a program, at once ([New]); then values. Output: exactly the patterns that match, and on demand where.
// Promises: no match is lost and none invented, measured against std regexp with (?sm); no state is built while matching;
// time for a value is bounded by its length times a constant that [Set.Cost] states, memory by [Limits].
// Safe for concurrent use; scratch space is the caller's.
// Non-goals: transformations, rules.
package match

// Kind is how a pattern is written.
type Kind uint8

// The kinds.
const (
	Regexp Kind = iota // RE2 syntax as std regexp, (?sm) set; byte mode where it holds escapes of bytes that are no UTF-8, as Coraza does
	Words              // one of many words, ASCII case-insensitive
)

// Pattern is one pattern of a set.
type Pattern struct {
	Kind  Kind
	Expr  string   // of Regexp
	Words []string // of Words
}

// Limits bound what New builds. The zero value is the documented default.
type Limits struct {
	States int   // of one automaton
	Memory int64 // bytes that the patterns of a set may hold
}

// Bits is a set of patterns, by their index: 64 in each word.
type Bits []uint64

// PatternError says which pattern cannot be compiled, and why.
type PatternError struct {
	Index int
	Err   error
}
