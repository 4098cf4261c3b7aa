//go:build amd64

package uprobe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bounds of the search.
const (
	pollEvery   = 250 * time.Millisecond // how soon a library that a process loads later is hooked
	idleShare   = 9                      // the search rests so many times as long as it took, where that is longer: a tenth of a core at most
	maxTargets  = 256                    // files that are looked at
	maxFollowed = 4096                   // processes that are followed at a time
)

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
	if _, told := r.exes[id]; told || len(r.exes) >= maxFiles {
		return
	}
	if r.exes[id] = struct{}{}; len(r.exes) == maxFiles {
		r.log.Warn("too many program files were met: of further ones only processes that were seen running are read", "most", maxFiles)
	}
	if err := r.maps.exes.Put([]uint64{id.device, id.inode}, byte(1)); err != nil {
		r.log.Warn("a program cannot be told to the kernel", "cause", err)
	}
}

// search looks for new processes and libraries until ctx ends.
func (r *Reader) search(ctx context.Context) {
	defer close(r.done)
	next := time.NewTimer(pollEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			begun := time.Now()
			r.look(ctx)
			next.Reset(max(pollEvery, idleShare*time.Since(begun)))
		}
	}
}

// look follows the processes that are wanted now and hooks what they have mapped.
func (r *Reader) look(ctx context.Context) {
	wanted := r.wanted(processes())
	r.follow(wanted)
	for pid := range wanted {
		for _, m := range mappings(pid) {
			if ctx.Err() != nil {
				return
			}
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
			r.meet(p.exe)
		case runs(p.exe, r.cfg.Exe):
			want[p.pid] = alone
			r.meet(p.exe)
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

// meet notes which of the programs that were asked for run.
func (r *Reader) meet(exe string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range r.cfg.Exe {
		if runs(exe, []string{name}) {
			r.met[name] = struct{}{}
		}
	}
}

// follow brings the kernel's list of processes up to date: first those that ended, to make room.
func (r *Reader) follow(wanted map[int]byte) {
	for pid := range r.followed {
		if _, ok := wanted[pid]; !ok {
			_ = r.maps.pids.Delete(uint64(pid)) // it was there
			delete(r.followed, pid)
		}
	}
	for pid, how := range wanted {
		if r.followed[pid] == how {
			continue
		}
		if err := r.maps.pids.Put(uint64(pid), how); err != nil {
			r.log.Warn("a process cannot be told to the kernel", "pid", pid, "cause", err)
			return // the next ones would not find room either
		}
		r.followed[pid] = how
	}
}

// hook looks at a file once and hooks what it has.
func (r *Reader) hook(m mapped, pid int) {
	id, err := identify(m.open)
	if err != nil || r.known(id) {
		return // ended meanwhile
	}
	im, err := openImage(m.open)
	if errors.Is(err, errGone) || im != nil && r.known(im.id) {
		if im != nil {
			_ = im.close() // it was only read
		}
		return // another process may show it
	}
	t := &target{Target: Target{Path: m.path, PID: pid}, name: filepath.Base(m.path)}
	var hooks []hook
	if err != nil {
		t.Kind, t.Note = "none", "it cannot be read: "+err.Error()
	} else {
		t.Kind, t.Note, hooks = r.progs.plan(im, t.Path, len(r.byNumber))
	}
	if t.Kind == "Go" && len(hooks) > 0 {
		t.name, t.image = "crypto/tls", im
	}
	r.mu.Lock() // before the first event can name it
	if r.targets[id] = t; im != nil {
		r.targets[im.id] = t // the same, but where the path was given to another file in between
	}
	r.byNumber = append(r.byNumber, t)
	r.mu.Unlock()
	if len(hooks) > 0 {
		r.attach(t, im, hooks)
		im.symbols = nil
	}
	if im != nil && t.image == nil {
		_ = im.close() // it was only read
	}
}

// known says whether a file was looked at, or is one too many.
func (r *Reader) known(id file) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.targets[id] != nil {
		return true
	}
	r.full = r.full || len(r.byNumber) >= maxTargets
	return r.full
}

// attach hooks a file and says in its target what became of it.
func (r *Reader) attach(t *target, im *image, hooks []hook) {
	done, links, err := attach(im, hooks)
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Hooks, t.links = done, links
	if err != nil {
		t.Note = strings.TrimPrefix(t.Note+"; "+err.Error(), "; ")
	}
	r.log.Info("looked at a TLS library", "path", t.Path, "kind", t.Kind, "functions", strings.Join(t.Hooks, " "), "note", t.Note)
}
