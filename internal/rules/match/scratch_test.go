package match

import (
	"regexp"
	"strings"
	"testing"
)

// Words at nearly every byte take no memory beyond a few times the value's, and nothing is lost.
func TestFlood(t *testing.T) {
	exprs := []string{`<[a-z]{2,6}!`, `(?i)<scr\w{1,4}>`, `'\s{0,3}or\b`, `<<<x`, `(?:<|')+y[0-9]{3}`, `<.{0,9}z$`}
	patterns := make([]Pattern, len(exprs))
	for i, e := range exprs {
		patterns[i] = Pattern{Expr: e}
	}
	s, err := New(patterns, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	x, many := &Scratch{}, strings.Repeat("<'", 1<<19)
	for _, tail := range []string{"", "<abc!", "<script>", "' or ", "<<<x", "'y123", "<abcz", "<abc", "\u017f<\u017fcript>"} {
		for _, value := range []string{many + tail, tail + many} {
			want, hits := make(Bits, s.Words()), make(Bits, s.Words())
			want[0] = 1<<len(exprs) - 1
			s.Scan(x, value, want, hits)
			for i, e := range exprs {
				if got, is := hits[0]>>i&1 != 0, regexp.MustCompile(`(?s)`+e).MatchString(value); got != is {
					t.Errorf("%s with %q: %v, want %v", e, tail, got, is)
				}
			}
			if n := x.bytes(); n > 4*len(value) {
				t.Errorf("%q: %d bytes for a value of %d", tail, n, len(value))
			}
		}
	}
	if x.Trim(); x.bytes() > 1<<20 {
		t.Errorf("%d bytes are kept", x.bytes())
	}
}

// bytes is what x holds because of a value.
func (x *Scratch) bytes() int {
	n := cap(x.value) + cap(x.fold) + 8*cap(x.hits) + 8*cap(x.chain) + 16*cap(x.moved)
	for i := range x.ends {
		n += 4 * cap(x.ends[i].places)
	}
	return n
}

// Find tells of its steps as it goes, so that it can be ended, and FindNear gives up.
func TestFindSpends(t *testing.T) {
	s, err := New([]Pattern{{Expr: `((a|b){1,30}){1,10}.*d`}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	value := strings.Repeat("abbab", 2000) + "d"
	steps, most := 0, 0
	x := &Scratch{Spend: func(n int) { steps, most = steps+n, max(most, n) }}
	if got := s.Find(x, 0, value, nil); len(got) == 0 || got[0] != 0 || got[1] != len(value) {
		t.Errorf("found %v", got)
	}
	if program := len(s.patterns[0].run.steps); steps < 100*len(value) || most > slice+2*program {
		t.Errorf("%d steps for %d bytes, at most %d at once of a program of %d", steps, len(value), most, program)
	}
	if cost := s.FindCost(0); cost < 1000 {
		t.Errorf("%.0f ns/byte", cost)
	}
	type over struct{}
	calls := 0
	x.Spend = func(int) {
		if calls++; calls == 2 {
			panic(over{})
		}
	}
	func() {
		defer func() {
			if _, ok := recover().(over); !ok || calls != 2 {
				t.Errorf("not ended, after %d calls", calls)
			}
		}()
		s.Find(x, 0, value, nil)
	}()
	steps, x.Spend = 0, func(n int) { steps += n }
	s.FindNear(x, 0, value, 256, nil)
	if most := nearSteps*256 + slice + 2000; steps > 2*most {
		t.Errorf("FindNear took %d steps, want at most %d", steps, most)
	}
}
