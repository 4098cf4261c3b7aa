package listener

import "sync"

// bufSize is the size of a pooled buffer: a TLS record and the framing around it.
const bufSize = 16<<10 + 512

// bufs is the pool of all listeners. A pool holds nothing that anybody could depend on.
var bufs = sync.Pool{New: func() any {
	b := make([]byte, 0, bufSize)
	return &b
}}

func getBuf() *[]byte {
	b := bufs.Get().(*[]byte)
	*b = (*b)[:0]
	return b
}

func putBuf(b *[]byte) {
	if cap(*b) >= bufSize && cap(*b) <= 2*bufSize {
		bufs.Put(b)
	}
}

// readPlain is read for connections that are no sockets of this system.
func (w *waiter) readPlain() (buf *[]byte, n int, err error) {
	buf = getBuf()
	n, err = w.nc.Read((*buf)[:cap(*buf)])
	if n > 0 {
		return buf, n, nil
	}
	putBuf(buf)
	return nil, 0, err
}
