package analysis

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Spool makes an Input of a source that can be read once only, such as standard input: what is read is written to a temporary file
// (mode 0600) on the way, which later passes read. A source that is a regular file is read where it is.
type Spool struct {
	name string
	src  io.Reader
	file *os.File
	size int64
	err  error
}

// NewSpool returns a Spool of src. Close removes the temporary file.
func NewSpool(name string, src io.Reader) *Spool { return &Spool{name: name, src: src} }

// Input is what analysis reads.
func (s *Spool) Input() Input {
	if f, ok := s.src.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return Input{Name: s.name, Size: info.Size(), Open: func() (io.ReadCloser, error) {
				return io.NopCloser(io.NewSectionReader(f, 0, info.Size())), nil
			}}
		}
	}
	return Input{Name: s.name, Open: s.open}
}

// open returns the source itself the first time, then what was kept of it. Readers are used one after another.
func (s *Spool) open() (io.ReadCloser, error) {
	if s.file == nil {
		file, err := os.CreateTemp("", "lunette-capture-*")
		if err != nil {
			return nil, fmt.Errorf("keep %s for a second reading: %w", s.name, err)
		}
		_ = os.Remove(file.Name()) // it lives until it is closed, even when the process is killed; Windows keeps it until then
		s.file = file
	}
	return &spooled{s: s}, nil
}

// Close removes what was kept.
func (s *Spool) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	s.file = nil
	return err
}

// spooled is one reading: first what is in the file, then what comes from the source.
type spooled struct {
	s  *Spool
	at int64
}

func (r *spooled) Read(p []byte) (int, error) {
	s := r.s
	if s.file == nil {
		return 0, os.ErrClosed
	}
	if r.at < s.size {
		n, err := s.file.ReadAt(p[:min(int64(len(p)), s.size-r.at)], r.at)
		r.at += int64(n)
		return n, err
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.src.Read(p)
	if _, failed := s.file.WriteAt(p[:n], s.size); failed != nil {
		return 0, fmt.Errorf("keep %s for a second reading: %w", s.name, failed)
	}
	s.size += int64(n)
	r.at += int64(n)
	s.err = err
	return n, err
}

// Close leaves the source open for the next reading.
func (r *spooled) Close() error { return nil }

// Interrupt ends a Read that waits for the source, where that can be closed.
func (r *spooled) Interrupt() {
	if c, ok := r.s.src.(io.Closer); ok {
		c.Close()
	}
}
