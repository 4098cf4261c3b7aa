package differential_test

import (
	"errors"
	"fmt"

	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// loaded is a rule set that both engines took; why not, where one did not.
func loaded(units []string) (p *pair, ours, coraza error) {
	text := defaultRules + strings.Join(units, "\n") + "\n"
	list, faults := seclang.ParseText(noFiles{}, "test.conf", text)
	src := &rules.Source{Directives: list, Options: compile.Options{Files: noFiles{}}}
	var program *compile.Program
	if len(faults) == 0 {
		program, faults = compile.Compile(src.Directives, src.Options)
	}
	if len(faults) > 0 {
		ours = errors.New(faults[0].Text)
	}
	o, coraza := newTheirs(text, false, rows())
	return &pair{name: "rules", program: program, src: src, theirs: o}, ours, coraza
}

// TestRandomRules compares rule sets of a grammar on a few requests each.
func TestRandomRules(t *testing.T) {
	const requests = 6
	sets := share(1000)
	var mu sync.Mutex
	var wg sync.WaitGroup
	taken, order, failures := 0, 0, 0
	refused := map[string]int{}
	next := 0
	for range 2 {
		wg.Go(func() {
			for {
				mu.Lock()
				n := next
				next++
				stop := n >= sets || failures >= 8
				mu.Unlock()
				if stop {
					return
				}
				name := fmt.Sprintf("seed %d set %d", *seed, n)
				r := newRand(uint64(n)) //nolint:gosec // an index
				units := randomRules(r)
				p, ours, coraza := loaded(units)
				mu.Lock()
				switch {
				case ours != nil && coraza == nil:
					refused["ours: "+ours.Error()]++
				case coraza != nil && ours == nil:
					refused["Coraza: "+coraza.Error()]++
				}
				mu.Unlock()
				if ours != nil || coraza != nil {
					continue
				}
				o := runner(t, p.program, p.src.Config)
				for range requests {
					q := smallRequest(r, name)
					list, k := p.differences(o, q)
					mu.Lock()
					taken++
					order += k
					if len(list) > 0 {
						failures++
					}
					mu.Unlock()
					if len(list) > 0 {
						units, q, list = shrinkRules(t, units, q)
						t.Errorf("%s\n%s\n%s", strings.Join(units, "\n"), q, joined(list))
						break
					}
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d requests to %d rule sets, %d things that depend on the order of values", taken, sets, order)
	for why, n := range refused {
		t.Logf("%d sets refused: %s", n, why)
	}
	if taken < sets*requests/2 && failures == 0 {
		t.Errorf("only %d requests: too many rule sets are refused", taken)
	}
}

// shrinkRules returns the fewest rules, and the smallest request, that still differ.
func shrinkRules(t testing.TB, units []string, q *request) ([]string, *request, []difference) {
	differs := func(units []string, q *request) []difference {
		p, ours, coraza := loaded(units)
		if ours != nil || coraza != nil {
			return nil
		}
		if list, _ := p.differences(runner(t, p.program, p.src.Config), q); len(list) > 0 {
			return list
		}
		return nil
	}
	best := differs(units, q)
	if best == nil {
		return units, q, []difference{{key: "it is not there again"}}
	}
	for again, left := true, 400; again && left > 0; {
		again = false
		for i := 0; i < len(units); i++ {
			fewer := slices.Delete(slices.Clone(units), i, i+1)
			if list := differs(fewer, q); list != nil {
				units, best, again = fewer, list, true
				i--
			}
			left--
		}
		for i := range units {
			for _, s := range simpler(units[i]) {
				less := slices.Clone(units)
				less[i] = s
				left--
				if list := differs(less, q); list != nil {
					units, best, again = less, list, true
					break
				}
			}
		}
		for _, c := range candidates(q) {
			left--
			if list := differs(units, c); list != nil {
				q, best, again = c, list, true
				break
			}
		}
	}
	return units, q, best
}

// simpler returns a unit without one of its actions, or without one of its targets.
func simpler(unit string) (list []string) {
	for i := 0; i < len(unit); i++ {
		if unit[i] != ',' && unit[i] != '|' {
			continue
		}
		end := i + 1
		for end < len(unit) && !strings.ContainsRune(",|\" ", rune(unit[end])) {
			end++
		}
		list = append(list, unit[:i]+unit[end:])
	}
	return list
}
