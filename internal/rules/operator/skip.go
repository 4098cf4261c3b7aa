package operator

import "strings"

// What libinjection can never match, proven from its tables and held by tests, so that it need not look.
//
// SQL. libinjection reads tokens, folds them to at most five classes and looks these up among 8,367 fingerprints. There is none of the
// classes in one of these rows alone:
//
//	n name  1 number  f function  , . : ? { } \  o operator  ;
//	n name  1 number  f function  , . : ? { } \  v variable, @x
//	n name  1 number  f function  , . : ? { } \  s string
//
// Folding makes of these only what is among them: what would make others are ( ) and `, comments, and phrases, of which each has a word
// in riskyWords. So a value whose tokens are all of one row does not match. Nor does one whose first six tokens, strings apart, are names,
// numbers, functions and either keywords or one "and" or "or": nothing but strings folds there, so no later token is read, and no
// fingerprint of five is made of these. A value is read as it is, and where it holds a quote as if it began in a string too; without #
// and -- it is read only once so.
//
// Scripts. libinjection reports tags, comments and declarations, all of which begin with < and one of few bytes, and values of
// attributes with certain names, which stand before an =.

// The kinds of a byte where a token begins.
const (
	byteWord   = iota // a word runs to the next byte that ends words
	byteSpace         // nothing
	byteSingle        // a token of its own, of a harmless class
	byteOp            // an operator
	byteDigit         // a number
	byteDot           // a number or a dot
	byteDollar        // money or a name
	byteOpen          // [: a name up to the next ]
	byteSlash         // \: \N is a number
	byteAt            // @: a variable
	byteQuote         // ' or ": a string
	byteStop          // what makes more classes
)

// lexicon is what skipSQLi looks up.
type lexicon struct {
	kind  [256]uint8
	ends  [256]bool            // whether a byte ends a word
	ends2 [256]bool            // and a variable
	fold  [256]uint8           // letters in lower case
	risky [1 << 15 / 64]uint64 // and the operators, by the hash of a word
}

// words is built once and never changes.
var words = newLexicon()

func newLexicon() *lexicon {
	l := &lexicon{}
	for c := range 256 {
		b := byte(c) //nolint:gosec // below 256
		l.fold[c] = b
		if b >= 'A' && b <= 'Z' {
			l.fold[c] = b + 0x20
		}
		switch {
		case b <= 32 || b == 127 || b == 160:
			l.kind[c] = byteSpace
		case b >= '0' && b <= '9':
			l.kind[c] = byteDigit
		case strings.IndexByte("!%&*+-/<=>^|~:", b) >= 0:
			l.kind[c] = byteOp
		case strings.IndexByte(",?]{};", b) >= 0:
			l.kind[c] = byteSingle
		case b == '\'' || b == '"':
			l.kind[c] = byteQuote
		case strings.IndexByte("`()#", b) >= 0:
			l.kind[c] = byteStop
		}
		l.ends[c] = strings.IndexByte(" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\v\f\r\"\xa0\x00", b) >= 0
		l.ends2[c] = strings.IndexByte(" <>:\\?=@!#~+-*/&|^%(),';\t\n\v\f\r'`\"", b) >= 0
	}
	l.kind['.'], l.kind['$'], l.kind['['], l.kind['\\'], l.kind['@'] = byteDot, byteDollar, byteOpen, byteSlash, byteAt
	for w := range strings.FieldsSeq(riskyWords() + " between div eqv is like mod not regexp rlike sounds uescape") {
		h := uint32(0)
		for i := range len(w) {
			h = mix(h, w[i])
		}
		l.risky[slot(h)/64] |= 1 << (slot(h) % 64)
	}
	return l
}

// mix adds a byte to the hash of a word.
func mix(h uint32, c byte) uint32 { return (h ^ uint32(c)) * 0x9e3779b1 }

func slot(h uint32) uint32 { return h >> 17 }

// isRisky is true for each risky word, and for about one other in a hundred.
func (l *lexicon) isRisky(h uint32) bool { return l.risky[slot(h)/64]>>(slot(h)%64)&1 != 0 }

// enoughNames is how many names, numbers and functions at the start settle the matter: libinjection reads no further.
const enoughNames = 6

// skipSQLi reports whether libinjection is certain not to find SQL in value.
func skipSQLi(value string) bool {
	if !skipFrom(value, 0, false) {
		return false
	}
	for _, quote := range [...]byte{'\'', '"'} { // as if the value began in a string
		if strings.IndexByte(value, quote) >= 0 && !skipFrom(value, quoted(value, 0, quote), true) {
			return false
		}
	}
	return true
}

