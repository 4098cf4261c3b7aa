package policy

import (
	"io"
	"os"
	"runtime"
)

// spool holds the beginning of a body: in memory up to a bound, then in a file that no name leads to.
type spool struct {
	memory int64 // bound of mem
	dir    string
	mem    []byte
	file   *os.File
	path   string // of file where an open file cannot be unlinked; "" elsewhere
	size   int64
}

// Write appends p, all of it or none. A failed write leaves what was there before.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && s.size+int64(len(p)) <= s.memory {
		s.mem = append(s.mem, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		if err := s.open(); err != nil {
			return 0, err
		}
	}
	n, err := s.file.WriteAt(p, s.size-int64(len(s.mem)))
	if err != nil {
		return 0, err
	}
	s.size += int64(n)
	return n, nil
}

// open makes the file: mode 0600, and unlinked at once where the system can.
func (s *spool) open() error {
	f, err := os.CreateTemp(s.dir, "lunette-body-*")
	if err != nil {
		return err
	}
	s.file, s.path = f, f.Name()
	if runtime.GOOS != "windows" {
		if err := os.Remove(f.Name()); err == nil {
			s.path = ""
		}
	}
	return nil
}

// ReadAt implements io.ReaderAt over memory and file.
func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.size {
		return 0, io.EOF
	}
	inMem := int64(len(s.mem))
	if off >= inMem {
		rest := s.size - off
		return s.file.ReadAt(p[:min(int64(len(p)), rest)], off-inMem)
	}
	n := copy(p, s.mem[off:])
	switch {
	case n == len(p):
		return n, nil
	case s.file == nil:
		return n, io.EOF
	}
	m, err := s.ReadAt(p[n:], inMem)
	return n + m, err
}

// reader returns a reader of the first n bytes.
func (s *spool) reader(n int64) *io.SectionReader { return io.NewSectionReader(s, 0, n) }

// close frees memory and file.
func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close() // the content is of no use any more
		if s.path != "" {
			_ = os.Remove(s.path)
		}
	}
	s.file, s.mem, s.size = nil, nil, 0
}

// fill reads from src into s until limit bytes more have come, src ends or something fails. It distinguishes what failed:
// rerr is src's error (io.EOF at its end), werr the spool's; lost is what was read and could not be kept.
func (s *spool) fill(src io.Reader, limit int64, expect int64) (lost []byte, rerr, werr error) {
	size := int64(32 << 10)
	if expect >= 0 {
		size = min(size, expect+1)
	}
	buf := make([]byte, max(1, min(size, limit)))
	idle := 0
	for n := int64(0); n < limit; {
		k, err := src.Read(buf[:min(int64(len(buf)), limit-n)])
		if k > 0 {
			idle = 0
			if _, werr = s.Write(buf[:k]); werr != nil {
				return buf[:k], err, werr
			}
			n += int64(k)
		} else if idle++; err == nil && idle > 100 {
			return nil, io.ErrNoProgress, nil
		}
		if err != nil {
			return nil, err, nil
		}
	}
	return nil, nil, nil
}
