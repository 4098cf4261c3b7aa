package telemetry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A line that a crash left torn costs itself only.
func TestTornLineIsEnded(t *testing.T) {
	for before, want := range map[string]string{"": "new\n", "whole\n": "whole\nnew\n", "whole\n{\"time\":\"to": "whole\n{\"time\":\"to\nnew\n"} {
		path := filepath.Join(t.TempDir(), "access.jsonl")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openLogFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("new\n")); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("after %q the file holds %q, want %q", before, got, want)
		}
	}
}

// flaky is a sink that fails as told.
type flaky struct {
	stream
	err error
}

func (f *flaky) Write(p []byte) (int, error) { return len(p), f.err }

func TestFailureIsToldOnce(t *testing.T) {
	var heard []error
	f := &flaky{}
	s := &told{sink: f, tell: func(err error) { heard = append(heard, err) }}
	full := errors.New("full")
	for _, f.err = range []error{nil, full, full, nil, nil, full} {
		_, _ = s.Write([]byte("line\n"))
	}
	if len(heard) != 3 || heard[0] != full || heard[1] != nil || heard[2] != full {
		t.Errorf("heard %v", heard)
	}
}

func TestFindOnlyInRegularFiles(t *testing.T) {
	for _, path := range []string{t.TempDir(), os.DevNull} {
		if _, err := FindInLog(path, "ABC"); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if ValidID("../metrics") || ValidID("") || ValidID(strings.Repeat("A", 65)) || !ValidID("01JD") {
		t.Error("what an id is has changed")
	}
}