// skipFrom is skipSQLi for one way to read value: from i on, behind a string or not.
func skipFrom(value string, i int, texts bool) bool {
	l := words
	names, plain := 0, true // how many names so far, and whether there was nothing else but strings
	operators, variables, keywords, logic := false, false, false, 0
	for i < len(value) {
		c := value[i]
		switch l.kind[c] {
		case byteSpace:
			i++
			continue
		case byteQuote:
			i, texts = quoted(value, i+1, c), true
			names--
		case byteWord:
			end, class, whole := l.word(value, i)
			switch class {
			case classStop:
				return false
			case classOperator:
				operators, plain = true, false
			case classKeyword:
				keywords = true
			case classLogic:
				logic++
			}
			plain = plain && whole
			i = end
		case byteDigit, byteDot:
			end, whole := number(value, i)
			plain = plain && whole
			i = end
		case byteDollar:
			var ok bool
			if i, ok = money(value, i); !ok {
				return false
			}
		case byteOpen:
			end := strings.IndexByte(value[i:], ']')
			if end < 0 {
				end = len(value) - i - 1
			}
			i += end + 1
		case byteOp:
			next := byte(0)
			if i+1 < len(value) {
				next = value[i+1]
			}
			if c == '-' && next == '-' || c == '/' && next == '*' || c == next && (c == '&' || c == '|') {
				return false
			}
			operators, plain = operators || c != ':' || next == ':' || next == '=', false
			i++
		case byteAt:
			variables, plain = true, false
			if i++; i < len(value) && value[i] == '@' {
				i++
			}
			if i < len(value) && (value[i] == '`' || l.kind[value[i]] == byteQuote) {
				return false
			}
			for i < len(value) && !l.ends2[value[i]] {
				i++
			}
		case byteSlash:
			plain, operators = false, true // with an operator behind it, it is a number: as if it were one
			if i++; i < len(value) && value[i] == 'N' {
				i++
			}
		case byteSingle:
			operators, plain = operators || c == ';', false
			i++
		default:
			return false
		}
		if operators && (variables || texts) || variables && texts || (keywords || logic > 0) && !plain || logic > 1 || keywords && logic > 0 {
			return false
		}
		if names++; plain && names == enoughNames {
			return true
		}
	}
	return !keywords && logic == 0
}

// quoted is where a string goes on behind: its text begins at value[i:] and ends at a quote, unless a backslash or another one keeps it.
func quoted(value string, i int, quote byte) int {
	start := i
	for {
		at := strings.IndexByte(value[i:], quote)
		if at < 0 {
			return len(value)
		}
		i += at
		slashes := i
		for slashes > start && value[slashes-1] == '\\' {
			slashes--
		}
		switch {
		case (i-slashes)%2 != 0:
			i++
		case i+1 < len(value) && value[i+1] == quote:
			i += 2
		default:
			return i + 1
		}
	}
}

// The classes of a word.
const (
	className = iota // or a number, or a function
	classOperator
	classKeyword // one of common language that is no part of a phrase without a risky word
	classLogic
	classStop
)

// word reads the word at value[i:]. libinjection may cut it before a dot, where what stands before it has a meaning: so each part between
// dots must be harmless, and so must what is left of a part behind a number that begins with the dot. whole says that there is no dot.
func (l *lexicon) word(value string, i int) (end, class int, whole bool) {
	h, part, resume := uint32(0), i, i
	whole = true
	for ; i < len(value) && !l.ends[value[i]]; i++ {
		switch c := value[i]; {
		case c == '.':
			switch l.class(h, value[part:i]) {
			case className:
			case classOperator:
				class = classOperator
			default:
				return i, classStop, false
			}
			resume, _ = number(value, i)
			h, part, whole = 0, resume, false
		case c == '`', c == 0xb1, c == 0xbf: // ı and ſ, whose upper case are I and S, end so
			return i, classStop, false
		case i >= resume:
			h = mix(h, l.fold[c])
		}
	}
	if resume > i || opensText(value[part:i], value[i:]) {
		return i, classStop, false // the number would reach beyond the word: .5e-1; or x'41'
	}
	if last := l.class(h, value[part:i]); last != className {
		if !whole && last != classOperator {
			return i, classStop, false
		}
		class = last
	}
	return i, class, whole
}

// opensText tells the words that belong to the string behind them: x'41', b'1', n'a', e'a', q'(a)', nq'(a)'.
func opensText(word, behind string) bool {
	if behind == "" || behind[0] != '\'' || word == "" || len(word) > 2 {
		return false
	}
	return strings.IndexByte("bxneqBXNEQ", word[len(word)-1]) >= 0
}

