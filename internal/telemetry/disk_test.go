package telemetry

import (
	"bufio"
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// A real full disk, as Linux offers one for the purpose.
func TestRealFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full of Linux")
	}
	for _, closed := range []bool{false, true} {
		r, err := New(Config{File: "/dev/full", Closed: closed})
		if err != nil {
			t.Fatal(err)
		}
		r.Record(full())
		if err := r.Reopen(t.Context()); err != nil { // has the line written first
			t.Fatal(err)
		}
		if r.log.errors.Load() == 0 {
			t.Error("no write error was counted")
		}
		err = r.Admit()
		if e := reason.Of(err); closed && (e == nil || e.Code != reason.UsLogFailed) || !closed && err != nil {
			t.Errorf("closed %v: admit says %v", closed, err)
		}
		if r.Close(t.Context()) == nil {
			t.Error("Close does not say that a line is lost")
		}
	}
}

// A reader of standard output that hangs must not hold up requests, nor the end of the process.
func TestRealStuckPipe(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Output: pw, Closed: true, Pending: minPending})
	if err != nil {
		t.Fatal(err)
	}
	x := full()
	for r.log.dropped.Load() == 0 {
		r.Record(x)
	}
	if e := reason.Of(r.Admit()); e == nil || e.Code != reason.UsLogFailed {
		t.Errorf("admit says %v", e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if r.Close(ctx) == nil {
		t.Error("Close does not say that lines are lost")
	}
	// The reader wakes up: what was taken before Close comes through, and the writer ends.
	lines := make(chan int)
	go func() {
		n := 0
		for s := bufio.NewScanner(pr); s.Scan(); n++ {
		}
		lines <- n
	}()
	<-r.log.done
	pw.Close()
	if n := <-lines; uint64(n) != r.log.lines.Load() {
		t.Errorf("%d lines came, %d were taken", n, r.log.lines.Load())
	}
	if err := pr.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
