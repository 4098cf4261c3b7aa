package differential_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"

	"github.com/lunette-waf/lunette/internal/rules/body"
)

// A difference is explained by mending what Coraza does wrong, and only that: the rest of the exchange then has to be the same to the last value. So
// a row cannot hide what follows from it, nor anything beside it.

// row is a difference that stands.
type row struct {
	name   string
	coraza string // what Coraza does
	right  string // who is right, by what

	// on picks the requests on which the row may explain something, of which p is how the body is read: nil are all.
	on func(r *request, p body.Processor) bool
	// Of these one is set: what gives Coraza's variables the right values before the first rule, or before those of the body; the name of the
	// transformation that the right one takes the place of; what writes rules in a way that Coraza understands.
	start, body    func(v plugintypes.TransactionVariables, r *request)
	transformation string
	text           func(rules string) string
	location       func(v plugintypes.TransactionVariables, s string) string // of redirects

	rules   string // for the row's own test, with the dump
	example *request
}

// rows lists them. docs/rules-differences.md says the same to readers; a test compares the names.
func rows() []row {
	return slices.Concat(variableRows(), bodyRows(), actionRows(), transformationRows())
}

// mends is the rows that one Coraza is mended by.
type mends struct{ rows []row }

// ledger counts, for the whole process, what each row has changed.
var ledger = struct { //nolint:gochecknoglobals // Coraza's table of transformations is one for the process too
	mu   sync.Mutex
	used map[string]int
}{used: map[string]int{}}

func note(name string) {
	ledger.mu.Lock()
	ledger.used[name]++
	ledger.mu.Unlock()
}

// noted returns how often rows have changed something since before, or ever.
func noted(before map[string]int) map[string]int {
	ledger.mu.Lock()
	defer ledger.mu.Unlock()
	out := map[string]int{}
	for name, n := range ledger.used {
		if n > before[name] {
			out[name] = n - before[name]
		}
	}
	return out
}

// apply runs the mends of one step on v and counts those that changed it. p is how the body was read, None for not at all.
func (m *mends) apply(v plugintypes.TransactionVariables, r *request, p body.Processor, step func(w *row) func(plugintypes.TransactionVariables, *request)) {
	for i := range m.rows {
		w := &m.rows[i]
		f := step(w)
		if f == nil || w.on != nil && !w.on(r, p) {
			continue
		}
		before := image(v)
		if f(v, r); before != image(v) {
			note(w.name)
		}
	}
}

func atStart(w *row) func(plugintypes.TransactionVariables, *request) { return w.start }
func atBody(w *row) func(plugintypes.TransactionVariables, *request)  { return w.body }

// TestRows shows for each row that Coraza differs as it says, and that its mend mends it.
func TestRows(t *testing.T) {
	before := noted(nil)
	defer func() { // what examples need explains nothing
		ledger.mu.Lock()
		ledger.used = before
		ledger.mu.Unlock()
	}()
	for _, w := range rows() {
		t.Run(w.name, func(t *testing.T) {
			if w.coraza == "" || w.right == "" {
				t.Error("nothing is said of it")
			}
			before := noted(nil)
			src := custom(t, defaultRules+w.rules+dump)
			others := slices.DeleteFunc(rows(), func(o row) bool { return o.name == w.name })
			plain, mended := newPairOf(t, "plain", src, others), newPairOf(t, "mended", src, rows())
			o := runner(t, plain.program, src.Config)
			if list, _ := plain.differences(o, w.example); len(list) == 0 {
				t.Error("Coraza does not differ any more")
			}
			if list, _ := mended.differences(o, w.example); len(list) > 0 {
				t.Errorf("it differs though it is mended:\n%s", joined(list))
			}
			if noted(before)[w.name] == 0 {
				t.Error("the mend is not counted")
			}
		})
	}
}
