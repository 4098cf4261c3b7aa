package telemetry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// logFile is a sink that appends to a file, 0640 when it is made.
type logFile struct {
	name string // of the log, for errors
	path string
	look time.Time // when Moved looked last

	mu sync.Mutex // Close may come while a write hangs
	f  *os.File
}

const lookEvery = time.Second

// openLogFile opens the access log.
func openLogFile(path string) (*logFile, error) { return openNamed(accessLog, path) }

func openNamed(name, path string) (*logFile, error) {
	f, err := openAppend(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return &logFile{name: name, path: path, f: f}, nil
}

// openAppend opens the file and ends a line that a crash or a full disk left torn: the next one must not be lost with it.
func openAppend(path string) (*os.File, error) {
	torn := endsTorn(path)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err == nil && torn {
		_, _ = f.Write([]byte{'\n'}) // if it fails, so will the lines, and that is told
	}
	return f, err
}

// endsTorn reports whether path is a file whose last byte is no newline. What cannot be read is taken as whole.
func endsTorn(path string) bool {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() || st.Size() == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var last [1]byte
	_, err = f.ReadAt(last[:], st.Size()-1)
	return err == nil && last[0] != '\n'
}

func (l *logFile) file() *os.File {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f
}

func (l *logFile) Write(p []byte) (int, error) { return l.file().Write(p) }

func (l *logFile) Reopen() error {
	f, err := openAppend(l.path)
	if err != nil {
		return fmt.Errorf("reopen %s: %w", l.name, err)
	}
	l.mu.Lock()
	old := l.f
	l.f = f
	l.mu.Unlock()
	return old.Close()
}

func (l *logFile) Moved() bool {
	now := time.Now()
	if now.Sub(l.look) < lookEvery {
		return false
	}
	l.look = now
	there, err := os.Stat(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil {
		return false
	}
	open, err := l.file().Stat()
	return err == nil && !os.SameFile(open, there)
}

func (l *logFile) Close() error { return l.file().Close() }

// told is a sink that tells when writing begins to fail and when it works again.
type told struct {
	sink
	tell    func(err error)
	failing bool
}

func (t *told) Write(p []byte) (int, error) {
	n, err := t.sink.Write(p)
	if failing := err != nil; failing != t.failing {
		t.failing = failing
		t.tell(err)
	}
	return n, err
}

// stream is a sink that is not ours to close or reopen: standard output.
type stream struct{ io.Writer }

func (stream) Reopen() error { return nil }
func (stream) Moved() bool   { return false }
func (stream) Close() error  { return nil }
