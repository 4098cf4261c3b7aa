package policy

import (
	"errors"
	"io"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// replay is a body whose beginning was read for inspection: it gives back what lies in the spool, then what was read
// and could not be kept, then the rest of the body itself, or the error that reading ended with.
type replay struct {
	spool *spool
	lost  []byte
	body  exchange.Body
	end   error // what reading body returned at last; nil while it has more
	off   int64
	past  int64 // bytes that went by without inspection
	mute  bool  // the trailer is dropped, for it was not inspected
	once  bool  // there is no further attempt: Close closes body in any case
}

var _ exchange.Body = (*replay)(nil)

// Read implements exchange.Body.
func (r *replay) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.off < r.spool.size {
		n, err := r.spool.ReadAt(p, r.off)
		r.off += int64(n)
		if n == 0 && err != nil {
			return 0, err
		}
		if r.off == r.spool.size && len(r.lost) == 0 && r.end != nil {
			return n, r.end
		}
		return n, nil
	}
	if len(r.lost) > 0 {
		n := copy(p, r.lost)
		r.lost = r.lost[n:]
		r.past += int64(n)
		return n, nil
	}
	if r.end != nil {
		return 0, r.end
	}
	n, err := r.body.Read(p)
	r.past += int64(n)
	if err != nil {
		r.end = err
	}
	return n, err
}

// Rewind goes back to the first byte, for another attempt. It reports false when bytes went by that are not kept.
func (r *replay) Rewind() bool {
	if r.past > 0 {
		return false
	}
	r.off = 0
	return true
}

// Trailer implements exchange.Body.
func (r *replay) Trailer() exchange.Header {
	if r.mute {
		return nil
	}
	return r.body.Trailer()
}

// Close implements exchange.Body. The spool stays until the exchange ends, for a further attempt may want it; a body that was read
// to its end stays open as well, for its trailer, unless there is none: an origin's connection is free only when its answer is closed.
func (r *replay) Close() error {
	if errors.Is(r.end, io.EOF) && !r.once {
		return nil
	}
	return r.body.Close()
}
