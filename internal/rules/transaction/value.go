package transaction

import (
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// text is a value, or what a chain of transformations makes of it, with what is known of it.
type text struct {
	s     string
	class transform.Class // 0: not looked at yet
	cand  int32           // offset in work.bits of the patterns that may match, plus 1 and the base; not above that: not known, -1: none may
	found int32           // offset of the patterns that were tried and of those that matched, plus 1 and the base; not above that: none was tried
	edge  int32           // first of work.edges, plus 1 and the base
	fixed idSet           // transformations that leave it alone, as far as known
	moved idSet           // others that may not
	cased idSet           // others that change but the case of its letters
	sqli  tried           // outcome of @detectSQLi and @detectXSS, which cost too much to be asked twice
	xss   tried
	asks  int32 // first of work.asks, plus 1
	made  bool  // by transformations: only patterns behind transformations are looked for, and long lists each by itself
	alone int8  // automata that were run on it without a look for candidates
}

// tried is an outcome that is kept.
type tried uint8

const (
	untried tried = iota
	missed
	matchedText
)

// value is one value of a variable.
type value struct {
	key  string
	fold string // key in lower case, once somebody asked
	text text
}

func (w *work) classOf(t *text) transform.Class {
	if t.class == 0 {
		t.class = transform.Classify(t.s)
	}
	return t.class
}

// matcher returns the patterns that are looked for in t, and what it takes.
func (w *work) matcher(t *text) (*match.Set, *match.Scratch) {
	in := compile.PlaceOf(w.phase)
	if t.made {
		in = compile.InDerived
	}
	return w.plan.program.Views[in], &w.scratch[in]
}

// settle completes what verify has found.
func (w *work) settle() {
	for i := range w.scratch {
		w.scratch[i].Settle()
	}
}

// candidates returns the patterns that may match t, or anything that differs from it in the case of letters only; nil for none.
func (w *work) candidates(t *text) match.Bits {
	switch {
	case t.cand > w.baseBits:
		at := int(t.cand - w.baseBits - 1)
		return w.bits[at : at+w.plan.words]
	case t.cand < 0 || w.plan.words == 0:
		return nil
	}
	w.spend(len(t.s))
	at := len(w.bits)
	w.bits = append(w.bits, w.zero...)
	may := w.bits[at:]
	set, x := w.matcher(t)
	set.Candidates(x, t.s, may)
	for _, b := range may {
		if b != 0 {
			t.cand = w.baseBits + int32(at) + 1 //nolint:gosec // the budget ends before so many values
			return may
		}
	}
	w.bits = w.bits[:at]
	t.cand = -1
	return nil
}

// newText returns an empty text at an address that stays.
func (w *work) newText() *text {
	const size = 64
	if w.texts == len(w.chunks)*size {
		w.chunks = append(w.chunks, make([]text, size))
	}
	t := &w.chunks[w.texts/size][w.texts%size]
	w.texts++
	return t
}

// foundIn returns the patterns that are known to match t, nil where none was tried.
func (w *work) foundIn(t *text) match.Bits {
	if t.found <= w.baseBits {
		return nil
	}
	at := int(t.found-w.baseBits-1) + w.plan.words
	return w.bits[at : at+w.plan.words]
}

// verify returns which of want match t, complete from the next settle on.
func (w *work) verify(t *text, want match.Bits, alone bool) match.Bits {
	n := w.plan.words
	if t.found <= w.baseBits {
		t.found = w.baseBits + int32(len(w.bits)) + 1 //nolint:gosec // the budget ends before so many values
		w.bits = append(append(w.bits, w.zero...), w.zero...)
	}
	at := int(t.found - w.baseBits - 1)
	asked, hits := w.bits[at:at+n], w.bits[at+n:at+2*n]
	open := false
	for i, b := range want {
		w.open[i] = b &^ asked[i]
		open = open || w.open[i] != 0
		asked[i] |= b
	}
	switch {
	case !open:
	case alone:
		w.spend(len(t.s))
		w.plan.set.Alone(&w.scratch[0], t.s, w.open, hits)
	case len(t.s) > clockBytes:
		w.verifyLong(t, hits)
	default:
		w.spend(len(t.s))
		set, x := w.matcher(t)
		set.Verify(x, t.s, w.open, hits)
	}
	return hits
}

// verifyLong runs the open patterns on a long text in several passes, so that the clock can be looked at in between.
func (w *work) verifyLong(t *text, hits match.Bits) {
	set, x := w.matcher(t)
	for i, b := range w.open {
		if b == 0 {
			continue
		}
		part := w.subset[:len(w.open)]
		clear(part)
		part[i] = b
		w.spend(len(t.s))
		set.Verify(x, t.s, part, hits)
	}
}

// matches reports whether pattern i matches t.
func (w *work) matches(t *text, i int32) bool {
	alone := t.made && has(w.plan.lists, i)
	if n := w.plan.few[i]; n > 0 && t.cand == 0 && t.alone+n <= maxAlone {
		t.alone += n
		alone = true
	}
	if !alone {
		if may := w.candidates(t); may == nil || !has(may, i) {
			return false
		}
	}
	w.one[i>>6] = 1 << (uint(i) & 63)
	hits := w.verify(t, w.one, alone)
	w.settle()
	w.one[i>>6] = 0
	return has(hits, i)
}

// parts returns the variables that hold the values of v, in their order.
func parts(v seclang.Variable) (list [3]seclang.Variable, n int) {
	switch v {
	case seclang.VarArgs:
		return [3]seclang.Variable{seclang.VarArgsGet, seclang.VarArgsPost, seclang.VarArgsPath}, 3
	case seclang.VarArgsNames:
		return [3]seclang.Variable{seclang.VarArgsGetNames, seclang.VarArgsPostNames}, 2
	}
	return [3]seclang.Variable{v}, 1
}
