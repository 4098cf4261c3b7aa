package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func change(site, cause string, n int64, at time.Time) Change {
	return Change{Key: Key{site, "https://o.test", cause}, Count: n, First: at, Last: at, Reason: "read.first_byte_timeout", Confidence: "likely", Soon: time.Hour}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func opened(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func applied(t *testing.T, s *Store, c Change) Applied {
	t.Helper()
	a, err := s.Apply(t.Context(), []Change{c})
	if err != nil {
		t.Fatal(err)
	}
	return a[0]
}

// TestStates walks one incident through its states, in memory and in a file.
func TestStates(t *testing.T) {
	for _, folder := range []string{"", filepath.Join(t.TempDir(), "new")} {
		s := opened(t, Config{Folder: folder})
		c := change("a.test", "x.y", 3, noon)
		c.Requests = []string{"REQ1"}
		a := applied(t, s, c)
		id := a.Incident.ID
		if !a.Opened || a.Incident.State != StateOpen || a.Incident.Count != 3 || len(id) != 26 {
			t.Fatalf("%+v", a)
		}
		c = change("a.test", "x.y", 2, noon.Add(time.Second))
		c.ID, c.Confidence, c.Requests = "OTHERID", "possible", []string{"REQ2"}
		if a = applied(t, s, c); a.Opened || a.Incident.ID != id || a.Incident.State != StateOngoing || a.Incident.Count != 5 || a.Incident.Confidence != "likely" {
			t.Fatalf("%+v", a)
		}
		for _, name := range []string{id, strings.ToLower(id[:20]), "REQ1", "REQ2", "OTHERID"} {
			if n, err := s.Incident(t.Context(), name); err != nil || n.ID != id {
				t.Errorf("%s: %v %v", name, n.ID, err)
			}
		}
		if _, err := s.Incident(t.Context(), "nothing"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		if done, err := s.Quiet(t.Context(), c.Key, noon, noon.Add(time.Minute)); err != nil || done {
			t.Errorf("resolved although it was seen later: %v", err)
		}
		if done, err := s.Quiet(t.Context(), c.Key, c.Last, noon.Add(time.Minute)); err != nil || !done {
			t.Errorf("not resolved: %v", err)
		}
		open, _ := s.Incidents(t.Context(), Query{})
		all, _ := s.Incidents(t.Context(), Query{All: true})
		if len(open) != 0 || len(all) != 1 || all[0].ResolvedBy != ByQuiet {
			t.Errorf("%v %v", open, all)
		}
		if a = applied(t, s, change("a.test", "x.y", 1, noon.Add(2*time.Minute))); !a.Reopened || a.Incident.Reopened != 1 || a.Incident.Flaps != 1 || a.Incident.Count != 6 || !a.Incident.ResolvedAt.IsZero() {
			t.Errorf("%+v", a)
		}
		if n, err := s.Resolve(t.Context(), id, "me"); err != nil || n.State != StateResolved || n.ResolvedBy != "me" {
			t.Errorf("%v %+v", err, n)
		}
		if a = applied(t, s, change("a.test", "x.y", 1, noon.Add(4*time.Minute))); a.Incident.Flaps != 0 || a.Incident.Reopened != 2 {
			t.Errorf("what a person resolved flaps: %+v", a)
		}
		if a = applied(t, s, Change{Key: Key{"no", "no", "no"}, Proven: "x"}); a.Incident.ID != "" {
			t.Errorf("a change without a count began an incident: %+v", a)
		}
	}
}

// TestModes looks at who may read what lies on the disk.
func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of Unix")
	}
	folder := filepath.Join(t.TempDir(), "incidents")
	s := opened(t, Config{Folder: folder})
	applied(t, s, change("a", "b", 1, noon))
	if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
		t.Errorf("%v", info.Mode())
	}
	all, _ := os.ReadDir(folder)
	if len(all) < 2 {
		t.Errorf("only %d files: is this a store with a log of its own?", len(all))
	}
	for _, e := range all {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", e.Name(), info.Mode())
		}
	}
}

