package differential_test

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/rules/compile"
)

// TestHistory shows that what comes of a request does not depend on those before it, though engines use their memory again.
func TestHistory(t *testing.T) {
	pairs := corePairs(t)
	v := learn(t, pairs[0].src.Directives)
	for i, p := range pairs {
		shared := runner(t, p.program, p.src.Config)
		next := *seed*1_000_000 + uint64(i)*250_000 + 100_000 //nolint:gosec // an index
		for n := range share(40) {
			r := v.request(next + uint64(n)) //nolint:gosec // an index
			first := runner(t, p.program, p.src.Config).run(r)
			for k := range 3 {
				if list := diff(shared.run(r), first, shared.known); len(list) > 0 {
					t.Fatalf("%s, time %d, with %s\n%s", p.name, k, r, joined(list))
				}
				for m := range 4 {
					shared.run(v.request(next + uint64((n+7*m+k)%50))) //nolint:gosec // an index
				}
			}
		}
	}
}

// TestFolding shows that what is decided when rules are compiled is what would be decided when they run.
func TestFolding(t *testing.T) {
	pairs := corePairs(t)
	v := learn(t, pairs[0].src.Directives)
	for i, p := range pairs {
		o := p.src.Options
		o.Unfolded = true
		whole, faults := compile.Compile(p.src.Directives, o)
		for _, f := range faults {
			t.Fatalf("%s:%d: %s", f.File, f.Line, f.Text)
		}
		if p.program.Folded == 0 || whole.Folded != 0 {
			t.Fatalf("%s: %d rules folded, %d without folding", p.name, p.program.Folded, whole.Folded)
		}
		folded, unfolded := runner(t, p.program, p.src.Config), runner(t, whole, p.src.Config)
		next := *seed*1_000_000 + uint64(i)*250_000 + 200_000 //nolint:gosec // an index
		for n := range 500 {
			r := v.request(next + uint64(n)) //nolint:gosec // an index
			if list := diff(folded.run(r), unfolded.run(r), folded.known); len(list) > 0 {
				t.Fatalf("%s (Coraza stands for what is not folded), with %s\n%s", p.name, r, joined(list))
			}
		}
	}
	for n := range share(100) {
		r := newRand(uint64(n)) //nolint:gosec // an index
		units := randomRules(r)
		p, ours, _ := loaded(units)
		if ours != nil {
			continue
		}
		whole, faults := compile.Compile(p.src.Directives, compile.Options{Files: noFiles{}, Unfolded: true})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		folded, unfolded := runner(t, p.program, p.src.Config), runner(t, whole, p.src.Config)
		for range 6 {
			q := smallRequest(r, "rules")
			if list := diff(folded.run(q), unfolded.run(q), folded.known); len(list) > 0 {
				t.Fatalf("%v (Coraza stands for what is not folded), with %s\n%s", units, q, joined(list))
			}
		}
	}
}
