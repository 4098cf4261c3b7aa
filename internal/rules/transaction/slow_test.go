package transaction_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// pair is the same rules in an engine, and in one that runs every rule on every value.
type pair struct{ fast, slow *transaction.Engine }

func openPair(t testing.TB) pair {
	t.Helper()
	p := build(t, defaults+crsText(4, 100000), map[string]string{"blocking_paranoia_level": "4", "detection_paranoia_level": "4"})
	fast, err := transaction.New(p, transaction.Config{})
	if err != nil {
		t.Fatal(err)
	}
	slow, err := transaction.NewSlow(p, transaction.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return pair{fast, slow}
}

// compare runs x in both.
func (p pair) compare(t *testing.T, name string, x *exchange.Exchange, body string) {
	t.Helper()
	y := *x
	fast, slow := run(p.fast, x, body), run(p.slow, &y, body)
	if d := cmp.Diff(slow.waf.Rules, fast.waf.Rules); d != "" {
		t.Errorf("%s: rules (-one by one +planned):\n%s", name, d)
	}
	if d := cmp.Diff(slow.waf.Matches, fast.waf.Matches); d != "" {
		t.Errorf("%s: matches (-one by one +planned):\n%s", name, d)
	}
	if d := cmp.Diff(slow.tx, fast.tx); d != "" {
		t.Errorf("%s: TX (-one by one +planned):\n%s", name, d)
	}
}

// TestPlanChangesNothing holds that looking for patterns beforehand gives what running each rule on each value gives.
func TestPlanChangesNothing(t *testing.T) {
	p := openPair(t)
	all := stages(t)
	for i := 3; i < len(all); i += 37 {
		p.compare(t, all[i].name, all[i].x, all[i].body)
	}
	for _, s := range samples() {
		p.compare(t, s.name, s.x, s.body)
	}
}

func FuzzPlanChangesNothing(f *testing.F) {
	p := openPair(f)
	f.Add("/?q=1", "a=b", "x", uint8(0))
	f.Add("/a%2fb?Q=%3CSCRIPT%3E", "a=%26lt;script", "SELECT * FROM a", uint8(0))
	f.Add("/?a=cGFzc3dk&b=\\x41&c=/**/1", `{"a":["B","\u0041"]}`, "() { :; };", uint8(1))
	f.Add("/?a=A&a=a&A=\xc4\xb0", "<a b='C'>D&amp;</a>", "Mozilla", uint8(2))
	f.Fuzz(func(t *testing.T, target, body, field string, kind uint8) {
		if len(target)+len(body)+len(field) > 4<<10 {
			t.Skip("long")
		}
		types := []string{"application/x-www-form-urlencoded", "application/json", "text/xml", "text/plain", "multipart/form-data; boundary=b"}
		x := post("/"+strings.TrimPrefix(target, "/"), types[int(kind)%len(types)], "X-Field", field, "Cookie", "a="+field, "Referer", field)
		p.compare(t, "fuzz", x, body)
	})
}

// The slow engine is one that can differ: without what wakes rules, the fast one finds less.
func TestSlowRunsAll(t *testing.T) {
	p := openPair(t)
	o := run(p.slow, get("/?q=%3Cscript%3Ealert(1)%3C/script%3E"), "")
	if !slices.Contains(o.waf.Rules, 941100) || !slices.Contains(o.waf.Rules, 941110) {
		t.Errorf("%v", o.waf.Rules)
	}
}
