package origin

import (
	"errors"
	"io"
	"net"
	"testing"
)

// refusing fails the first Writes, as crypto/tls does where a renegotiation begins between its two looks at the state of the handshake.
type refusing struct {
	net.Conn
	fails int // how many
	after int // bytes that the failing ones write
	calls int
}

var errNotNow = errors.New("tls: internal error")

func (r *refusing) Write(p []byte) (int, error) {
	r.calls++
	if r.fails > 0 {
		r.fails--
		return r.after, errNotNow
	}
	return len(p), nil
}

// TestPut: a Write that failed before it wrote anything is repeated once for each HelloRequest, where one came, and no other. With
// crypto/tls of Go 1.26 it takes some 500 renegotiations amid writes that never rest until one fails so.
func TestPut(t *testing.T) {
	for _, c := range []struct {
		name   string
		nc     refusing
		renegs int32
		broken bool // a record could not be written
		calls  int
		fails  bool
	}{
		{"no fault", refusing{}, 1, false, 1, false},
		{"it met a HelloRequest", refusing{fails: 1}, 1, false, 2, false},
		{"it met two", refusing{fails: 2}, 2, false, 3, false},
		{"more faults than HelloRequests", refusing{fails: 9}, 2, false, 3, true},
		{"none came", refusing{fails: 1}, 0, false, 1, true},
		{"part of it left", refusing{fails: 1, after: 3}, 1, false, 1, true},
		{"a record was broken off", refusing{fails: 1}, 1, true, 1, true},
	} {
		k := &conn{nc: &c.nc, tap: newTap(nil, 1, renegPolicy{})}
		k.tap.renegs.Store(c.renegs)
		if c.broken {
			k.tap.noteUnwritten(tapReneg, io.ErrClosedPipe)
		}
		_, err := k.put([]byte("piece"))
		if (err != nil) != c.fails || c.nc.calls != c.calls {
			t.Errorf("%s: %v after %d calls", c.name, err, c.nc.calls)
		}
	}
}
