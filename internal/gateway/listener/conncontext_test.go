package listener

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := newConnContext(t.Context())
		var called atomic.Int32
		f := func() { called.Add(1) }
		if stop := ctx.AfterFunc(f); !stop() || stop() {
			t.Error("a registered function is withdrawn once")
		}
		ctx.AfterFunc(f)
		second := ctx.AfterFunc(f) // while another one is registered
		cause := errors.New("why")
		cancel(cause)
		synctest.Wait()
		if called.Load() != 2 || second() {
			t.Errorf("called %d of 2 at the end", called.Load())
		}
		ctx.AfterFunc(f) // after the end
		synctest.Wait()
		if called.Load() != 3 {
			t.Error("not called at once after the end")
		}
		child, release := context.WithTimeout(ctx, time.Hour)
		defer release()
		if child.Err() == nil || context.Cause(child) != cause {
			t.Errorf("a derived context has %v, %v", child.Err(), context.Cause(child))
		}
	})
}

func TestConnContextEndsWithItsParent(t *testing.T) {
	parent, end := context.WithCancelCause(t.Context())
	ctx, cancel := newConnContext(parent)
	defer cancel(nil)
	called := make(chan struct{})
	ctx.AfterFunc(func() { close(called) })
	end(errors.New("listener"))
	<-called
}

func TestConnContextAllocates(t *testing.T) {
	ctx, cancel := newConnContext(t.Context())
	defer cancel(nil)
	f := func() {}
	ctx.AfterFunc(f)()
	if n := testing.AllocsPerRun(100, func() { ctx.AfterFunc(f)() }); n != 0 {
		t.Errorf("%v allocations for each request", n)
	}
}
