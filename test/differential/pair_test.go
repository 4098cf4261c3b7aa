package differential_test

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/compile"
)

// pair is both engines with the same rules.
type pair struct {
	name    string
	program *compile.Program
	src     *rules.Source
	theirs  *theirs
	loose   bool // the rules are generated
}

// newPair compiles the rules of s for both.
func newPair(t testing.TB, f *rules.Factory, name string, s rules.Settings) *pair {
	t.Helper()
	src := source(t, f, s)
	p, faults := compile.Compile(src.Directives, src.Options)
	for _, f := range faults {
		t.Fatalf("%s:%d: %s", f.File, f.Line, f.Text)
	}
	return &pair{name: name, program: p, src: src, theirs: mustTheirs(t, textOf(src.Directives), s.Detect, src.Options.Fixed, src.Config.Given)}
}

// asks bounds how often Coraza is asked again about one request, because the order of its values changes from run to run.
const asks = 48

// differences returns what differs between both engines on r, and how many things differed only in what depends on the order of values.
func (p *pair) differences(o *ours, r *request) (list []difference, order int) {
	got := o.run(r)
	list = diff(got, p.theirs.run(r), o.known)
	for n := 0; n < asks && len(list) > 0; n++ {
		again := map[string]bool{}
		for _, d := range diff(got, p.theirs.run(r), o.known) {
			again[d.key] = true
		}
		left := list[:0]
		for _, d := range list {
			if again[d.key] {
				left = append(left, d)
			} else {
				order++
			}
		}
		list = left
		if n > 6 && order == 0 {
			break
		}
	}
	return list, order
}

// tally counts what was explained, and keeps one example of whatever was not.
type tally struct {
	mu       sync.Mutex
	requests int
	order    int            // things that depend on the order of values
	rows     map[string]int // by row of the table
	failures map[string]failure
}

type failure struct {
	p     *pair
	r     *request
	list  []difference
	count int
}

func newTally() *tally { return &tally{rows: map[string]int{}, failures: map[string]failure{}} }

func (y *tally) add(p *pair, r *request, list []difference, order int) {
	left, rows := unexplained(r, list)
	y.mu.Lock()
	defer y.mu.Unlock()
	y.requests++
	y.order += order
	for _, name := range rows {
		y.rows[name]++
	}
	if len(left) == 0 {
		return
	}
	key := left[0].key
	f := y.failures[key]
	if f.r == nil || len(r.String()) < len(f.r.String()) {
		f.p, f.r, f.list = p, r, left
	}
	f.count++
	y.failures[key] = f
}

// compareAll runs requests in both engines, on as many goroutines as there are processors that this is given.
func compareAll(y *tally, p *pair, t testing.TB, next func() *request) {
	t.Helper()
	const workers = 2
	var wg sync.WaitGroup
	var mu sync.Mutex
	var stop atomic.Bool
	for range workers {
		o := runner(t, p.program, p.src.Config)
		wg.Go(func() {
			for !stop.Load() {
				mu.Lock()
				r := next()
				mu.Unlock()
				if r == nil {
					return
				}
				list, order := p.differences(o, r)
				y.add(p, r, list, order)
			}
		})
	}
	wg.Wait()
}

// report fails t for each kind of difference that is not explained, with its smallest request.
func (y *tally) report(t *testing.T) {
	t.Helper()
	t.Logf("%d requests, %d things that depend on the order of values, explained: %v", y.requests, y.order, y.rows)
	keys := make([]string, 0, len(y.failures))
	for key := range y.failures {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return y.failures[keys[i]].count > y.failures[keys[j]].count })
	for i, key := range keys {
		f := y.failures[key]
		if i >= 12 {
			t.Errorf("and %d more kinds of differences: %s", len(keys)-i, strings.Join(keys[i:], ", "))
			return
		}
		r, list := shrink(f.p, runner(t, f.p.program, f.p.src.Config), f.r, key)
		t.Errorf("%s: %s, %d times, with %s\n%s", f.p.name, key, f.count, r, joined(list))
	}
}

func joined(list []difference) string {
	var b strings.Builder
	for i, d := range list {
		if i >= 8 {
			fmt.Fprintf(&b, "  and %d more\n", len(list)-i)
			break
		}
		fmt.Fprintf(&b, "%s\n", d)
	}
	return b.String()
}
