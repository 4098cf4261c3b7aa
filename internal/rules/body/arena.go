package body

import "unsafe"

// arena holds decoded text. Views into it stay as they are when it grows, as then a new buffer is taken and the old one is left to them; reset is
// what makes them void.
type arena struct{ buf []byte }

// room is how many bytes of an arena are taken at once.
const room = 4 << 10

// ensure makes place for n more bytes, so that appending them moves nothing.
func (a *arena) ensure(n int) {
	if cap(a.buf)-len(a.buf) < n {
		a.buf = make([]byte, 0, max(room, min(2*cap(a.buf), maxKept), n))
	}
}

// keep copies b.
func (a *arena) keep(b []byte) string {
	a.ensure(len(b))
	at := len(a.buf)
	a.buf = append(a.buf, b...)
	return a.since(at)
}

// since is the view of what was appended to buf from at on. The caller has ensured that there was place for it.
func (a *arena) since(at int) string { return view(a.buf[at:]) }

// reset makes all views void.
func (a *arena) reset() {
	if cap(a.buf) > maxKept {
		a.buf = nil
	}
	a.buf = a.buf[:0]
}

// view is b as a string. Whoever holds it relies on nobody writing to b until the arena is reset.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
