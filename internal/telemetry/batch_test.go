package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// disk is a sink whose faults a test chooses.
type disk struct {
	mu      sync.Mutex
	files   []*bytes.Buffer
	writes  int
	room    int           // bytes that a write may still take; negative for no limit
	stuck   chan struct{} // a write waits for it
	noOpen  error         // answer of Reopen
	closed  bool
	entered chan struct{} // gets a value when a stuck write begins
}

func newDisk() *disk { return &disk{files: []*bytes.Buffer{{}}, room: -1} }

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	stuck := d.stuck
	d.mu.Unlock()
	if stuck != nil {
		d.entered <- struct{}{}
		<-stuck
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	n := len(p)
	var err error
	if d.room >= 0 && n > d.room {
		n, err = d.room, syscall.ENOSPC
	}
	if d.room >= 0 {
		d.room -= n
	}
	d.files[len(d.files)-1].Write(p[:n])
	return n, err
}

func (d *disk) Reopen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noOpen != nil {
		return d.noOpen
	}
	d.files = append(d.files, &bytes.Buffer{})
	return nil
}

func (d *disk) Moved() bool { return false }

func (d *disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return nil
}

func (d *disk) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *disk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

func (d *disk) text(i int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[i].String()
}

func mustClose(t *testing.T, w *batch) {
	t.Helper()
	if err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBatchGathersFor100ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		w := newBatch(d, minPending, false)
		w.append([]byte("a\n"))
		time.Sleep(50 * time.Millisecond)
		w.append([]byte("b\n"))
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		if d.count() != 0 {
			t.Errorf("%d writes after 99 ms", d.count())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if d.count() != 1 || d.text(0) != "a\nb\n" {
			t.Errorf("%d writes after 100 ms: %q", d.count(), d.text(0))
		}
		time.Sleep(time.Hour) // nothing waits, nothing is written
		if d.count() != 1 {
			t.Errorf("%d writes of nothing", d.count()-1)
		}
		mustClose(t, w)
		d.set(func() {
			if !d.closed {
				t.Error("sink not closed")
			}
		})
	})
}

func TestBatchWritesFullChunksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		w := newBatch(d, minPending, false)
		line := append(bytes.Repeat([]byte("x"), 999), '\n')
		for range 66 {
			w.append(line)
		}
		synctest.Wait() // no time passes
		if n := len(d.text(0)); n == 0 {
			t.Error("nothing written although a chunk was full")
		}
		mustClose(t, w)
		if n := len(d.text(0)); n != 66000 {
			t.Errorf("%d bytes after Close, want 66000", n)
		}
		if w.append(line) || w.dropped.Load() != 1 {
			t.Error("a line after Close was not dropped and counted")
		}
		mustClose(t, w)
	})
}

func TestFullDiskOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.room = 5
		w := newBatch(d, minPending, false)
		w.append([]byte("one\n"))
		w.append([]byte("two\n"))
		time.Sleep(time.Second)
		if w.admit() != nil {
			t.Error("the open policy refuses")
		}
		line := append(bytes.Repeat([]byte("x"), 1023), '\n')
		n := 0
		for w.append(line) {
			n++
		}
		if w.dropped.Load() != 1 || n > minPending/1024 || n < minPending/1024-1 {
			t.Errorf("%d lines kept, %d dropped", n, w.dropped.Load())
		}
		d.set(func() { d.room = -1 })
		time.Sleep(time.Second)
		synctest.Wait()
		got := d.text(0)
		if !strings.HasPrefix(got, "one\ntwo\nx") || len(got) != 8+n*1024 {
			t.Errorf("%d bytes after the disk was cleared: %.20q", len(got), got)
		}
		if !w.append([]byte("after\n")) {
			t.Error("still dropping")
		}
		mustClose(t, w)
	})
}

func TestFullDiskClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.room = 0
		w := newBatch(d, minPending, true)
		if err := w.admit(); err != nil {
			t.Error(err)
		}
		w.append([]byte("one\n"))
		time.Sleep(time.Second)
		synctest.Wait()
		var e *reason.Error
		if err := w.admit(); !errors.As(err, &e) || e.Code != reason.UsLogFailed {
			t.Errorf("admit while the disk is full: %v", err)
		}
		d.set(func() { d.room = -1 })
		time.Sleep(time.Second) // tried again by itself: no request is needed
		synctest.Wait()
		if err := w.admit(); err != nil {
			t.Errorf("admit after the disk was cleared: %v", err)
		}
		mustClose(t, w)
		if d.text(0) != "one\n" {
			t.Errorf("%q", d.text(0))
		}
	})
}

func TestStuckWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.stuck, d.entered = make(chan struct{}), make(chan struct{}, 1)
		w := newBatch(d, minPending, true)
		line := append(bytes.Repeat([]byte("x"), 1023), '\n')
		w.append(line)
		<-d.entered
		for w.append(line) {
		}
		if err := w.admit(); err == nil {
			t.Error("admitted although lines are lost")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Reopen(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("reopen of a stuck writer: %v", err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Close(ctx); err == nil || !strings.Contains(err.Error(), "262144 bytes") {
			t.Errorf("close of a stuck writer: %v", err)
		}
		d.set(func() { close(d.stuck); d.stuck = nil })
		<-w.done
	})
}

func TestLineCutByFailureIsWholeAfterReopen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.room = 6
		w := newBatch(d, minPending, false)
		w.append([]byte("one\n"))
		w.append([]byte("two\n"))
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if d.text(0) != "one\ntw" {
			t.Fatalf("first file: %q", d.text(0))
		}
		d.set(func() { d.noOpen = errors.New("no") })
		if err := w.Reopen(t.Context()); err == nil {
			t.Error("no error from Reopen")
		}
		d.set(func() { d.noOpen = nil })
		if err := w.Reopen(t.Context()); err != nil {
			t.Error(err)
		}
		d.set(func() { d.room = -1 })
		time.Sleep(time.Second)
		synctest.Wait()
		if d.text(1) != "two\n" {
			t.Errorf("second file: %q", d.text(1))
		}
		if w.waiting.Load() != 0 {
			t.Errorf("%d bytes wait", w.waiting.Load())
		}
		mustClose(t, w)
	})
}

func TestLinesStayWholeUnderLoad(t *testing.T) {
	d := newDisk()
	w := newBatch(d, 64<<20, false)
	const writers, each = 8, 2000
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				if !w.append(fmt.Appendf(nil, "%d:%d:%s\n", i, j, strings.Repeat("x", j%300))) {
					t.Error("dropped")
				}
			}
		})
	}
	wg.Wait()
	mustClose(t, w)
	next := map[string]int{}
	lines := strings.Split(strings.TrimSuffix(d.text(0), "\n"), "\n")
	for _, l := range lines {
		p := strings.Split(l, ":")
		if len(p) != 3 || p[1] != fmt.Sprint(next[p[0]]) || len(p[2]) != next[p[0]]%300 {
			t.Fatalf("line %q, want number %d", l, next[p[0]])
		}
		next[p[0]]++
	}
	if len(lines) != writers*each {
		t.Errorf("%d lines", len(lines))
	}
}

func TestLogFileRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.jsonl")
	f, err := openLogFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o027 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	put := func(s string) {
		t.Helper()
		if _, err := f.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	put("1\n")
	if f.Moved() {
		t.Error("moved at once")
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Skip("an open file cannot be moved here:", err)
	}
	if f.Moved() {
		t.Error("looked twice within a second")
	}
	f.look = time.Time{}
	if !f.Moved() {
		t.Error("a file that was moved is not noticed")
	}
	put("2\n")
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	put("3\n")
	if err := os.Rename(path, path+".2"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // logrotate create
		t.Fatal(err)
	}
	f.look = time.Time{}
	if !f.Moved() {
		t.Error("a file that was replaced is not noticed")
	}
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	put("4\n")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{".1": "1\n2\n", ".2": "3\n", "": "4\n"} {
		if got, err := os.ReadFile(path + name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := openLogFile(filepath.Join(t.TempDir(), "no", "such")); err == nil {
		t.Error("a file in no directory was opened")
	}
}
