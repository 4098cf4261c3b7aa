package operator

import (
	"math"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// comparison is an operator of [Compare] whose argument is known.
type comparison struct {
	id       seclang.OperatorID
	argument string
}

func (c comparison) Match(value string, _ *[]string) bool { return Compare(c.id, value, c.argument) }

// takesMacro tells the operators of Compare that New builds as a comparison.
func takesMacro(id seclang.OperatorID) bool {
	switch id {
	case seclang.OpEq, seclang.OpGe, seclang.OpGt, seclang.OpLe, seclang.OpLt, seclang.OpStreq, seclang.OpContains, seclang.OpStrmatch,
		seclang.OpContainsWord, seclang.OpBeginsWith, seclang.OpEndsWith, seclang.OpWithin:
		return true
	}
	return false
}

// Compare tests value against an argument that is known only now, for the operators that take macros (eq ge gt le lt, streq, contains,
// containsWord, beginsWith, endsWith, within, strmatch, ipMatch). Of other operators it is false. An entry of ipMatch that is no
// address matches nothing: what a macro holds came with a request.
func Compare(id seclang.OperatorID, value, argument string) bool {
	switch id {
	case seclang.OpEq:
		return integer(value) == integer(argument)
	case seclang.OpGe:
		return integer(value) >= integer(argument)
	case seclang.OpGt:
		return integer(value) > integer(argument)
	case seclang.OpLe:
		return integer(value) <= integer(argument)
	case seclang.OpLt:
		return integer(value) < integer(argument)
	case seclang.OpStreq:
		return value == argument
	case seclang.OpContains, seclang.OpStrmatch:
		return strings.Contains(value, argument)
	case seclang.OpContainsWord:
		return containsWord(value, argument)
	case seclang.OpBeginsWith:
		return strings.HasPrefix(value, argument)
	case seclang.OpEndsWith:
		return strings.HasSuffix(value, argument)
	case seclang.OpWithin:
		return strings.Contains(argument, value)
	case seclang.OpIpMatch:
		return addressIn(value, argument)
	}
	return false
}

// integer reads a decimal number with a sign or none; what is none counts as 0, what is too large as the largest there is.
func integer(s string) int64 {
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative, s = s[0] == '-', s[1:]
	}
	n := uint64(0)
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0
		}
		if n > (math.MaxUint64-9)/10 {
			n = math.MaxInt64 + 1 // too large whatever follows, as to Coraza
			break
		}
		n = n*10 + uint64(d)
	}
	switch {
	case negative && n > math.MaxInt64:
		return math.MinInt64
	case n > math.MaxInt64:
		return math.MaxInt64
	case negative:
		return -int64(n) //nolint:gosec // in range, as just seen
	}
	return int64(n) //nolint:gosec // in range, as just seen
}

// containsWord finds word where no letter, digit or underscore stands beside it. The empty word is in every value.
func containsWord(value, word string) bool {
	if word == "" {
		return true
	}
	for at := 0; ; {
		i := strings.Index(value[at:], word)
		if i < 0 {
			return false
		}
		start := at + i
		end := start + len(word)
		if (start == 0 || !wordByte(value[start-1])) && (end == len(value) || !wordByte(value[end])) {
			return true
		}
		// Overlapping places count ("aa" in "aaa aa"), yet no byte should be read for each byte of a long word: nothing but a
		// place behind a byte that is none of a word can match, so go on behind the next such byte.
		at = start + 1
		for at < len(value) && wordByte(value[at-1]) {
			at++
		}
	}
}

func wordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_'
}
