package pcap

import "io"

// Sizes of the buffer. It grows with the data that came, never with a length that the file states.
const (
	firstBuffer = 64 << 10
	usualBuffer = 256 << 10 // fits in the caches of a core
	maxBuffer   = 4 << 20
	maxEmpty    = 100 // reads in a row that bring neither data nor an error
)

// window is the part of the uncompressed file that is looked at: buf[at:end] was read and not yet used.
type window struct {
	src     io.Reader
	give    func(n int) []byte // Config.Buffer
	buf     []byte
	at, end int
	base    int64 // offset of buf[0] in the file
	err     error // of src; sticky
}

// offset is where buf[at] stands in the file.
func (w *window) offset() int64 { return w.base + int64(w.at) }

// rest is what was read and not yet used.
func (w *window) rest() []byte { return w.buf[w.at:w.end] }

// ahead reports whether n ≤ maxBuffer bytes stand at buf[at], after reading as much as that takes.
func (w *window) ahead(n int) bool { return w.end-w.at >= n || w.fill(n) }

func (w *window) fill(n int) bool {
	for w.end-w.at < n {
		if w.err != nil {
			return false
		}
		if w.end == len(w.buf) {
			w.turn()
		}
		w.read()
	}
	return true
}

// read reads once into the free part of the buffer.
func (w *window) read() {
	for range maxEmpty {
		n, err := w.src.Read(w.buf[w.end:])
		if n < 0 || n > len(w.buf)-w.end {
			n, err = 0, io.ErrNoProgress
		}
		w.end += n
		w.err = err
		if n > 0 || err != nil {
			return
		}
	}
	w.err = io.ErrNoProgress
}

// turn makes room after a full buffer: what is unread moves to the front of the next one.
func (w *window) turn() {
	unread := w.rest()
	size := min(max(firstBuffer, 4*len(w.buf)), usualBuffer)
	if len(unread) > size/2 { // a long block
		size = min(2*len(unread), maxBuffer)
	}
	var next []byte
	switch {
	case w.give != nil:
		next = w.give(size)
	case w.at > 0 && len(w.buf) >= size:
		next = w.buf
	}
	if len(next) < size {
		next = make([]byte, size)
	}
	w.base += int64(w.at)
	w.at, w.end = 0, copy(next, unread)
	w.buf = next
}

// skip passes over n bytes without keeping them and reports whether there were so many.
func (w *window) skip(n int64) bool {
	for {
		step := min(n, int64(w.end-w.at))
		w.at += int(step)
		if n -= step; n == 0 {
			return true
		}
		if w.err != nil {
			return false
		}
		// All that was read is used: what comes now may be written over again and again.
		if len(w.buf)-w.end < firstBuffer/2 {
			w.turn()
		}
		from := w.end
		w.read()
		if over := int64(w.end - from); over <= n {
			w.base += over
			n -= over
			w.end = from
		}
	}
}
