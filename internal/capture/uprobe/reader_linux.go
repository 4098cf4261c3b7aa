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
	"time"

	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
)

const (
	pollEvery   = 250 * time.Millisecond // how soon a library that a process loads later is hooked
	maxTargets  = 256                    // files that are looked at
	maxFollowed = 4096                   // processes that are followed at a time
	maxRecent   = 4096                   // lines remembered so that none is given twice
)

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
	followed map[int]byte
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
	r := &Reader{cfg: cfg, log: cfg.Log, targets: map[file]*target{}, followed: map[int]byte{}, recent: map[[32]byte]struct{}{}, done: make(chan struct{})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.prepare(); err != nil {
		return nil, fmt.Errorf("open reader of secrets: %w", err)
	}
	r.atOnce()
	r.look()
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

// atOnce hooks for programs that start later: their files and the libraries of the system.
func (r *Reader) atOnce() {
	if len(r.cfg.Exe) == 0 {
		return
	}
	for _, path := range installed(r.cfg.Exe) {
		if id, err := identify(path); err == nil {
			r.filter(id)
			r.hook(mapped{path, path}, 0)
		}
	}
	for _, lib := range systemLibraries() {
		r.hook(lib, 0)
	}
}

// filter lets every process pass that runs this file.
func (r *Reader) filter(id file) {
	if err := r.maps.exes.Put([]uint64{id.device, id.inode}, byte(1)); err != nil {
		r.log.Warn("a program cannot be told to the kernel", "cause", err)
	}
}

// search looks for new processes and libraries until ctx ends.
func (r *Reader) search(ctx context.Context) {
	defer close(r.done)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.look()
		}
	}
}

// look follows the processes that are wanted now and hooks what they have mapped.
func (r *Reader) look() {
	wanted := r.wanted(processes())
	r.follow(wanted)
	for pid := range wanted {
		for _, m := range mappings(pid) {
			r.hook(m, pid)
		}
	}
}

// wanted picks the processes that were asked for, with the descendants of those that were asked for by id.
func (r *Reader) wanted(all []process) map[int]byte {
	want := map[int]byte{}
	for _, p := range all {
		switch {
		case len(want) >= maxFollowed:
			return want
		case slices.Contains(r.cfg.PIDs, p.pid):
			want[p.pid] = withChildren
		case runs(p.exe, r.cfg.Exe):
			want[p.pid] = alone
			if id, err := identify(fmt.Sprintf("/proc/%d/exe", p.pid)); err == nil {
				r.filter(id)
			}
		}
	}
	for grown := len(r.cfg.PIDs) > 0; grown; {
		grown = false
		for _, p := range all {
			if want[p.parent] == withChildren && want[p.pid] != withChildren && len(want) < maxFollowed {
				want[p.pid], grown = withChildren, true
			}
		}
	}
	return want
}

// follow brings the kernel's list of processes up to date.
func (r *Reader) follow(wanted map[int]byte) {
	for pid, how := range wanted {
		if r.followed[pid] == how {
			continue
		}
		if err := r.maps.pids.Put(uint64(pid), how); err != nil {
			r.log.Warn("a process cannot be told to the kernel", "pid", pid, "cause", err)
			continue
		}
		r.followed[pid] = how
	}
	for pid := range r.followed {
		if _, ok := wanted[pid]; !ok {
			_ = r.maps.pids.Delete(uint64(pid)) // it was there
			delete(r.followed, pid)
		}
	}
}

// hook looks at a file once and hooks what it has.
func (r *Reader) hook(m mapped, pid int) {
	id, err := identify(m.open)
	if err != nil {
		return // ended meanwhile
	}
	r.mu.Lock()
	known, full, number := r.targets[id] != nil, len(r.targets) >= maxTargets, len(r.byNumber)
	r.mu.Unlock()
	if known || full {
		return
	}
	t := &target{Target: Target{Path: m.path, PID: pid}, name: filepath.Base(m.path)}
	im, hooks := r.examine(t, m.open, number)
	r.mu.Lock() // before the first event can name it
	r.targets[id] = t
	r.byNumber = append(r.byNumber, t)
	r.mu.Unlock()
	if im == nil {
		return
	}
	if t.image == nil {
		defer func() { _ = im.close() }() // it was only read
	}
	if len(hooks) > 0 {
		r.attach(t, im, m.open, hooks)
	}
}

// examine finds out what a file is and what to hook there.
func (r *Reader) examine(t *target, open string, number int) (*image, []hook) {
	im, err := openImage(open)
	if err != nil {
		t.Kind, t.Note = "none", "it cannot be read: "+err.Error()
		return im, nil
	}
	var hooks []hook
	t.Kind, t.Note, hooks = r.progs.plan(im, t.Path, number)
	if t.Kind == "Go" {
		t.name, t.image = "crypto/tls", im
	}
	return im, hooks
}

// attach hooks a file and says in its target what became of it.
func (r *Reader) attach(t *target, im *image, open string, hooks []hook) {
	done, links, err := attach(im, open, hooks)
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Hooks, t.links = done, links
	if err != nil {
		t.Note = strings.TrimPrefix(t.Note+"; "+err.Error(), "; ")
	}
	r.log.Info("looked at a TLS library", "path", t.Path, "kind", t.Kind, "functions", strings.Join(t.Hooks, " "), "note", t.Note)
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
	slices.SortFunc(all, func(a, b Target) int { return strings.Compare(a.Path, b.Path) })
	return all
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

// Close detaches everything and ends Next. It may be called more than once.
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
			errs = append(errs, l.Close())
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
