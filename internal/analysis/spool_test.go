package analysis

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
)

func TestSpoolIsReadAgain(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	want := bytes.Repeat([]byte("0123456789"), 1000)
	for name, src := range map[string]io.Reader{"whole": bytes.NewReader(want), "in pieces": iotest.OneByteReader(bytes.NewReader(want)), "data and EOF at once": iotest.DataErrReader(bytes.NewReader(want))} {
		s := NewSpool("-", src)
		in := s.Input()
		for turn, most := range []int64{100, 5000, 20000, 20000} {
			r, err := in.Open()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.LimitReader(r, most))
			if err != nil || !bytes.Equal(got, want[:min(most, int64(len(want)))]) {
				t.Errorf("%s, reading %d: %d bytes, %v", name, turn, len(got), err)
			}
			r.Close()
		}
		info, err := s.file.Stat()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the temporary file: %v, %v", info, err)
		}
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); runtime.GOOS != "windows" && (err != nil || len(left) > 0) {
			t.Errorf("%v stands in the folder, where it stays when the process is killed, %v", left, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func TestSpoolOfAFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := NewSpool("-", f)
	defer s.Close()
	for range 2 {
		r, err := s.Input().Open()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(r); string(got) != "abc" {
			t.Errorf("read %q", got)
		}
	}
	if s.file != nil || s.Input().Size != 3 {
		t.Error("a regular file is copied")
	}
}