// TestDamage sets damaged files aside, at the start and in the middle, and leaves those of others alone.
func TestDamage(t *testing.T) {
	folder := t.TempDir()
	s := opened(t, Config{Folder: folder})
	applied(t, s, change("a", "b", 1, noon))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(s.path())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"no database": []byte(strings.Repeat("no database\n", 1000)),
		"cut":         whole[:len(whole)/2],
		"overwritten": slices.Concat(whole[:4096], []byte(strings.Repeat("x", len(whole)-4096))),
	} {
		if err := os.WriteFile(s.path(), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Folder: folder, ReadOnly: true}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: opened for reading: %v", name, err)
		}
		var log strings.Builder
		again := opened(t, Config{Folder: folder, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if a := applied(t, again, change("a", "b", 1, noon)); !a.Opened || !strings.Contains(log.String(), "damaged") {
			t.Errorf("%s: %+v %s", name, a, log.String())
		}
		_ = again.Close()
	}
	if aside, _ := filepath.Glob(filepath.Join(folder, "lunette.db.damaged-*")); len(aside) == 0 {
		t.Error("nothing was set aside")
	}
	newer := opened(t, Config{Folder: t.TempDir()})
	if _, err := newer.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	_ = newer.Close()
	if _, err := Open(Config{Folder: newer.Folder()}); !errors.Is(err, ErrNewer) {
		t.Errorf("%v", err)
	}
	if _, err := Open(Config{Folder: t.TempDir(), ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestDamageWhileOpen goes on with a new file when the one in use turns out to be damaged.
func TestDamageWhileOpen(t *testing.T) {
	s := opened(t, Config{Folder: t.TempDir()})
	applied(t, s, change("a", "b", 1, noon))
	if _, err := s.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Close(); err != nil { // so that nothing is cached
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(), []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.bad = ErrDamaged // as if no new one could be begun when it was noticed
	if a := applied(t, s, change("a", "b", 1, noon)); !a.Opened || s.bad != nil {
		t.Errorf("%+v", a)
	}
	if aside, _ := filepath.Glob(s.path() + ".damaged-*"); len(aside) == 0 {
		t.Error("nothing was set aside")
	}
}

// TestSamples keeps the oldest and the newest, and prunes by age, number and size.
func TestSamples(t *testing.T) {
	s := opened(t, Config{})
	id := applied(t, s, change("a", "b", 1, noon)).Incident.ID
	var removed []string
	for i := range 5 {
		at := noon.Add(time.Duration(i) * time.Minute)
		gone, err := s.AddSample(t.Context(), id, Sample{At: at, File: fmt.Sprint("samples/", i), Size: 100})
		if err != nil {
			t.Fatal(err)
		}
		removed = append(removed, gone...)
	}
	n, _ := s.Incident(t.Context(), id)
	if len(n.Samples) != 2 || n.Samples[0].File != "samples/0" || n.Samples[1].File != "samples/4" || !slices.Equal(removed, []string{"samples/1", "samples/2", "samples/3"}) {
		t.Errorf("%+v %v", n.Samples, removed)
	}
	if _, err := s.AddSample(t.Context(), "none", Sample{File: "x"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if gone, err := s.Prune(t.Context(), Limits{MaxSize: 150}); err != nil || !slices.Equal(gone, []string{"samples/0"}) {
		t.Errorf("%v %v", gone, err)
	}
	applied(t, s, change("later", "b", 1, noon.Add(time.Hour)))
	if gone, err := s.Prune(t.Context(), Limits{MaxIncidents: 1}); err != nil || !slices.Equal(gone, []string{"samples/4"}) {
		t.Errorf("%v %v", gone, err)
	}
	if gone, err := s.Prune(t.Context(), Limits{Before: noon.Add(2 * time.Hour)}); err != nil || len(gone) != 0 {
		t.Errorf("%v %v", gone, err)
	}
	if all, _ := s.Incidents(t.Context(), Query{All: true}); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

// TestTwoProcesses counts and resolves through two handles at once: no count is lost, and one of them resolves.
func TestTwoProcesses(t *testing.T) {
	folder := t.TempDir()
	all := []*Store{opened(t, Config{Folder: folder}), opened(t, Config{Folder: folder})}
	var wait sync.WaitGroup
	const each = 50
	for _, s := range all {
		wait.Go(func() {
			for range each {
				if _, err := s.Apply(context.Background(), []Change{change("a", "b", 1, noon)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	n, _ := all[0].Incidents(t.Context(), Query{})
	if len(n) != 1 || n[0].Count != 2*each {
		t.Fatalf("%+v", n)
	}
	done := make(chan bool, len(all))
	for _, s := range all {
		wait.Go(func() {
			ok, err := s.Quiet(context.Background(), n[0].Key, noon, noon.Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			done <- ok
		})
	}
	wait.Wait()
	if a, b := <-done, <-done; a == b {
		t.Errorf("resolved by %v and %v", a, b)
	}
}

// TestHostileNames keeps names as they are, within bounds, whatever is in them.
func TestHostileNames(t *testing.T) {
	s := opened(t, Config{})
	for _, name := range []string{"'; DROP TABLE incidents; --", "a\x00b", "\xff\xfe", strings.Repeat("é", 5000), "\x1b[31m", "%", "_", ""} {
		c := change(name, name, 1, noon)
		c.Requests, c.Title, c.Summary = []string{name, name}, name, name
		if a := applied(t, s, c); !a.Opened {
			t.Errorf("%q: there already", name)
		}
		if a := applied(t, s, c); a.Opened || a.Incident.Count != 2 {
			t.Errorf("%q: %+v", name, a)
		}
		if len(name) > 0 {
			_, _ = s.Incident(t.Context(), name)
		}
	}
	all, err := s.Incidents(t.Context(), Query{})
	if err != nil || len(all) != 8 {
		t.Fatalf("%d %v", len(all), err)
	}
	for _, n := range all {
		if len(n.Site) > mostText {
			t.Errorf("%d bytes", len(n.Site))
		}
	}
}

// TestBeside keeps profiles, events and audit lines over a restart.
func TestBeside(t *testing.T) {
	folder := t.TempDir()
	s := opened(t, Config{Folder: folder})
	for _, doc := range []string{"1", "2"} {
		if err := s.PutProfile(t.Context(), "a", "o", []byte(doc)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.AddEvent(t.Context(), Event{noon, "a", "o", "certificate_changed", "x"}), s.AddAudit(t.Context(), Audit{noon, "me", "export", "ID", "n"}), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = opened(t, Config{Folder: folder, ReadOnly: true})
	p, _ := s.Profiles(t.Context())
	e, _ := s.Events(t.Context(), Query{Kind: "certificate_changed"})
	a, _ := s.Audits(t.Context(), Query{Of: "ID"})
	if len(p) != 1 || string(p[0].Doc) != "2" || len(e) != 1 || !e[0].At.Equal(noon) || len(a) != 1 || a[0].Who != "me" {
		t.Errorf("%v %v %v", p, e, a)
	}
	if err := s.AddEvent(t.Context(), Event{}); err == nil {
		t.Error("a store for reading was written to")
	}
}
