package operator

import (
	"strings"
	"sync"
	"unsafe"

	libinjection "github.com/corazawaf/libinjection-go"
)

// mostUpper is how long a value may be, in bytes, to be given to libinjection in upper case: of longer ones it seldom reads all.
const mostUpper = 256

// uppers are buffers for values in upper case. libinjection forgets what it was given before it returns.
var uppers = sync.Pool{New: func() any { return new([mostUpper]byte) }}

// readSQLi is libinjection's answer. It looks each word up in upper case and makes that anew each time, unless the word is in upper case already: so
// the whole value is, where its case means nothing.
func readSQLi(value string) (found bool, fingerprint string) {
	if len(value) == 0 || len(value) > mostUpper {
		return libinjection.IsSQLi(value)
	}
	buf, _ := uppers.Get().(*[mostUpper]byte)
	defer uppers.Put(buf)
	if !upper(buf[:len(value)], value) {
		return libinjection.IsSQLi(value)
	}
	return libinjection.IsSQLi(unsafe.String(&buf[0], len(value)))
}

// upper writes value with its ASCII letters in upper case. It reports whether libinjection reads both alike: case tells \N, which is a number, from
// \n, where $tag$ and q'x x' end, and sp_password from other words.
func upper(dst []byte, value string) bool {
	last, underscore := byte(0), false
	for i := range len(value) {
		c := value[i]
		switch {
		case c >= 'a' && c <= 'z':
			if last == '\\' && c == 'n' {
				return false
			}
			c -= 'a' - 'A'
		case c == '_':
			underscore = true
		case c == '$', c == '\'' && last == 'Q':
			return false
		}
		dst[i], last = c, c
	}
	return !underscore || !strings.Contains(value, "sp_password")
}
