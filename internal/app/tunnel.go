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
	up := resp.Upgraded
	var idled atomic.Bool
	stop := func() {
		idled.Store(true)
		_ = client.Close()
		_ = up.Close()
	}
	touch := func() {}
	idle := time.Duration(t.p.idle.Load())
	if idle > 0 {
		timer := time.AfterFunc(idle, stop)
		defer timer.Stop()
		touch = func() { timer.Reset(idle) }
	}
	done := make(chan error, 1)
	var in int64
	go func() { // ends with the client's direction, or when both are closed below
		var err error
		in, err = t.pump(up, client, touch)
		done <- err
	}()
	out, errOut := t.pump(client, up, touch)
	if errOut != nil {
		_ = up.Close()
		_ = client.Close()
	}
	errIn := <-done
	_ = up.Close()
	_ = client.Close()
	x.Answer.BytesIn, x.Answer.BytesOut = in, out
	switch {
	case idled.Load():
		t.blame(reason.New(reason.ClientUpgradeEnded, "nobody spoke for "+idle.String(), nil))
	case errOut != nil:
		t.blame(reason.FromNet(errOut, reason.PhaseBody))
	case errIn != nil:
		t.blame(reason.FromNet(errIn, reason.PhaseClientRead))
	}
	x.Aborted = true // the connection is spent
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
