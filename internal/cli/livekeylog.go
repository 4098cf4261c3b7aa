package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// How a key log is followed.
const (
	keyLogLook = 50 * time.Millisecond // between two looks at the file: well within the time that packets wait for secrets
	keyLogRead = 64 << 10              // bytes at once
	keyLogLine = 4 << 10               // a longer line is none of a key log, and passed over
	keyLogMark = 128                   // bytes before the place that was read to, by which a file that was begun anew is known
)

// followable refuses a key log that cannot be followed. One that is not there yet can.
func followable(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fileError("follow key log", name, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("follow key log: %s: no regular file: give the file that SSLKEYLOGFILE names", printable(name))
	}
	f, err := os.Open(name)
	if err != nil {
		return fileError("follow key log", name, err)
	}
	return f.Close()
}

// keyLogFollower reads a key log as it grows, from its start. It goes on when the file is begun anew or another one takes its name.
type keyLogFollower struct {
	name string
	file *os.File // nil while there is none
	read int64    // bytes of it that were read
	mark []byte   // the last of them
	rest []byte   // the line that is not whole yet
	skip bool     // within a line that is too long
	each func(lines []byte)
}

// followKeyLog hands on whole lines until ctx ends.
func (l *liveSource) followKeyLog(ctx context.Context, name string) {
	f := keyLogFollower{name: name, each: func(lines []byte) { l.pass(ctx, lines, name) }}
	defer f.close()
	tick := time.NewTicker(keyLogLook)
	defer tick.Stop()
	for ctx.Err() == nil {
		f.look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.look(context.WithoutCancel(ctx)) // pass drops what nobody takes any more
		}
	}
}

func (f *keyLogFollower) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
	*f = keyLogFollower{name: f.name, each: f.each}
}

// look reads what is new.
func (f *keyLogFollower) look(ctx context.Context) {
	if f.file == nil {
		file, err := os.Open(f.name)
		if err != nil {
			return
		}
		f.file = file
	}
	info, err := f.file.Stat()
	if err != nil {
		f.close()
		return
	}
	if info.Size() < f.read || info.Size() > f.read && !f.same() {
		f.again()
	}
	for ctx.Err() == nil && f.some() {
	}
	if now, err := os.Stat(f.name); err == nil && !os.SameFile(info, now) {
		f.close() // the next look opens the one that took its place; who holds one that was removed may go on writing
	}
}

// same reports whether what was read last still stands there.
func (f *keyLogFollower) same() bool {
	if len(f.mark) == 0 {
		return true
	}
	got := make([]byte, len(f.mark))
	_, err := f.file.ReadAt(got, f.read-int64(len(got)))
	return err == nil && bytes.Equal(got, f.mark)
}

// again begins at the start of the file.
func (f *keyLogFollower) again() {
	f.read, f.mark, f.rest, f.skip = 0, nil, nil, false
}

// some reads a piece; false: there is no more.
func (f *keyLogFollower) some() bool {
	buf := make([]byte, keyLogRead)
	n, err := f.file.ReadAt(buf, f.read)
	if n > 0 {
		f.read += int64(n)
		f.take(buf[:n])
	}
	return n > 0 && (err == nil || errors.Is(err, io.EOF))
}

// take hands on the lines that are whole.
func (f *keyLogFollower) take(b []byte) {
	f.mark = append(f.mark, b...)
	f.mark = bytes.Clone(f.mark[max(0, len(f.mark)-keyLogMark):])
	if f.skip {
		_, after, found := bytes.Cut(b, []byte{'\n'})
		if !found {
			return
		}
		b, f.skip = after, false
	}
	b = append(f.rest, b...)
	end := bytes.LastIndexByte(b, '\n') + 1
	if f.rest = bytes.Clone(b[end:]); len(f.rest) > keyLogLine {
		f.rest, f.skip = nil, true
	}
	if end > 0 {
		f.each(b[:end:end])
	}
}
