package transaction

import (
	"strconv"
	"strings"
)

// txStore holds the TX variables: those that rules name by slot, and the others, whose names come about while rules run.
type txStore struct {
	slots []txValue
	names []string // of slots
	more  []pair
	index map[string]int32 // into more, once there are many
}

// txValue is a TX variable. A number stays one until somebody asks for its text.
type txValue struct {
	s     string
	n     int64
	state uint8 // one of those below
	loose bool  // s holds to the end of the phase only
}

const (
	isAbsent uint8 = iota
	isString
	isNumber
)

// pair is a variable of a collection that rules fill. Removed ones have no name.
type pair struct {
	name, value string
	loose       bool // value holds to the end of the phase only
}

// indexFrom is how many variables without a slot are searched one by one.
const indexFrom = 16

// captures is how many TX variables, 0 to 9, hold what a pattern captured. They and TX:10 exist from the start, as in Coraza.
const captures = 10

func (t *txStore) begin(p *plan, given []given) {
	t.names = p.program.Slots
	for i := range min(captures, len(t.slots)) {
		t.slots[i] = txValue{state: isString}
	}
	t.put(slotOf(p.program, "10"), "10", "")
	for _, v := range p.program.Initial {
		t.slots[v.Slot] = txValue{s: v.Value, state: isString}
	}
	for _, g := range given {
		t.put(g.slot, g.name, g.value)
	}
}

func (t *txStore) reset() {
	clear(t.slots)
	t.more = emptied(t.more)
	t.index = nil
}

// text returns the text of v.
func (v *txValue) text() string {
	if v.state == isNumber {
		v.s, v.state = strconv.FormatInt(v.n, 10), isString
	}
	return v.s
}

// get returns the variable in slot or, where that is negative, the one called name.
func (t *txStore) get(slot int32, name string) (string, bool) {
	if slot >= 0 {
		v := &t.slots[slot]
		return v.text(), v.state != isAbsent
	}
	if i := t.find(name); i >= 0 {
		return t.more[i].value, true
	}
	return "", false
}

func (t *txStore) find(name string) int {
	if t.index != nil {
		if i, ok := t.index[name]; ok {
			return int(i)
		}
		return -1
	}
	for i := range t.more {
		if t.more[i].name == name {
			return i
		}
	}
	return -1
}

// put sets the variable in slot or, where that is negative, the one called name.
func (t *txStore) put(slot int32, name, value string) {
	if slot >= 0 {
		t.slots[slot] = txValue{s: value, state: isString}
		return
	}
	if i := t.find(name); i >= 0 {
		t.more[i].value, t.more[i].loose = value, false
		return
	}
	t.more = append(t.more, pair{name: name, value: value})
	switch {
	case t.index != nil:
		t.index[name] = int32(len(t.more) - 1) //nolint:gosec // the budget ends before so many
	case len(t.more) > indexFrom:
		t.index = make(map[string]int32, 4*indexFrom)
		for i := range t.more {
			t.index[t.more[i].name] = int32(i) //nolint:gosec // a few
		}
	}
}

// putLoose is put for a value that holds to the end of the phase only.
func (t *txStore) putLoose(slot int32, name, value string) {
	t.put(slot, name, value)
	if slot >= 0 {
		t.slots[slot].loose = true
	} else if i := t.find(name); i >= 0 {
		t.more[i].loose = true
	}
}

// remove takes the variable in slot, or the one called name, away.
func (t *txStore) remove(slot int32, name string) {
	if slot >= 0 {
		t.slots[slot] = txValue{}
		return
	}
	i := t.find(name)
	if i < 0 {
		return
	}
	last := len(t.more) - 1
	if t.index != nil {
		delete(t.index, name)
		if i != last {
			t.index[t.more[last].name] = int32(i) //nolint:gosec // as above
		}
	}
	t.more[i] = t.more[last]
	t.more[last] = pair{}
	t.more = t.more[:last]
}

// change adds n to the variable in slot or called name. Where that holds no number nothing happens; what is absent or empty counts as 0.
func (t *txStore) change(slot int32, name string, n int64) {
	if slot < 0 {
		old, _ := t.get(slot, name)
		if m, ok := numberOf(old); ok {
			t.put(slot, name, strconv.FormatInt(m+n, 10))
		}
		return
	}
	v := &t.slots[slot]
	if v.state != isNumber {
		m, ok := numberOf(v.s)
		if !ok {
			return
		}
		v.n = m
	}
	v.n += n
	v.s, v.state, v.loose = "", isNumber, false
}

// numberOf reads a number as setvar does.
func numberOf(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.Atoi(s)
	return int64(n), err == nil
}

// number returns the number in slot, 0 where there is none.
func (t *txStore) number(slot int32) int {
	if slot < 0 {
		return 0
	}
	v := &t.slots[slot]
	if v.state == isNumber {
		return int(v.n)
	}
	n, _ := strconv.Atoi(v.s)
	return n
}

// each calls f with every variable.
func (t *txStore) each(f func(slot int32, name, value string)) {
	for i := range t.slots {
		if v := &t.slots[i]; v.state != isAbsent {
			f(int32(i), t.names[i], v.text()) //nolint:gosec // a few hundred
		}
	}
	for i := range t.more {
		f(-1, t.more[i].name, t.more[i].value)
	}
}

func (w *work) eachTX(f func(name, value string)) {
	w.tx.each(func(_ int32, name, value string) { f(strings.Clone(name), strings.Clone(value)) })
}
