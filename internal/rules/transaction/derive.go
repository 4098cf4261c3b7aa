package transaction

import (
	"math/bits"

	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// idSet is a set of transformations, by their IDs.
type idSet uint64

func (s idSet) has(id transform.ID) bool { return s&(1<<id) != 0 }

// steps is what the engine knows of single transformations. Read-only.
type steps struct {
	touches [64]transform.Class
	names   [64]string
	folds   idSet // those that change but the case of letters where a value has upper case letters and no other byte that they touch
	base64  idSet // those that take base64
	spaces  idSet // those, and those that change but blanks
	grow    idSet // those that may make any text longer
	swell   idSet // those that may make longer what holds bytes of the kinds of swells
	swells  transform.Class
	free    idSet // those that leave the same values alone whatever the case of letters
}

func newSteps() *steps {
	s := &steps{}
	for _, name := range transform.Names() {
		id, ok := transform.Lookup(name)
		if !ok || id >= 64 {
			continue
		}
		s.touches[id], s.names[id] = transform.Touches(id), id.String()
		switch id.String() {
		case "base64Encode", "hexEncode", "length", "md5", "sha1", "urlEncode", "hexDecode", "sqlHexDecode", "parityEven7bit", "parityOdd7bit":
			s.grow |= 1 << id
		case "utf8toUnicode", "htmlEntityDecode", "lowercase", "uppercase", "parityZero7bit", "cssDecode", "jsDecode", "escapeSeqDecode":
			s.swell |= 1 << id
			s.swells |= s.touches[id]
		case "urlDecode", "urlDecodeUni":
			s.swells |= s.touches[id] // what they make may be of those kinds
		}
		switch id.String() {
		case "base64Decode":
			s.base64 |= 1 << id
			s.spaces |= 1 << id
		case "lowercase", "cmdLine":
			s.folds |= 1 << id
		case "compressWhitespace", "removeWhitespace", "normalizePath", "normalizePathWin", "removeNulls", "replaceNulls", "replaceComments",
			"removeComments", "removeCommentsChar", "trim", "trimLeft", "trimRight", "urlDecode":
			s.free |= 1 << id
			if s.touches[id]&^(transform.ClassOf(' ')|transform.ClassOf('\t')|transform.ClassOf(0x80)) == 0 {
				s.spaces |= 1 << id
			}
		}
	}
	s.swells &^= transform.ClassOf('A') | transform.ClassOf('a') | transform.ClassOf('+')
	return s
}

// edge is what one transformation makes of a text.
type edge struct {
	id   transform.ID
	next int32 // of the same text, plus 1 and the base; not above the base: none
	to   *text
}

// active returns which of ids may change v otherwise than in the case of its letters, before or after such a change.
func (w *work) active(t *text, ids idSet) idSet {
	c := w.classOf(t)
	open := ids & w.touched(c) &^ (t.fixed | t.moved | t.cased)
	for rest := uint64(open); rest != 0; rest &= rest - 1 {
		id := transform.ID(bits.TrailingZeros64(rest)) //nolint:gosec // below 64
		if c&transform.ClassUpper == 0 || w.plan.steps.free.has(id) {
			w.spend(len(t.s))
			if transform.Fixed(id, t.s, c) {
				t.fixed |= 1 << id
				continue
			}
		}
		if w.plan.steps.folds.has(id) && transform.Folds(id, t.s) {
			t.cased |= 1 << id
			continue
		}
		t.moved |= 1 << id
	}
	return ids & t.moved
}

// kinds is which transformations touch values whose bytes are of certain kinds. It is worked out once for each.
type kinds struct {
	class transform.Class
	ids   idSet
}

const kindSlots = 256

// touched returns the transformations that touch values of kinds c, but for those that change no more than the case of letters.
func (w *work) touched(c transform.Class) idSet {
	k := &w.kinds[(uint32(c)*0x9e3779b1)>>24%kindSlots] //nolint:gosec // a hash
	if k.class == c {
		return k.ids
	}
	k.class, k.ids = c, 0
	for id, touches := range w.plan.steps.touches {
		both := c & touches
		if both == 0 || both == transform.ClassUpper && w.plan.steps.folds.has(transform.ID(id)) { //nolint:gosec // below 64
			continue
		}
		k.ids |= 1 << id
	}
	return k.ids
}

// after returns what a chain makes of v.
func (w *work) after(v *value, chain int32) *text {
	t := &v.text
	if chain == 0 {
		return t
	}
	c := &w.plan.chains[chain]
	if w.classOf(t)&c.Touches == 0 {
		return t
	}
	for _, id := range c.Steps {
		t = w.apply(&v.text, t, id)
	}
	return t
}

// made is what a chain makes of the value with a number.
type made struct {
	value int64
	text  *text
}

// derive is after for the value that is being scanned: each chain begins with what its parent has made.
func (w *work) derive(root *text, chain int32) *text {
	if chain == 0 {
		return root
	}
	m := &w.made[chain]
	if m.value != w.scanned {
		c := &w.plan.chains[chain]
		m.text = w.apply(root, w.derive(root, c.Parent), c.Last)
		m.value = w.scanned
	}
	return m.text
}

// apply returns what a transformation makes of from, a text that came of root: the same text wherever that is equal.
func (w *work) apply(root, from *text, id transform.ID) *text {
	c := w.classOf(from)
	touches := w.plan.steps.touches[id]
	if c&touches == 0 || from.fixed.has(id) {
		return from
	}
	for i := from.edge; i > w.base; {
		e := &w.edges[i-w.base-1]
		if e.id == id {
			return e.to
		}
		i = e.next
	}
	out, changed := w.transform(root, from, id)
	if !changed {
		from.fixed |= 1 << id
		return from
	}
	to := w.known(root, out)
	if to == nil {
		to = w.newText()
		to.s, to.made = out, true
		if from.cand != 0 && w.plan.steps.folds.has(id) && (c&touches == transform.ClassUpper || from.cased.has(id) || transform.Folds(id, from.s)) {
			to.cand, to.made = from.cand, from.made // where only the case of letters differs the same patterns may match
		}
	}
	w.edges = append(w.edges, edge{id: id, next: from.edge, to: to})
	from.edge = w.base + int32(len(w.edges)) //nolint:gosec // the budget ends before so many
	return to
}

// known returns the text that came of root and equals s, if it is one of those that are near; nil otherwise.
func (w *work) known(root *text, s string) *text {
	if root.s == s {
		return root
	}
	for i := root.edge; i > w.base; {
		e := &w.edges[i-w.base-1]
		if e.to.s == s {
			return e.to
		}
		i = e.next
	}
	return nil
}
