package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	words := []string{"", "ARGS", "ARGS_GET", "REQUEST_BODY", "rx", "REQUEST_BODE", strings.Repeat("a", MaxWord+1)}
	for word, want := range map[string]string{
		"AGRS": "ARGS", "args": "ARGS", "ARG": "ARGS", "ARGS_GTE": "ARGS_GET", "REQUEST_BDY": "REQUEST_BODY", "request_bdy": "REQUEST_BODY", "REQUEST_BOD": "REQUEST_BODY",
		"rr": "rx", "xr": "rx", "r": "", "yy": "", "XYZ": "", "": "", "REQUEST_BODE": "REQUEST_BODE",
		strings.Repeat("a", MaxWord): "", strings.Repeat("a", MaxWord+1): "", strings.Repeat("A", 1000): "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("nearest to %q is %q, not %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	long := strings.Repeat("a", MaxWord)
	for _, c := range []struct {
		a, b        string
		bound, want int
	}{
		{"", "", 1, 0},
		{"", "ab", 5, 2},
		{"kitten", "sitting", 9, 3},
		{"ab", "ba", 9, 1},
		{"abc", "cab", 9, 2},
		{"abcd", "acbd", 9, 1},
		{"Ab", "aB", 9, 2},
		{"kitten", "sitting", 3, 3},
		{"kitten", "sitting", 2, 2},
		{"a", "abcd", 3, 3},
		{"a", "a", 0, 0},
		{long, long[1:], 9, 1},
		{long + "a", long + "a", 9, 9},
		{long, long + "a", 9, 9},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			if got := Distance(pair[0], pair[1], c.bound); got != c.want {
				t.Errorf("distance of %q and %q, bound %d: %d, not %d", pair[0], pair[1], c.bound, got, c.want)
			}
		}
	}
}
