package match

import (
	"strings"
	"testing"
)

// TestMemoryLimit: a set that would hold more than it may is refused, and the pattern with which it does is named.
func TestMemoryLimit(t *testing.T) {
	list := []Pattern{{Expr: `one\s+[a-z]+end`}, {Expr: `two\s+[a-z]+end`}, {Expr: `three\s+[a-z]+end`}}
	s := newSet(t, list...)
	if _, errs := New(list, Limits{Memory: s.Memory()}); errs != nil {
		t.Errorf("refused with the memory that it takes: %v", errs)
	}
	two := newSet(t, list[:2]...).patterns
	_, errs := New(list, Limits{Memory: two[0].memory + two[1].memory})
	if len(errs) != 1 || errs[0].Index != 2 || !strings.Contains(errs[0].Err.Error(), "leave rules out") {
		t.Errorf("got %v", errs)
	}
}

// TestOnly: a set that looks for some patterns of another one answers for these as the other does, and for no others.
func TestOnly(t *testing.T) {
	s := newSet(t, Pattern{Expr: `union.*select`}, Pattern{Kind: Words, Words: []string{"select", "passwd"}}, Pattern{Expr: `[0-9]+x`}, Pattern{Expr: `^`})
	only := NewCache().Only(s, Bits{0b1011})
	x, all, some := &Scratch{}, make(Bits, 1), make(Bits, 1)
	y := &Scratch{}
	for _, v := range []string{"", "union all select", "etc/passwd 12x", "nothing"} {
		s.Scan(x, v, Bits{0b1111}, all)
		only.Scan(y, v, Bits{0b1111}, some)
		if some[0] != all[0]&0b1011 {
			t.Errorf("%q: %b, of all %b", v, some[0], all[0])
		}
		only.Candidates(y, v, some)
		if some[0]&0b0100 != 0 || all[0]&0b1011&^some[0] != 0 {
			t.Errorf("%q may match %b, matches %b", v, some[0], all[0])
		}
	}
}

// TestSettle: what was put off is done whatever the scratch space was used for in between, for the first time too.
func TestSettle(t *testing.T) {
	long := strings.Repeat("nothing to see here, ", 10)
	s := newSet(t, Pattern{Expr: `[\n\r]`}, Pattern{Expr: `end$`}, Pattern{Expr: `union.*select`})
	other := newSet(t, Pattern{Expr: `select`})
	for _, values := range [][2]string{{long + "\n" + long, "select"}, {long + "end", "x"}, {"é" + long + "end", ""}} {
		x, hits, some := &Scratch{}, make(Bits, 1), make(Bits, 1)
		s.Alone(x, values[0], Bits{0b011}, hits)
		other.Candidates(x, values[1], some)
		x.Settle()
		want := make(Bits, 1)
		s.Scan(&Scratch{}, values[0], Bits{0b011}, want)
		if hits[0] != want[0] || hits[0] == 0 {
			t.Errorf("%.20q: %b, want %b", values[0], hits[0], want[0])
		}
	}
}
