package transform

import (
	"crypto/fips140"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"strconv"
)

// What base64 makes of bytes that are no digit.
const (
	stop64 = 0xff // ends the strict reading
	skip64 = 0xfe // line ends are passed over
	end64  = 0xfd // = ends any reading
)

// digits64 is the value of each digit in the strict reading, looseDigits64 in the forgiving one, which passes over all that is
// no digit and knows the alphabet for URLs too.
var (
	digits64      = makeDigits64(false)
	looseDigits64 = makeDigits64(true)
)

func makeDigits64(loose bool) (t [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = stop64
		if loose {
			t[i] = skip64
		}
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	t['\r'], t['\n'], t['='] = skip64, skip64, end64
	if loose {
		t['-'], t['_'] = t['+'], t['/']
	}
	return t
}

// decodeBase64 decodes up to the first byte that ends the reading. Of digits that fill no byte nothing is made.
func decodeBase64(a *Arena, s string, loose bool) string {
	if len(s) == 0 {
		return s
	}
	d := a.reserve(len(s)/4*3 + 3)
	n, k, word := 0, 0, uint32(0)
	for i := range len(s) {
		v := digits64[s[i]]
		if loose {
			v = looseDigits64[s[i]]
		}
		if v == skip64 {
			continue
		}
		if v >= end64 {
			break
		}
		word = word<<6 | uint32(v)
		if k++; k == 4 {
			d[n], d[n+1], d[n+2] = byte(word>>16), byte(word>>8), byte(word)
			n += 3
			k = 0
		}
	}
	switch k {
	case 2:
		d[n] = byte(word >> 4)
		n++
	case 3:
		d[n], d[n+1] = byte(word>>10), byte(word>>2)
		n += 2
	}
	return a.commit(d, n)
}

func encodeBase64(a *Arena, s string) string {
	d := a.reserve(base64.StdEncoding.EncodedLen(len(s)))
	base64.StdEncoding.Encode(d, raw(s))
	return a.commit(d, len(d))
}

// decodeHex decodes pairs of digits. A value that holds anything else stays.
func decodeHex(a *Arena, s string) string {
	if len(s)%2 != 0 {
		return s
	}
	d := a.reserve(len(s) / 2)
	for i := range d {
		b, ok := hexPair(s, 2*i)
		if !ok {
			return s
		}
		d[i] = b
	}
	return a.commit(d, len(d))
}

func encodeHex(a *Arena, s string) string {
	d := a.reserve(hex.EncodedLen(len(s)))
	hex.Encode(d, raw(s))
	return a.commit(d, len(d))
}

// decimalLength writes how many bytes s has.
func decimalLength(a *Arena, s string) string {
	d := a.reserve(20)
	return a.commit(d, len(strconv.AppendInt(d[:0], int64(len(s)), 10)))
}

// digestMD5 returns the 16 bytes of the digest; s itself where FIPS 140-3 forbids MD5 in this process.
func digestMD5(a *Arena, s string) string {
	if fips140.Enforced() {
		return s
	}
	sum := md5.Sum(raw(s))
	d := a.reserve(len(sum))
	return a.commit(d, copy(d, sum[:]))
}

// digestSHA1 returns the 20 bytes of the digest; s itself where FIPS 140-3 forbids SHA-1 in this process.
func digestSHA1(a *Arena, s string) string {
	if fips140.Enforced() {
		return s
	}
	sum := sha1.Sum(raw(s))
	d := a.reserve(len(sum))
	return a.commit(d, copy(d, sum[:]))
}

// firstSQLHex finds the first 0x with two digits behind it.
func firstSQLHex(s string) int {
	for i := firstOfTwo(s, 0, 'x', 'X'); i < len(s); i = firstOfTwo(s, i+1, 'x', 'X') {
		if _, ok := hexPair(s, i+1); ok && i > 0 && s[i-1] == '0' {
			return i - 1
		}
	}
	return len(s)
}

// decodeSQLHex makes bytes of each 0xHHHH…; an odd digit at the end stays.
func decodeSQLHex(a *Arena, s string, i int) string {
	d := a.reserve(len(s))
	n := copy(d, s[:i])
	for i < len(s) {
		b, ok := byte(0), false
		if s[i] == '0' && i+1 < len(s) && s[i+1]|0x20 == 'x' {
			b, ok = hexPair(s, i+2)
		}
		if !ok {
			d[n] = s[i]
			n++
			i++
			continue
		}
		for i += 2; ok; b, ok = hexPair(s, i) {
			d[n] = b
			n++
			i += 2
		}
	}
	return a.commit(d, n)
}
