package incident

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunette-waf/lunette/internal/store"
)

// TestClockHeld believes a wall clock that has not moved against the other one for an hour. The times of a test have no other clock, so the
// wall is moved by hand.
func TestClockHeld(t *testing.T) {
	start := time.Now()
	c := clock{start: start}
	for _, step := range []struct {
		after time.Duration
		held  bool
	}{{0, false}, {30 * time.Minute, false}, {heldFor, true}, {2 * heldFor, true}} {
		if got := c.held(start.Add(step.after)); got != step.held {
			t.Errorf("after %s: %v", step.after, got)
		}
	}
	jumped := c
	jumped.start = start.Add(-31 * 24 * time.Hour).Round(0) // one of the clocks alone has gone on for 31 days
	jumped.ahead = -31 * 24 * time.Hour
	if jumped.held(start.Add(3 * heldFor)) {
		t.Error("a clock that has just jumped is believed")
	}
}

// TestClockForward loses nothing when the clock is wrong at the start.
func TestClockForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		old := time.Now().Add(-31 * 24 * time.Hour)
		if _, err := s.Apply(t.Context(), []store.Change{{Key: store.Key{Site: "a", Origin: "b", Cause: "c"}, Count: 1, First: old, Last: old}}); err != nil {
			t.Fatal(err)
		}
		k, err := New(Config{}, s)
		if err != nil {
			t.Fatal(err)
		}
		k.prune(t.Context(), time.Now())
		only(t, s)
		time.Sleep(heldFor + time.Second)
		k.prune(t.Context(), time.Now())
		if all, err := s.Incidents(t.Context(), store.Query{All: true}); err != nil || len(all) != 0 {
			t.Errorf("what is too old stays for ever: %v %v", all, err)
		}
	})
}

// TestClockBack resolves an incident that was seen in what is now the future, once it is quiet.
func TestClockBack(t *testing.T) {
	now := noon
	s, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	future := noon.Add(time.Hour)
	if _, err := s.Apply(t.Context(), []store.Change{{Key: store.Key{Site: site, Origin: origin, Cause: "c"}, Count: 1, First: future, Last: future}}); err != nil {
		t.Fatal(err)
	}
	k, err := New(Config{Now: func() time.Time { return now }}, s)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(16 * time.Minute)
	k.Well(site, origin, now.Add(-time.Minute))
	k.resolve(context.Background(), now)
	if n := only(t, s); n.State == store.StateResolved { // Quiet asks for what was seen last
		t.Logf("resolved by %s", n.ResolvedBy)
	} else {
		t.Errorf("it stays open until the clock has caught up: %+v", n)
	}
}

// TestDamagedKeepsSamples leaves samples for who mends the store that was set aside.
func TestDamagedKeepsSamples(t *testing.T) {
	folder := t.TempDir()
	sample := filepath.Join(folder, SamplesFolder, "01OLD-1.tar")
	begun := filepath.Join(folder, SamplesFolder, temporary+"1")
	if err := os.Mkdir(filepath.Dir(sample), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{sample, begun, filepath.Join(folder, store.FileName)} {
		if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now := time.Now()
	k, err := New(Config{Folder: folder, Plain: true, Keep: 24 * time.Hour, Now: func() time.Time { return now }}, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sample); err != nil {
		t.Error("the sample of a store that can be mended is gone")
	}
	if _, err := os.Stat(begun); err == nil {
		t.Error("what was never ended stays")
	}
	now = now.Add(25 * time.Hour)
	k.sweep(t.Context())
	if _, err := os.Stat(sample); err == nil {
		t.Error("it stays for ever")
	}
}

// TestLinks refuses what leads out of the folder, and tells of a folder that others may write to.
func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right of their own there")
	}
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(folder, store.FileName)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cfg := store.Config{Folder: folder, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := store.Open(cfg); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(victim); err != nil || info.Size() != 0 || info.Mode().Perm() != 0o644 {
		t.Errorf("the file of somebody else was changed: %v %v", info, err)
	}
	if !strings.Contains(log.String(), "can be written to by others") {
		t.Error(log.String())
	}
	if err := os.Remove(filepath.Join(folder, store.FileName)); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := os.Symlink(filepath.Dir(victim), filepath.Join(folder, SamplesFolder)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Folder: folder, Plain: true}, s); err == nil || !strings.Contains(err.Error(), "is a link") {
		t.Errorf("%v", err)
	}
}
