package incident

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/lunette-waf/lunette/internal/store"
)

// SamplesFolder is where samples lie within the folder of the store.
const SamplesFolder = "samples"

const (
	temporary = ".writing-"
	leftAfter = time.Minute // a file without a row may be one that another process is about to name
)

// samplesFolder makes the folder of samples, and refuses one that leads elsewhere: who put it there would read them.
func samplesFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is a link: remove it, or give another folder", path)
	}
	return err
}

// waiting is a sample that is to be written.
type waiting struct {
	entry   *entry
	failure Failure
	first   bool // of its incident: none may take its place
}

// take lets the sample of f wait for Run. It reports false where there is no room. The lock is held.
func (k *Keeper) take(e *entry, f *Failure) bool {
	if w := e.waiting; w != nil && !w.first {
		w.failure = *f
		return true
	}
	if len(k.samples) >= mostWaiting {
		return false
	}
	w := &waiting{entry: e, failure: *f, first: !e.sampled}
	e.sampled = true
	e.waiting = w
	k.samples = append(k.samples, w)
	return true
}

// writeSamples writes at most so many of the samples that wait.
func (k *Keeper) writeSamples(ctx context.Context, most int) {
	for range most {
		k.mu.Lock()
		if len(k.samples) == 0 {
			k.mu.Unlock()
			return
		}
		w := k.samples[0]
		k.samples = slices.Delete(k.samples, 0, 1)
		if w.entry.waiting == w {
			w.entry.waiting = nil
		}
		id := w.entry.id
		k.mu.Unlock()
		if err := k.writeSample(ctx, id, &w.failure); err != nil {
			k.warn("sample", "a sample of incident "+id+" is lost, and the incident goes on without it", err)
			if w.first {
				k.mu.Lock()
				w.entry.sampled = false
				k.mu.Unlock()
			}
		}
	}
}

// writeSample writes the bundle of f, whole, and then says so in the store.
func (k *Keeper) writeSample(ctx context.Context, id string, f *Failure) (err error) {
	n, err := k.store.Incident(ctx, id)
	if err != nil {
		return err
	}
	name := n.ID + "-" + f.At.UTC().Format("20060102T150405.000000000") + ".tar"
	if len(k.recipients) > 0 {
		name += ".age"
	}
	folder := filepath.Join(k.cfg.Folder, SamplesFolder)
	size, err := k.writeFile(folder, name, NewDocument(&n, f, k.cfg.Version), f.Sample)
	if err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	k.written += size
	removed, err := k.store.AddSample(ctx, n.ID, store.Sample{Request: f.Request, At: f.At, File: SamplesFolder + "/" + name, Size: size, Encrypted: len(k.recipients) > 0})
	if err != nil { // the file is swept later
		return err
	}
	k.remove(removed)
	return nil
}

// writeFile writes a bundle beside its place, makes sure that it is on the disk, and puts it there.
func (k *Keeper) writeFile(folder, name string, doc *Document, s *Sample) (size int64, err error) {
	file, err := os.CreateTemp(folder, temporary) // 0600
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}()
	to := bufio.NewWriterSize(file, 64<<10)
	if err := k.encrypted(to, func(w io.Writer) error { return WriteBundle(w, doc, s) }); err != nil {
		return 0, err
	}
	if err := errors.Join(to.Flush(), file.Sync()); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	if err := os.Rename(file.Name(), filepath.Join(folder, name)); err != nil {
		return 0, err
	}
	return info.Size(), syncFolder(folder)
}

// encrypted lets write write to w, through age where there are recipients.
func (k *Keeper) encrypted(w io.Writer, write func(io.Writer) error) error {
	if len(k.recipients) == 0 {
		return write(w)
	}
	sealed, err := age.Encrypt(w, k.recipients...)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	if err := write(sealed); err != nil {
		return err
	}
	return sealed.Close()
}

// remove deletes files of samples that the store no longer has.
func (k *Keeper) remove(files []string) {
	for _, name := range files {
		if path, ok := SamplePath(k.cfg.Folder, name); ok {
			_ = os.Remove(path) // what stays is swept
		}
	}
}

// SamplePath is where a sample with this name lies; false for a name that leads elsewhere.
func SamplePath(folder, name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, SamplesFolder+"/")
	if !ok || folder == "" || rest == "" || strings.ContainsAny(rest, `/\:`) || strings.HasPrefix(rest, ".") {
		return "", false
	}
	return filepath.Join(folder, SamplesFolder, rest), true
}

// sweep removes what was begun and never ended, and what no incident names; and forgets samples whose files are gone.
func (k *Keeper) sweep(ctx context.Context) {
	if k.cfg.Folder == "" {
		return
	}
	entries, err := os.ReadDir(filepath.Join(k.cfg.Folder, SamplesFolder))
	if err != nil {
		k.warn("sweep", "the folder of samples cannot be read", err)
		return
	}
	named, err := k.store.Files(ctx)
	if err != nil {
		k.warn("store", "samples cannot be read", err)
		return
	}
	wait := leftAfter
	if aside, _ := filepath.Glob(filepath.Join(k.cfg.Folder, store.SetAside+"*")); len(aside) > 0 { // who mends that store wants them
		wait = k.cfg.Keep
	}
	there, known := map[string]bool{}, map[string]bool{}
	for _, name := range named {
		known[name] = true
	}
	for _, e := range entries {
		name := SamplesFolder + "/" + e.Name()
		there[name] = true
		if !known[name] && ours(e.Name()) && (k.left(e, wait) || strings.HasPrefix(e.Name(), temporary) && k.left(e, leftAfter)) {
			_ = os.Remove(filepath.Join(k.cfg.Folder, SamplesFolder, e.Name()))
		}
	}
	for _, name := range named {
		if !there[name] {
			if err := k.store.Forget(ctx, name); err != nil {
				k.warn("store", "a sample whose file is gone cannot be forgotten", err)
			}
		}
	}
}

// ours reports whether a file was made here.
func ours(name string) bool {
	return strings.HasPrefix(name, temporary) || strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".tar.age")
}

// left reports whether nobody was at work on a file for this time.
func (k *Keeper) left(e os.DirEntry, wait time.Duration) bool {
	info, err := e.Info()
	return err == nil && info.Mode().IsRegular() && k.cfg.Now().Sub(info.ModTime()) > wait
}