// class is what word, whose hash is h, is taken for.
func (l *lexicon) class(h uint32, word string) int {
	if !l.isRisky(h) {
		return className
	}
	var lower [8]byte
	if len(word) > len(lower) {
		return classStop
	}
	for i := range len(word) {
		lower[i] = l.fold[word[i]]
	}
	switch string(lower[:len(word)]) {
	case "between", "div", "eqv", "is", "like", "mod", "not", "regexp", "rlike", "sounds", "uescape":
		return classOperator
	case "as", "in", "from", "before", "both", "each", "then", "when", "where", "change", "open", "top", "match", "default", "range", "return",
		"exit", "else", "into", "values", "usage", "wait", "index", "option", "against", "continue":
		return classKeyword
	case "and", "or":
		return classLogic
	}
	return classStop
}

// number is the end of the number at value[i:], and whether it is one: not where it is a dot, nor "1e", which is no token at all.
func number(value string, i int) (end int, whole bool) {
	run := func(ok func(c byte) bool) {
		for i < len(value) && ok(value[i]) {
			i++
		}
	}
	if value[i] == '0' && i+1 < len(value) {
		switch value[i+1] | 0x20 {
		case 'x':
			i += 2
			run(hexDigit)
			return i, true
		case 'b':
			i += 2
			run(func(c byte) bool { return c == '0' || c == '1' })
			return i, true
		}
	}
	start := i
	run(digit)
	if i < len(value) && value[i] == '.' {
		i++
		run(digit)
		if i-start == 1 {
			return i, false
		}
	}
	whole = true
	if i < len(value) && value[i]|0x20 == 'e' {
		if i++; i < len(value) && (value[i] == '+' || value[i] == '-') {
			i++
		}
		exponent := i
		run(digit)
		whole = i > exponent
	}
	if i < len(value) && (value[i]|0x20 == 'd' || value[i]|0x20 == 'f') {
		if i+1 == len(value) || whiteSQL(value[i+1]) || value[i+1] == ';' || value[i+1]|0x20 == 'u' {
			i++
		}
	}
	return i, whole
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func whiteSQL(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0 || c == 0 }

// money is the end of the token that a dollar at value[i:] begins; not ok where that may be a string ($$ or $x$).
func money(value string, i int) (end int, ok bool) {
	i++
	start := i
	for i < len(value) && (digit(value[i]) || value[i] == '.' || value[i] == ',') {
		i++
	}
	switch {
	case i-start == 1 && value[start] == '.':
		return i, false
	case i > start:
		return i, true
	}
	for i < len(value) && value[i]|0x20 >= 'a' && value[i]|0x20 <= 'z' {
		i++
	}
	return start, i == len(value) || value[i] != '$'
}

// skipXSS reports whether libinjection is certain not to find a script in value.
func skipXSS(value string) bool {
	for rest := value; ; {
		i := strings.IndexByte(rest, '<')
		if i < 0 || i+1 == len(rest) {
			break
		}
		if c := rest[i+1]; c|0x20 >= 'a' && c|0x20 <= 'z' || c == '!' || c == '/' || c == '?' || c == '%' || c == 0 {
			return false
		}
		rest = rest[i+1:]
	}
	for from := 0; ; {
		i := strings.IndexByte(value[from:], '=')
		if i < 0 {
			return true
		}
		if attribute(value[from : from+i]) {
			return false
		}
		from += i + 1
	}
}

// attribute reports whether before ends in the name of an attribute that may hold a script. libinjection drops NULs from names, and
// white space may stand between a name and the =. A name begins where the text does or behind a byte that cannot be in one that counts.
func attribute(before string) bool {
	end := len(before)
	for end > 0 && (before[end-1] == ' ' || before[end-1] >= '\t' && before[end-1] <= '\r' || before[end-1] == 0) {
		end--
	}
	var name [maxAttribute]byte
	at := len(name)
	for ; end > 0; end-- {
		c := before[end-1]
		if c == 0 {
			continue
		}
		if c != ':' && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		if at == 0 {
			return false
		}
		at--
		name[at] = c | 0x20
	}
	text := name[at:]
	if len(text) >= 5 && text[0] == 'o' && text[1] == 'n' {
		return true
	}
	switch string(text) { // ':' | 0x20 is ':'
	case "action", "attributename", "by", "background", "dataformatas", "datasrc", "dynsrc", "filter", "formaction", "folder", "from", "handler",
		"href", "lowsrc", "poster", "src", "style", "to", "values", "xlink:href", "xmlns", "xlink":
		return true
	}
	return false
}

// maxAttribute is more than any name that counts has: the longest has 48 bytes.
const maxAttribute = 64
