package telemetry

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wholeRecords is how many bytes are whole records that end with two line breaks.
func wholeRecords(written []byte) int { return bytes.LastIndex(written, []byte("\n\n")) + 2 }

// A record of several lines that a full disk cut is written whole again into the new file.
func TestCutRecordIsWrittenWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.room = 11 // in the second line of the second record
		w := startBatch("audit log", d, minPending, false, wholeRecords)
		w.append([]byte("a\nb\n\n"))
		w.append([]byte("one\ntwo\n\n"))
		time.Sleep(time.Second)
		if err := w.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.set(func() { d.room = -1 })
		mustClose(t, w)
		if old, now := d.text(0), d.text(1); old != "a\nb\n\none\ntw" || now != "one\ntwo\n\n" {
			t.Errorf("old %q, new %q", old, now)
		}
	})
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	f, err := OpenFile(FileConfig{Name: "audit log", File: path, Pending: minPending})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Append([]byte("one\n")) {
		t.Error("dropped")
	}
	if f.Append(make([]byte, minPending+1)) || f.Lost() != 1 {
		t.Errorf("a record that nothing can hold was taken; %d lost", f.Lost())
	}
	if err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if f.Append([]byte("late\n")) {
		t.Error("taken after its end")
	}
	if got, err := os.ReadFile(path); string(got) != "one\n" {
		t.Errorf("%q %v", got, err)
	}
	var out bytes.Buffer
	if f, err = OpenFile(FileConfig{Output: &out}); err != nil {
		t.Fatal(err)
	}
	f.Append([]byte("two\n"))
	if err := f.Close(t.Context()); err != nil || out.String() != "two\n" {
		t.Errorf("%q %v", &out, err)
	}
}

func TestFileErrors(t *testing.T) {
	if _, err := OpenFile(FileConfig{Name: "audit log", File: filepath.Join(t.TempDir(), "no", "such")}); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "open audit log: ") {
		t.Error(err)
	}
	if _, err := OpenFile(FileConfig{Name: "audit log", Pending: 1}); err == nil || !strings.Contains(err.Error(), "want 262144 to") {
		t.Error(err)
	}
}
