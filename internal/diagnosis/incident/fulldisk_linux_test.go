package incident

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/store"
)

// TestFullDisk counts on while the disk is full, warns once a minute, and writes all of it when there is room.
func TestFullDisk(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("lunette-test", folder, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("no small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var log bytes.Buffer
	now := noon
	k, err := New(Config{Folder: folder, Plain: true, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }}, s)
	if err != nil {
		t.Fatal(err)
	}
	k.Add(failure("x.y"))
	k.turn(t.Context())
	filler := filepath.Join(folder, "filler")
	if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	refused := 0
	f := sampled(t, withSecrets)
	f.Detail = strings.Repeat("d", 4000)
	for range 60 { // the log of the store has room for a few
		k.Add(f)
		k.turn(t.Context())
		now = now.Add(5 * time.Second)
		if len(k.dirty) > 0 {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("the store took everything")
	}
	if n := strings.Count(log.String(), "incidents cannot be written"); n < 1 || n > 6 {
		t.Errorf("%d warnings in 5 minutes", n)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	k.turn(t.Context())
	if len(k.dirty) > 0 {
		t.Errorf("there is room, and still: %s", log.String())
	}
	all, err := s.Incidents(t.Context(), store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, n := range all {
		sum += n.Count
	}
	if sum != 61 {
		t.Errorf("%d of 61 failures were counted: %s", sum, log.String())
	}
}
