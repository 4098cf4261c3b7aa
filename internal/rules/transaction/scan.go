package transaction

import (
	"math/bits"
	"slices"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// mask is what to look for in a value of one variable that some transformations change. It is worked out once for each such pair.
type mask struct {
	id     int32 // of wanted; 0: the slot is free
	active idSet
	union  match.Bits // patterns behind chains that change but the case of such a value: one look at the value stands for all
	same   []int32    // indexes of those, in wanted.all
	other  []int32    // indexes of the others
}

const maskSlots = 512

// maxAlone is how many automata are run on a text, one after the other, before a pass for the candidates of all patterns is thought to
// cost less: where a text holds many words of many patterns, a byte of a pass costs ten steps of an automaton and more.
const maxAlone = 6

// mask returns what to look for in a value that may be changed by the active ones of the transformations alone.
func (w *work) mask(of *wanted, active idSet) *mask {
	h := (uint64(of.id)*0x9e3779b97f4a7c15 ^ uint64(active)*0xc2b2ae3d27d4eb4f) >> 32 //nolint:gosec // a hash
	m := &w.masks[h%maskSlots]
	if m.id == of.id && m.active == active {
		return m
	}
	m.id, m.active = of.id, active
	if m.union == nil {
		m.union = make(match.Bits, w.plan.words)
	}
	clear(m.union)
	m.same, m.other = m.same[:0], m.other[:0]
	for i, a := range of.all {
		if w.plan.chains[a.chain].ids&active != 0 {
			m.other = append(m.other, int32(i)) //nolint:gosec // a few hundred
			continue
		}
		m.same = append(m.same, int32(i)) //nolint:gosec // a few hundred
		for j, b := range a.patterns {
			m.union[j] |= b
		}
	}
	return m
}

// hit is a value that matches the pattern that a rule begins with.
type hit struct {
	text     *text
	index    int32 // of the value among those of variable
	next     int32 // of the same rule, plus 1
	variable seclang.Variable
}

// scan looks at each value that a pattern of the phase is wanted in, and wakes the rules whose patterns match.
func (w *work) scan(ph *phase) {
	for i := range ph.wanted {
		of := &ph.wanted[i]
		values := w.values(of.variable)
		for j := range values {
			w.scanValue(ph, of, &values[j], int32(j)) //nolint:gosec // bounded by the limits of the body
		}
	}
}

// scanValue asks of each text that the chains make of v, once, for all patterns that are wanted in it.
func (w *work) scanValue(ph *phase, of *wanted, v *value, index int32) {
	w.scanned++
	if len(of.all) > 0 {
		m := w.mask(of, w.active(&v.text, of.ids))
		if len(m.same) > 0 {
			if may := w.candidates(&v.text); may != nil && meet(may, m.union) {
				for _, i := range m.same {
					if a := &of.all[i]; meet(may, a.patterns) {
						w.ask(w.after(v, a.chain), a)
					}
				}
			}
		}
		for _, i := range m.other {
			if w.seek(v, &of.all[i]); w.heavy() {
				w.answer(ph, of.variable, index)
				w.shed()
			}
		}
	}
	if len(of.keyed) > 0 {
		if key := w.foldOf(v); of.lengths&lengthBit(key) != 0 {
			w.scanKeyed(of.keyed[key], v)
		}
	}
	if len(w.asked) > 0 {
		w.answer(ph, of.variable, index)
	}
}

// scanKeyed asks for what list wants in v.
func (w *work) scanKeyed(list []want, v *value) {
	for i := range list {
		a := &list[i]
		if w.active(&v.text, w.plan.chains[a.chain].ids) != 0 {
			w.seek(v, a)
		} else if may := w.candidates(&v.text); may != nil && meet(may, a.patterns) {
			w.ask(w.after(v, a.chain), a)
		}
	}
}

// seek asks for what a wants in what its chain makes of v. Texts that are too short need no look.
func (w *work) seek(v *value, a *want) {
	n := len(v.text.s)
	if !a.grows && (!a.swells || v.text.class&w.plan.steps.swells == 0) && (n < a.least || a.decodes && n*3/4 < a.least) {
		return
	}
	if a.decodes && w.plan.chains[a.chain].ids&v.text.moved&^w.plan.steps.spaces == 0 && w.digits(v)*3/4 < a.least {
		return
	}
	if t := w.derive(&v.text, a.chain); len(t.s) >= a.least {
		w.ask(t, a)
	}
}

// ask is one want in one text of the value that is being scanned.
type ask struct {
	want *want
	next int32 // of the same text, plus 1
}

// ask notes that a is wanted in t.
func (w *work) ask(t *text, a *want) {
	if t.asks == 0 {
		w.asked = append(w.asked, t)
	}
	w.asks = append(w.asks, ask{a, t.asks})
	t.asks = int32(len(w.asks)) //nolint:gosec // at most one for each chain
}

// answer looks for what was asked, text by text: what one pass over a text finds serves all who asked. Automata that go over whole texts do so
// together, at the end.
func (w *work) answer(ph *phase, variable seclang.Variable, index int32) {
	w.bits = slices.Grow(w.bits, 3*w.plan.words*len(w.asked)) // hits stay where they are
	for _, t := range w.asked {
		w.examine(t)
	}
	w.settle()
	for _, t := range w.asked {
		if hits := w.foundIn(t); hits != nil {
			for i := t.asks; i != 0; i = w.asks[i-1].next {
				w.wakeBy(ph, variable, index, w.asks[i-1].want, t, hits)
			}
		}
		t.asks = 0
	}
	w.asked, w.asks = w.asked[:0], w.asks[:0]
}

// examine looks for what was asked in t: what is found is complete from the next settle on.
func (w *work) examine(t *text) {
	clear(w.want)
	few, many := int(t.alone), t.cand != 0
	for i := t.asks; i != 0; i = w.asks[i-1].next {
		a := w.asks[i-1].want
		few, many = few+a.few, many || a.few == 0
		for j, b := range a.patterns {
			w.want[j] |= b
		}
	}
	if !many && few <= maxAlone {
		t.alone = int8(few) //nolint:gosec // at most maxAlone
		w.verify(t, w.want, true)
		return
	}
	if t.made && meet(w.want, w.plan.lists) {
		for j, b := range w.plan.lists {
			w.subset[j] = w.want[j] & b
			w.want[j] &^= b
		}
		w.verify(t, w.subset, true)
	}
	may := w.candidates(t)
	if may == nil || !meet(may, w.want) {
		return
	}
	for j, b := range may {
		w.want[j] &= b
	}
	w.verify(t, w.want, false)
}

// digits returns how many digits of base64 v begins with at most, blanks passed over: what follows is not decoded.
func (w *work) digits(v *value) int {
	if w.counted64.value == w.scanned {
		return w.counted64.n
	}
	n := 0
	for i := 0; i < len(v.text.s); i++ {
		c := v.text.s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c >= 0x80:
			n++
		case c == ' ', c >= '\t' && c <= '\r':
		default:
			w.counted64 = digits64{w.scanned, n}
			return n
		}
	}
	w.counted64 = digits64{w.scanned, n}
	return n
}

