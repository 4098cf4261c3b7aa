package transaction

import (
	"unsafe"

	"github.com/lunette-waf/lunette/internal/rules/transform"
)

// Memory of what is derived from values. Texts, what is known of them and what macros made are shed between two values once they take more
// than shedBytes and three times the body, and all of them when a phase ends: what is needed again is made again.
const (
	shedBytes  = 1 << 20
	perText    = 256      // what a derived text takes besides its bytes
	keepText   = 1 << 20  // derived bytes up to which the same memory serves the next phase
	largeText  = 64 << 10 // longer texts have their memory for themselves, so that each can go alone
	maxKept    = 64 << 10 // bytes of a capture and of MATCHED_VAR that later phases see, where they are not part of the body
	keepWiped  = 256      // elements of a list that names texts
	maxDerived = 64 << 20 // bytes of one derived text, where its value is not large itself: more counts as a spent budget
	maxMatched = 64 << 10 // values that one rule may match
)

// heavy reports whether so much is derived that it ought to be shed.
func (w *work) heavy() bool {
	return w.derived > shedBytes && w.derived > 3*max(len(w.rawBody), len(w.rawReply))
}

// shed forgets what is derived from values. Texts that hits refer to stay, by themselves. It must not be called while a text is at hand.
func (w *work) shed() {
	w.chunks, w.arena = nil, transform.Arena{}
	w.drop()
}

// drop forgets how texts are reached.
func (w *work) drop() {
	w.base += int32(len(w.edges)) //nolint:gosec // the budget ends before so many
	clear(w.edges)
	w.edges = w.edges[:0]
	w.baseBits += int32(len(w.bits)) //nolint:gosec // the budget ends before so many
	w.bits = w.bits[:0]
	clear(w.made)
	w.asked = wiped(w.asked)
	w.large = transform.Arena{}
	w.texts, w.derived = 0, 0
}

// release frees what only the phase that is over needed. What it left in variables of the rules is kept apart.
func (w *work) release() {
	for i := range w.tx.slots {
		if v := &w.tx.slots[i]; v.loose {
			if v.loose = false; i < captures {
				v.s = w.retain(v.s, maxKept)
			} else {
				v.s = w.retain(v.s, len(v.s))
			}
		}
	}
	for i := range w.tx.more {
		if p := &w.tx.more[i]; p.loose {
			p.value, p.loose = w.retain(p.value, len(p.value)), false
		}
	}
	if w.looseVar {
		w.looseVar = false
		w.lastVar.key, w.lastVar.value = w.retain(w.lastVar.key, maxKept), w.retain(w.lastVar.value, maxKept)
	}
	w.hits, w.temp, w.matched, w.captured = wiped(w.hits), wiped(w.temp), wiped(w.matched), wiped(w.captured)
	w.counted = value{}
	w.record.data, w.record.message, w.arg, w.argOf = wiped(w.record.data), "", "", nil
	for i := range w.scratch {
		w.scratch[i].Trim()
	}
	if w.derived > keepText {
		w.shed()
		w.edges, w.bits = nil, nil
		return
	}
	for i := range w.chunks {
		if n := w.texts - i*len(w.chunks[i]); n > 0 {
			clear(w.chunks[i][:min(n, len(w.chunks[i]))])
		}
	}
	w.arena.Reset()
	w.drop()
}

// retain returns at most n bytes of s for the rest of the inspection: as they are where they are part of a body, which stays.
func (w *work) retain(s string, n int) string {
	if s == "" || within(s, w.rawBody) || within(s, w.rawReply) {
		return s
	}
	return w.hold(s[:min(n, len(s))])
}

// wiped is emptied for lists that hold texts behind their end, too.
func wiped[T any](s []T) []T {
	if cap(s) > keepWiped {
		return nil
	}
	clear(s[:cap(s)])
	return s[:0]
}

// hold returns a copy of s that holds until the end of the inspection.
func (w *work) hold(s string) string {
	if s == "" {
		return ""
	}
	c := w.lasting.Grow(len(s))
	copy(c, s)
	return unsafe.String(unsafe.SliceData(c), len(c))
}

// within reports whether s is a part of b.
func within(s string, b []byte) bool {
	from, at := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(unsafe.StringData(s)))
	return len(b) > 0 && at >= from && at < from+uintptr(len(b))
}

// transform runs one transformation on from, which came of root. What it may make is counted before, so that no chain makes much of little.
func (w *work) transform(root, from *text, id transform.ID) (out string, changed bool) {
	most := len(from.s) * w.plan.steps.factor(id)
	if most > maxDerived && most/8 > len(root.s) {
		panic(spent{"memory"})
	}
	w.spend(most)
	arena := &w.arena
	if most > largeText {
		arena = &w.large
	}
	if out, changed = transform.Apply(arena, id, from.s); !changed {
		return from.s, false
	}
	w.derived += len(out) + perText
	if arena == &w.large && out == "" {
		out = "" // not a place in memory that is free again
	} else if arena == &w.large {
		w.large = transform.Arena{}
	}
	return out, true
}

// factor is how many times longer than its text what a transformation makes of it may be, at least where that is much.
func (s *steps) factor(id transform.ID) int {
	switch s.names[id] {
	case "hexEncode", "base64Encode":
		return 2
	case "urlEncode":
		return 3
	case "utf8toUnicode":
		return 6
	}
	return 1
}
