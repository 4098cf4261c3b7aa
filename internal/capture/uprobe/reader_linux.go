//go:build amd64

package uprobe

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
)

const maxRecent = 4096 // lines remembered so that none is given twice

// Reader reads the secrets of other processes. Its methods may be called from several goroutines.
type Reader struct {
	cfg   Config
	log   *slog.Logger
	maps  *maps
	progs *programs
	ring  *ringbuf.Reader

	stop context.CancelFunc // ends the search
	done chan struct{}      // closed when the search has ended

	reading sync.Mutex // held by Next
	recent  map[[32]byte]struct{}
	order   [][32]byte

	mu       sync.Mutex
	closed   bool
	targets  map[file]*target
	byNumber []*target
	full     bool                // more files were met than are looked at
	met      map[string]struct{} // of Config.Exe, those of which a process was seen

	followed map[int]byte // of the search alone, as exes
	exes     map[file]struct{}
}

// target is a file that was looked at.
type target struct {
	Target
	name  string // for Secret.Library
	links []link.Link
	image *image // kept open for Go programs, to read labels
}

// Open hooks what the wanted processes use now, and for Exe what the system has, and goes on looking until Close.
// A process id that does not run is an error; a program that does not run yet is none.
func Open(cfg Config) (*Reader, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open reader of secrets: %w", err)
	}
	if err := Allowed(); err != nil {
		return nil, err
	}
	for _, pid := range cfg.PIDs {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
			return nil, fmt.Errorf("open reader of secrets: no process %d runs", pid)
		}
	}
	r := &Reader{cfg: cfg, log: cfg.Log, targets: map[file]*target{}, followed: map[int]byte{}, exes: map[file]struct{}{}, met: map[string]struct{}{}, recent: map[[32]byte]struct{}{}, done: make(chan struct{})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.prepare(); err != nil {
		return nil, fmt.Errorf("open reader of secrets: %w", err)
	}
	r.atOnce()
	r.look(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go r.search(ctx)
	return r, nil
}

// prepare makes what all programs share.
func (r *Reader) prepare() error {
	if err := rlimit.RemoveMemlock(); err != nil { // kernels before 5.11 count maps against it
		return fmt.Errorf("raise the limit of locked memory: %w", err)
	}
	kernel, err := readKernel()
	if err != nil {
		return err
	}
	if r.maps, err = newMaps(); err != nil {
		return err
	}
	r.progs = &programs{maps: r.maps, kernel: kernel, light: r.cfg.Light}
	r.progs.wants.pids, r.progs.wants.exes = len(r.cfg.PIDs) > 0, len(r.cfg.Exe) > 0
	if r.ring, err = ringbuf.NewReader(r.maps.events); err != nil {
		return errors.Join(fmt.Errorf("open ring buffer: %w", err), r.maps.close())
	}
	return nil
}

// Next returns the next secret. It waits until there is one, ctx ends or the reader is closed ([ErrClosed]).
func (r *Reader) Next(ctx context.Context) (Secret, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = r.ring.Flush() }) // fails when the ring is closed, which ends Read as well
	defer stop()
	for {
		if ctx.Err() != nil {
			return Secret{}, fmt.Errorf("read secrets: %w", context.Cause(ctx))
		}
		record, err := r.ring.Read()
		switch {
		case errors.Is(err, ringbuf.ErrClosed):
			return Secret{}, ErrClosed
		case errors.Is(err, ringbuf.ErrFlushed):
			continue
		case err != nil:
			return Secret{}, fmt.Errorf("read secrets: %w", err)
		}
		if s, ok := r.secret(record.RawSample); ok {
			return s, nil
		}
	}
}

// secret makes one out of an event; false when it holds none, or one that was given before.
func (r *Reader) secret(raw []byte) (Secret, bool) {
	e, err := parseEvent(raw)
	if err != nil {
		return Secret{}, false
	}
	r.mu.Lock()
	var t *target
	if int(e.library) < len(r.byNumber) {
		t = r.byNumber[e.library]
	}
	r.mu.Unlock()
	library := ""
	if t != nil {
		library = t.name
	}
	line, ok := e.line(func() string { return t.goLabel(e) })
	if !ok || !r.fresh(line) {
		return Secret{}, false
	}
	program := e.comm
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", e.pid)); err == nil {
		program = strings.TrimSuffix(filepath.Base(exe), " (deleted)")
	}
	return Secret{PID: int(e.pid), Program: program, Library: library, Line: line}, true
}

// goLabel reads the label of a Go program out of its file: where it was loaded follows from the address of the hook.
func (t *target) goLabel(e event) string {
	if t == nil || t.image == nil || e.labelLen > 64 {
		return ""
	}
	text, _ := t.image.text(e.labelPtr-(e.ip-t.image.goLog), e.labelLen)
	return text
}

// fresh remembers a line and says whether it is new.
func (r *Reader) fresh(line []byte) bool {
	sum := sha256.Sum256(line)
	if _, ok := r.recent[sum]; ok {
		return false
	}
	if len(r.order) == maxRecent {
		delete(r.recent, r.order[0])
		r.order = r.order[1:]
	}
	r.recent[sum] = struct{}{}
	r.order = append(r.order, sum)
	return true
}

// Attached returns what was hooked, and what was not and why, sorted by path.
func (r *Reader) Attached() []Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Target, 0, len(r.byNumber))
	for _, t := range r.byNumber {
		c := t.Target
		c.Hooks = slices.Clone(c.Hooks)
		all = append(all, c)
	}
	if r.full {
		all = append(all, Target{Path: "…", Kind: "none", Note: fmt.Sprintf("more than %d files were met: further ones are not looked at", maxTargets)})
	}
	slices.SortFunc(all, func(a, b Target) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Missing returns those of Config.Exe of which no process was seen so far. One that ran for less than a quarter of a second may not have
// been, and was read nevertheless.
func (r *Reader) Missing() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.cfg.Exe), func(name string) bool {
		_, ok := r.met[name]
		return ok
	})
}

// Lost returns how many secrets the kernel dropped because Next was not called in time.
func (r *Reader) Lost() uint64 {
	var n uint64
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.maps.lost.Lookup(uint32(0), &n) != nil {
		return 0
	}
	return n
}

// Close detaches everything and ends Next; it takes some seconds, as the kernel waits for each hook. It may be called more than once.
func (r *Reader) Close() error {
	r.mu.Lock()
	again := r.closed
	r.closed = true
	r.mu.Unlock()
	if again {
		return nil
	}
	r.stop()
	<-r.done
	errs := []error{}
	for _, t := range r.byNumber {
		for _, l := range t.links {
			errs = append(errs, l.Close()) // the kernel takes some 100 ms for each, one after the other
		}
	}
	errs = append(errs, r.ring.Close())
	r.reading.Lock() // Next has left the ring
	defer r.reading.Unlock()
	for _, t := range r.byNumber {
		if t.image != nil {
			errs = append(errs, t.image.close())
		}
	}
	return errors.Join(append(errs, r.maps.close())...)
}