// wakeBy wakes the rules whose patterns, of those that a wants, are among hits.
func (w *work) wakeBy(ph *phase, variable seclang.Variable, index int32, a *want, t *text, hits match.Bits) {
	for i, b := range a.patterns {
		for b &= hits[i]; b != 0; b &= b - 1 {
			for _, k := range ph.wakes[i<<6+bits.TrailingZeros64(b)] {
				if k.chain == a.chain {
					w.wake(k.pos, variable, index, t)
				}
			}
		}
	}
}

// wake notes that the rule at pos matches a value.
func (w *work) wake(pos int32, variable seclang.Variable, index int32, t *text) {
	if l := w.last[pos]; l != 0 {
		if h := &w.hits[l-1]; h.variable == variable && h.index == index {
			return
		}
	}
	w.spend(0)
	w.hits = append(w.hits, hit{text: t, index: index, variable: variable})
	n := int32(len(w.hits)) //nolint:gosec // the budget ends before so many
	if l := w.last[pos]; l != 0 {
		w.hits[l-1].next = n
	} else {
		w.first[pos] = n
		w.awake[pos>>6] |= 1 << (uint(pos) & 63)
	}
	w.last[pos] = n
}

func meet(a, b match.Bits) bool {
	for i, x := range a {
		if x&b[i] != 0 {
			return true
		}
	}
	return false
}
