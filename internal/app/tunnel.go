package app

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// closeWriter is a stream that can end its own direction.
type closeWriter interface{ CloseWrite() error }

// tunnel joins client and origin after a 101 until both have ended, one broke, or neither spoke for too long.
func (t *transit) tunnel(resp *exchange.Response) {
	x := t.x
	t.begun = true
	x.Answer.Status, x.Answer.First = resp.Status, time.Since(x.Start)
	client, err := x.W.Upgrade(resp)
	if err != nil {
		t.sent(context.Background(), err)
		return
	}
	j := join(client, resp.Upgraded, time.Duration(t.p.idle.Load()))
	done := make(chan int64, 1)
	go func() { // ends with the client's direction, or when j closes both
		n, err := t.pump(j.up, client, j.touch)
		j.ended(err, reason.PhaseClientRead)
		done <- n
	}()
	out, err := t.pump(client, j.up, j.touch)
	j.ended(err, reason.PhaseClientWrite)
	x.Answer.BytesIn, x.Answer.BytesOut = <-done, out
	j.timer.Stop()
	j.close()
	if r := j.over.Load(); r != nil && r.Code != "" {
		t.blame(r)
	}
	x.Aborted = true // the connection is spent
}

// halfOpen is how long a tunnel may be silent once one side has ended in order: the other has nothing left to answer,
// and a peer that never closes must not hold both connections.
const halfOpen = 5 * time.Second

// joint is the two streams of a tunnel and why they ended.
type joint struct {
	client, up io.ReadWriteCloser
	timer      *time.Timer
	limit      atomic.Int64                 // silence that ends it, as a time.Duration; 0: none
	half       atomic.Bool                  // one direction has ended in order
	over       atomic.Pointer[reason.Error] // what ended it first; an empty one where that was in order
}

func join(client, up io.ReadWriteCloser, idle time.Duration) *joint {
	j := &joint{client: client, up: up}
	j.limit.Store(int64(idle))
	j.timer = time.AfterFunc(time.Hour, func() {
		r := &reason.Error{}
		if !j.half.Load() {
			r = reason.New(reason.ClientUpgradeEnded, "nobody spoke for "+idle.String(), nil)
		}
		j.over.CompareAndSwap(nil, r)
		j.close()
	})
	j.timer.Stop()
	j.touch()
	return j
}

// touch says that somebody spoke.
func (j *joint) touch() {
	if d := time.Duration(j.limit.Load()); d > 0 {
		j.timer.Reset(d)
	}
}

// ended says that one direction is over. A broken one ends both: neither peer learns it otherwise. An error of the
// origin's stream carries its reason; phase is for the client's.
func (j *joint) ended(err error, phase reason.Phase) {
	if err != nil {
		j.over.CompareAndSwap(nil, reason.FromNet(err, phase))
		j.close()
		return
	}
	j.half.Store(true)
	if d := j.limit.Load(); d == 0 || d > int64(halfOpen) {
		j.limit.Store(int64(halfOpen))
	}
	j.touch()
}

func (j *joint) close() {
	_ = j.up.Close()
	_ = j.client.Close()
}

// pump copies one direction and passes on its end.
func (t *transit) pump(dst io.Writer, src io.Reader, touch func()) (int64, error) {
	buf := t.p.copies.Get().(*[copySize]byte)
	defer t.p.copies.Put(buf)
	var total int64
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			touch()
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return total, werr
			}
			total += int64(n)
		}
		if err == io.EOF {
			if c, ok := dst.(closeWriter); ok {
				return total, c.CloseWrite()
			}
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
