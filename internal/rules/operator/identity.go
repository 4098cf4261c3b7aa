package operator

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// How many places of a value are tried, so that a value full of digits costs no more than a bounded number of passes.
const (
	maxNationals = 10
	maxPlaces    = 1024
	longPlace    = 64 // bytes: no number is longer, so the places within a longer one are not tried
)

// national is @validateNid: numbers of Chile or the United States that an expression finds.
type national struct {
	expr  *regexp.Regexp
	valid func(string) bool
}

func newNational(argument string) (Operator, error) {
	country, expr, ok := strings.Cut(argument, " ")
	if !ok {
		return nil, errors.New("a country (cl, us) and an expression are to be given")
	}
	n := &national{}
	switch country {
	case "cl":
		n.valid = validRUT
	case "us":
		n.valid = validUS
	default:
		return nil, fmt.Errorf("read country %q: cl and us are known", country)
	}
	var err error
	if n.expr, err = regexp.Compile(expr); err != nil {
		return nil, fmt.Errorf("read expression %q: %w", expr, err)
	}
	return n, nil
}

func (n *national) Match(value string, captured *[]string) bool {
	found := false
	for _, at := range n.expr.FindAllStringIndex(value, maxNationals) {
		if text := value[at[0]:at[1]]; n.valid(text) {
			found = true
			capture(captured, text)
		}
	}
	return found
}

// checked is @verifyCC, @verifySSN or @verifyCPF: a number that an expression finds and whose digits are right.
type checked struct {
	expr    *regexp.Regexp
	overlap bool // whether places may overlap: with ^ or \b a place cannot be judged without what stands before it
	valid   func(string) bool
}

func newChecked(id seclang.OperatorID, expr string) (Operator, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("read expression %q: %w", expr, err)
	}
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("read expression %q: %w", expr, err)
	}
	c := &checked{expr: re, overlap: !looksBack(parsed), valid: validCard}
	switch id {
	case seclang.OpVerifySSN:
		c.valid = validSSN
	case seclang.OpVerifyCPF:
		c.valid = validCPF
	}
	return c, nil
}

func looksBack(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range re.Sub {
		if looksBack(sub) {
			return true
		}
	}
	return false
}

func (c *checked) Match(value string, captured *[]string) bool {
	if !c.overlap {
		for _, at := range c.expr.FindAllStringIndex(value, maxPlaces) {
			if c.valid(value[at[0]:at[1]]) {
				capture(captured, value[at[0]:at[1]])
				return true
			}
		}
		return false
	}
	for range maxPlaces {
		at := c.expr.FindStringIndex(value)
		if at == nil {
			return false
		}
		if text := value[at[0]:at[1]]; c.valid(text) {
			capture(captured, text)
			return true
		}
		next := at[0] + 1
		if at[1]-at[0] > longPlace {
			next = at[1]
		}
		if next >= len(value) {
			return false
		}
		value = value[next:]
	}
	return false
}

// digits are the decimal digits of s as numbers, at most 20 of them; n counts all.
func digits(s string) (d [20]int, n int) {
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' {
			if n < len(d) {
				d[n] = int(c - '0')
			}
			n++
		}
	}
	return d, n
}

// validCard is the check of Luhn. More digits than any card has are checked too: the expression says what a card is.
func validCard(s string) bool {
	sums, n := [2]int{}, 0 // the sum if this were the last digit but one, and if it were the last
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' {
			d := int(c - '0')
			doubled := d * 2
			if doubled > 9 {
				doubled -= 9
			}
			sums[0], sums[1] = sums[1]+doubled, sums[0]+d
			n++
		}
	}
	return n > 0 && sums[1]%10 == 0
}

func validSSN(s string) bool {
	_, n := digits(s)
	return n == 9 && validUS(s)
}

// validUS checks the first nine digits: no area, group or serial of zeros, no area that is never given, no row such as 123456789 or 111111111.
func validUS(s string) bool {
	d, n := digits(s)
	if n < 9 {
		return false
	}
	area, group, serial := d[0]*100+d[1]*10+d[2], d[3]*10+d[4], d[5]*1000+d[6]*100+d[7]*10+d[8]
	if area == 0 || group == 0 || serial == 0 || area >= 740 || area == 666 {
		return false
	}
	row, same, last := true, true, -1
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			continue
		}
		if v := int(c - '0'); last < 0 {
			last = v
		} else {
			row, same, last = row && v == last+1, same && v == last, v
		}
	}
	return !row && !same
}

// validRUT checks the last digit, or k, of a Chilean number.
func validRUT(s string) bool {
	if len(s) < 8 {
		return false
	}
	var text []byte
	for i := range len(s) {
		if c := s[i] | 0x20; s[i] >= '0' && s[i] <= '9' || c == 'k' {
			text = append(text, c)
		}
	}
	if len(text) == 0 {
		return false
	}
	sum, factor := 0, 2
	body := integer(string(text[:len(text)-1])) // a k further ahead makes it 0, as it is in Coraza
	for ; body != 0; body /= 10 {
		sum += int(body%10) * factor
		if factor++; factor > 7 {
			factor = 2
		}
	}
	last := text[len(text)-1]
	switch r := sum % 11; r {
	case 0:
		return last == '0'
	case 1:
		return last == 'k'
	default:
		return last == byte('0'+11-r) //nolint:gosec // from 1 to 9
	}
}

// validCPF checks the two last digits of a Brazilian number of eleven.
func validCPF(s string) bool {
	d, n := digits(s)
	if n != 11 {
		return false
	}
	same := true
	for i := 1; i < 11; i++ {
		same = same && d[i] == d[0]
	}
	return !same && d[9] == cpfDigit(d[:9]) && d[10] == cpfDigit(d[:10])
}

func cpfDigit(d []int) int {
	sum := 0
	for i, v := range d {
		sum += v * (len(d) + 1 - i)
	}
	if r := 11 - sum%11; r < 10 {
		return r
	}
	return 0
}
