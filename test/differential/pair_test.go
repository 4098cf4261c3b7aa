package differential_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// pair is both engines with the same rules.
type pair struct {
	name    string
	program *compile.Program
	src     *rules.Source
	theirs  *theirs
}

// newPair compiles the rules of s for both, and mends in Coraza what explains differences.
func newPair(t testing.TB, f *rules.Factory, name string, s rules.Settings) *pair {
	t.Helper()
	return newPairOf(t, name, source(t, f, s), rows())
}

// newPairOf compiles src for both, with the mends of list.
func newPairOf(t testing.TB, name string, src *rules.Source, list []row) *pair {
	t.Helper()
	p, faults := compile.Compile(src.Directives, src.Options)
	for _, f := range faults {
		t.Fatalf("%s:%d: %s", f.File, f.Line, f.Text)
	}
	o, err := newTheirs(textOf(src.Directives), src.Config.Detect, list, src.Options.Fixed, src.Config.Given)
	if err != nil {
		t.Fatal(err)
	}
	return &pair{name: name, program: p, src: src, theirs: o}
}

// defaultRules is what rules that are not the Core Rule Set begin with.
const defaultRules = `SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecDefaultAction "phase:5,log,auditlog,pass"
`

// noFiles is what rules may read that are generated.
type noFiles struct{}

func (noFiles) Read(name string) ([]byte, error) { return nil, errors.New("there is no file " + name) }
func (noFiles) Glob(string) ([]string, error)    { return nil, nil }

// custom makes a source of SecLang, the Core Rule Set aside.
func custom(t testing.TB, text string) *rules.Source {
	t.Helper()
	list, faults := seclang.ParseText(noFiles{}, "test.conf", text)
	for _, f := range faults {
		t.Fatalf("%s:%d: %s\n%s", f.File, f.Line, f.Text, text)
	}
	return &rules.Source{Directives: list, Options: compile.Options{Files: noFiles{}}}
}

// asks bounds how often Coraza is asked again about one request, because the order of its values changes from run to run.
const asks = 400

// differences returns what differs between both engines on r, and how many things differed only in what depends on the order of values.
//
// Coraza walks the values of a collection in an order that changes from run to run, those with one name together. So what ours has must come up in
// some run of Coraza's; and where names come in turns, it must do so once they are put together.
func (p *pair) differences(o *ours, r *request) (list []difference, order int) {
	list, order = p.sometimes(o, r)
	if len(list) > 0 {
		if c := grouped(r); c != nil {
			if left, _ := p.sometimes(o, c); len(left) == 0 {
				return nil, order + len(list)
			}
		}
	}
	return list, order
}

// sometimes returns what differs in every run of Coraza, and how many things did in some.
func (p *pair) sometimes(o *ours, r *request) (list []difference, order int) {
	got := o.run(r)
	list = diff(got, p.theirs.run(r), o.known)
	first, steady := joined(list), true
	for n := 0; n < asks && len(list) > 0; n++ {
		again := map[string]bool{}
		now := diff(got, p.theirs.run(r), o.known)
		for _, d := range now {
			again[d.key] = true
		}
		steady = steady && joined(now) == first
		left := list[:0]
		for _, d := range list {
			if again[d.key] {
				left = append(left, d)
			} else {
				order++
			}
		}
		list = left
		if n > 20 && steady {
			break
		}
	}
	return list, order
}

// grouped returns r with the values of one name together, nil where they are.
func grouped(r *request) *request {
	c := r.clone()
	path, query, ok := strings.Cut(r.target, "?")
	if ok {
		c.target = path + "?" + together(query, "&", nameOf)
	}
	for i, f := range c.header {
		if strings.EqualFold(f.Name, "Cookie") {
			c.header[i].Value = together(f.Value, ";", nameOf)
		}
	}
	switch processor(r) {
	case "URLENCODED":
		c.body = together(r.body, "&", nameOf)
	case "MULTIPART":
		c.body = partsTogether(r.body, r.header.Get("Content-Type"))
	}
	slices.SortStableFunc(c.header, func(a, b exchange.Field) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	if c.String() == r.String() {
		return nil
	}
	return c
}

// together sorts the pairs of a list by name.
func together(list, sep string, name func(string) string) string {
	all := strings.Split(list, sep)
	slices.SortStableFunc(all, func(a, b string) int { return strings.Compare(name(a), name(b)) })
	return strings.Join(all, sep)
}

// partsTogether sorts the parts of a multipart body by name.
func partsTogether(s, contentType string) string {
	_, boundary, ok := strings.Cut(contentType, "boundary=")
	delimiter := "--" + strings.Trim(boundary, `"`)
	end := strings.LastIndex(s, delimiter+"--")
	if !ok || end < 0 {
		return s
	}
	parts := strings.Split(s[:end], delimiter+"\r\n")
	slices.SortStableFunc(parts[1:], func(a, b string) int { return strings.Compare(partName(a), partName(b)) })
	return strings.Join(parts, delimiter+"\r\n") + s[end:]
}

func partName(part string) string {
	_, rest, _ := strings.Cut(part, " name=\"")
	name, _, _ := strings.Cut(rest, "\"")
	return strings.ToLower(name)
}

func nameOf(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	if s, err := url.QueryUnescape(name); err == nil {
		name = s
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// tally counts what was explained, and keeps one example of whatever was not.
type tally struct {
	mu        sync.Mutex
	requests  int
	differing int
	order     int            // things that depend on the order of values
	before    map[string]int // what rows had changed
	failures  map[string]failure
}

type failure struct {
	p     *pair
	r     *request
	count int
}

func newTally() *tally { return &tally{before: noted(nil), failures: map[string]failure{}} }

// enough is how many requests may differ before no more are tried.
const enough = 60

// add counts a request and reports whether enough differ.
func (y *tally) add(p *pair, r *request, list []difference, order int) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.requests++
	y.order += order
	if len(list) == 0 {
		return y.differing >= enough
	}
	y.differing++
	key := list[0].key
	f := y.failures[key]
	if f.r == nil || len(r.String()) < len(f.r.String()) {
		f.p, f.r = p, r
	}
	f.count++
	y.failures[key] = f
	return y.differing >= enough
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
				if y.add(p, r, list, order) {
					stop.Store(true)
				}
			}
		})
	}
	wg.Wait()
}

// report fails t for each kind of difference that is not explained, with its smallest request.
func (y *tally) report(t *testing.T) {
	t.Helper()
	t.Logf("%d requests, %d things that depend on the order of values, explained: %v", y.requests, y.order, noted(y.before))
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
