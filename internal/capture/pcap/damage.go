package pcap

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// end is io.EOF where the file may end, and else as truncated.
func (r *Reader) end(what string) error {
	if len(r.in.rest()) == 0 && r.in.err == io.EOF {
		return io.EOF
	}
	return r.truncated(r.in.offset(), what)
}

// truncated is the error for a file that ends, or cannot be read on, within what began at a place.
func (r *Reader) truncated(at int64, what string) error {
	switch err := r.in.err; {
	case err == io.EOF:
		return r.damaged(at, "the file ends within "+what+"; the capture was probably stopped while it was written")
	case r.cutShort(err):
		return r.damaged(at, fmt.Sprintf("the gzip data end or break within %s (%v); try the original file", what, err))
	default:
		return sourceError(err)
	}
}

// beyond is for what the file ends within: it may be the last that was written, or state a wrong length and have others behind it.
func (r *Reader) beyond(what string, fits func(b []byte, end bool) bool) error {
	err := r.truncated(r.in.offset(), what)
	var d *DamageError
	if errors.As(err, &d) {
		return r.resync(d, fits)
	}
	return err
}

func (r *Reader) damaged(at int64, what string) *DamageError {
	return &DamageError{Offset: at, What: what, Packets: r.good}
}

// cutShort reports whether err says that the compressed data are damaged, and not that src failed.
func (r *Reader) cutShort(err error) bool {
	if r.used == nil {
		return false
	}
	var corrupt flate.CorruptInputError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt)
}

func sourceError(err error) error { return fmt.Errorf("read capture: %w", err) }

// passed notes damage with good packets behind it.
func (r *Reader) passed(d *DamageError, bytes int64) {
	r.info.Skipped += bytes
	if len(r.info.Damage) < maxDamage {
		r.info.Damage = append(r.info.Damage, *d)
	}
}

// The search for the way back after damage.
const (
	inARow     = 3         // heads that must fit together
	searchMax  = 256 << 20 // bytes of a hole
	searchIn   = 512 << 10 // bytes that are looked at together: a full buffer still brings as much again, so that each byte moves once
	searchPart = searchIn - MaxPacket - 1<<10
)

// resync looks for the next place where fits holds, beginning one byte after the present one, and goes there. fits is given what
// was read from a place on, and whether that is the end of the file. Without such a place the error is d.
func (r *Reader) resync(d *DamageError, fits func(b []byte, end bool) bool) error {
	from := r.in.offset()
	r.in.at++
	for r.in.offset()-from < searchMax {
		more := r.in.ahead(searchIn)
		b := r.in.rest()
		part := len(b)
		if more {
			part = min(searchPart, part)
		}
		for i := range part {
			if fits(b[i:], !more) {
				r.in.at += i
				r.passed(d, r.in.offset()-from)
				return nil
			}
		}
		if r.in.at += part; !more {
			break
		}
	}
	return d
}
