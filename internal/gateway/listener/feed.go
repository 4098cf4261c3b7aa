package listener

// feeder reads the socket for crypto/tls and hands it one record at a time. Nothing of a later record then lies hidden
// inside crypto/tls, so that the wait for a request can be done above it: on a goroutine stack of half the size, since
// the collector shrinks none of which more than a quarter is in use, and without a buffer.
type feeder struct {
	wait *waiter
	edge recordEdge
	held *[]byte // pooled buffer under data
	data []byte  // read, and not yet handed on
	asks bool    // crypto/tls has asked for bytes, so it has used up what it got before
}

// Read implements io.Reader.
func (f *feeder) Read(p []byte) (int, error) {
	f.asks = true
	if len(f.data) == 0 {
		if err := f.fill(); err != nil {
			return 0, err
		}
	}
	n := f.edge.cut(f.data[:min(len(p), len(f.data))])
	copy(p, f.data[:n])
	if f.data = f.data[n:]; len(f.data) == 0 {
		putBuf(f.held)
		f.held, f.data = nil, nil
	}
	return n, nil
}

// fill waits for bytes of the client.
func (f *feeder) fill() error {
	buf, n, err := f.wait.read()
	if err != nil {
		return err
	}
	f.held, f.data = buf, (*buf)[:n]
	return nil
}

// clean reports whether neither crypto/tls nor we hold bytes of the client that are still encrypted.
func (f *feeder) clean() bool { return f.asks && len(f.data) == 0 && f.edge.between() }

// recordEdge follows a byte stream of TLS records (RFC 8446 section 5.1), cut anywhere.
type recordEdge struct {
	head int // bytes of the header so far
	left int // bytes of the payload still to come
	size int
}

const recordHeader = 5

// cut takes bytes of b, which must not be empty, up to the end of a record at most and returns how many.
func (e *recordEdge) cut(b []byte) int {
	for i, c := range b {
		if e.head == recordHeader {
			n := min(e.left, len(b)-i)
			if e.left -= n; e.left == 0 {
				e.head = 0
			}
			return i + n
		}
		switch e.head++; e.head {
		case recordHeader - 1:
			e.size = int(c)
		case recordHeader:
			if e.left = e.size<<8 | int(c); e.left == 0 {
				e.head = 0
				return i + 1
			}
		}
	}
	return len(b)
}

// pass takes all of b.
func (e *recordEdge) pass(b []byte) {
	for len(b) > 0 {
		b = b[e.cut(b):]
	}
}

// between reports whether a record has just ended.
func (e *recordEdge) between() bool { return e.head == 0 }
