package app

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/lunette-waf/lunette/internal/rules"
)

// settle is how long files must be quiet before a change of them is read.
const settle = 250 * time.Millisecond

// watch reloads when a file that the configuration or its rules were read from changes, until ctx ends. Folders are watched, because
// files are replaced by renaming; what counts is whether the files themselves have changed, and are quiet since. Other files of
// the folder, such as a busy log, neither trigger a reload nor put one off.
func (a *App) watch(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		a.log.Warn("files are not watched; reload with SIGHUP", "error", err)
		return
	}
	defer func() { _ = w.Close() }()
	_, seen := a.observe(w) // at the last look
	quiet, waiting := time.NewTimer(settle), true
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-w.Errors:
			a.log.Warn("watching files", "error", err)
		case <-a.relook: // somebody else has loaded: there may be other files, in other folders
			quiet.Reset(settle)
			waiting = true
		case <-w.Events:
			if !waiting {
				quiet.Reset(settle)
				waiting = true
			}
		case <-quiet.C:
			last, now := a.observe(w)
			if waiting = !now.same(last); !waiting {
				continue
			}
			if now.same(seen) {
				_ = a.Reload() // the log has it
			}
			seen = now
			quiet.Reset(settle) // to be quiet first, or for files that the change has brought in
		}
	}
}

// looked tells watch that files were read.
func (a *App) looked() {
	select {
	case a.relook <- struct{}{}:
	default: // it knows
	}
}

// observe watches the folders of the files that were read last, and returns how they were then and how they are.
func (a *App) observe(w *fsnotify.Watcher) (last, now snapshot) {
	a.mu.Lock()
	last = a.loaded
	a.mu.Unlock()
	for _, dir := range last.folders() {
		if err := w.Add(dir); err != nil {
			a.log.Warn("folder is not watched; reload with SIGHUP after a change", "folder", dir, "error", err)
		}
	}
	return last, last.again()
}

// snapshot is what files were at one time.
type snapshot struct {
	files map[string]os.FileInfo // nil for one that was not there
	globs map[string][]string    // the files that patterns matched
}

func look(files []string) snapshot {
	s := snapshot{make(map[string]os.FileInfo, len(files)), map[string][]string{}}
	for _, f := range files {
		s.files[f], _ = os.Stat(f)
	}
	return s
}

// again looks at the same files.
func (s snapshot) again() snapshot {
	now := look(slices.Collect(maps.Keys(s.files)))
	for pattern := range s.globs {
		now.globs[pattern], _ = filepath.Glob(pattern)
	}
	return now
}

// add takes in what rules were read from. Files that s has stay as they are there.
func (s snapshot) add(in rules.Inputs) {
	for f, info := range in.Files {
		if _, ok := s.files[f]; !ok {
			s.files[f] = info
		}
	}
	maps.Copy(s.globs, in.Globs)
}

// keep takes in the files of old that s does not have, as they were in then.
func (s snapshot) keep(old, then snapshot) {
	for f := range old.files {
		if _, ok := s.files[f]; !ok {
			s.files[f] = then.files[f]
		}
	}
	for pattern := range old.globs {
		if _, ok := s.globs[pattern]; !ok {
			s.globs[pattern] = then.globs[pattern]
		}
	}
}

// update makes what s and o have in common what it was in o.
func (s snapshot) update(o snapshot) {
	for f := range s.files {
		if info, ok := o.files[f]; ok {
			s.files[f] = info
		}
	}
}

// same reports whether nothing has changed. Size and time alone do not tell: the clock of files ticks every few
// milliseconds, and a renamed file may be just as long.
func (s snapshot) same(o snapshot) bool {
	return maps.EqualFunc(s.globs, o.globs, slices.Equal) && maps.EqualFunc(s.files, o.files, func(a, b os.FileInfo) bool {
		if a == nil || b == nil {
			return a == nil && b == nil
		}
		return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
	})
}

// folders lists what to watch, sorted: the folders of the files, and those in which a pattern may match another one. Of a folder that is
// not there, the one in which it would come to be.
func (s snapshot) folders() []string {
	seen := map[string]bool{}
	for f := range s.files {
		seen[existing(filepath.Dir(f))] = true
	}
	for pattern := range s.globs {
		dir := filepath.Dir(pattern)
		for strings.ContainsAny(dir, "*?[") {
			dirs, _ := filepath.Glob(dir)
			for _, d := range dirs {
				seen[d] = true
			}
			dir = filepath.Dir(dir)
		}
		seen[existing(dir)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// existing returns dir, or the innermost folder around it that is there.
func existing(dir string) string {
	for {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}
