package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// span is a duration of n nanoseconds with its unit: three digits below a second, tenths of a second above.
func span(n int64) string {
	d := time.Duration(n)
	switch {
	case n < 0:
		return "-" + span(-n)
	case d < time.Microsecond:
		return strconv.FormatInt(n, 10) + " ns"
	case d < time.Millisecond:
		return digits(float64(n)/1e3) + " µs"
	case d < time.Second:
		return digits(float64(n)/1e6) + " ms"
	case d < time.Hour:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// digits writes three significant digits of a number below 1000.
func digits(v float64) string {
	prec := 2
	switch {
	case v >= 99.95:
		prec = 0
	case v >= 9.995:
		prec = 1
	}
	s := strconv.FormatFloat(v, 'f', prec, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// volume is a number of bytes with its unit, in powers of 1000.
func volume(n int64) string {
	if n < 1000 {
		return several(n, "byte")
	}
	v, unit := float64(n)/1000, 0
	for v >= 999.5 && unit < 4 {
		v /= 1000
		unit++
	}
	return digits(v) + " " + [...]string{"KB", "MB", "GB", "TB", "PB"}[unit]
}

// grouped is n with commas between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// several is n of a thing: "1 byte", "4,312 bytes".
func several(n int64, thing string) string {
	if n != 1 {
		switch {
		case strings.HasSuffix(thing, "y"):
			thing = thing[:len(thing)-1] + "ies"
		case strings.HasSuffix(thing, "s"), strings.HasSuffix(thing, "x"):
			thing += "es"
		default:
			thing += "s"
		}
	}
	return grouped(n) + " " + thing
}

// joined puts the parts that are not empty behind one another.
func joined(sep string, parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(sep)
		}
		b.WriteString(p)
	}
	return b.String()
}
