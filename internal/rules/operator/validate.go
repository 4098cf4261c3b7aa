package operator

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// byteRange matches values with a byte that is not allowed.
type byteRange [256]bool

// newByteRange reads "9,10,32-126". An empty list matches every value, as in Coraza.
func newByteRange(list string) (Operator, error) {
	if list == "" {
		return constant(true), nil
	}
	var allowed byteRange
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err := strconv.ParseUint(from, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("read byte %q: not a number from 0 to 255", part)
		}
		last, err := strconv.ParseUint(to, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("read byte %q: not a number from 0 to 255", part)
		}
		if first > last {
			return nil, fmt.Errorf("read range %q: its end lies before its start", part)
		}
		for b := first; b <= last; b++ {
			allowed[b] = true
		}
	}
	return &allowed, nil
}

func (a *byteRange) Match(value string, _ *[]string) bool {
	for i := range len(value) {
		if !a[value[i]] {
			return true
		}
	}
	return false
}

// badURLEncoding finds a % without two hexadecimal digits behind it.
func badURLEncoding(value string) bool {
	for {
		i := strings.IndexByte(value, '%')
		if i < 0 {
			return false
		}
		if i+2 >= len(value) || !hexDigit(value[i+1]) || !hexDigit(value[i+2]) {
			return true
		}
		value = value[i+3:]
	}
}

func hexDigit(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func badUTF8(value string) bool { return !utf8.ValidString(value) }
