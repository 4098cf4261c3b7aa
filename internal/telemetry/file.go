package telemetry

import (
	"context"
	"fmt"
	"io"
	"os"
)

// FileConfig says where a log goes that is not the access log. The zero value is standard output.
type FileConfig struct {
	Name    string    // of the log, for errors: "audit log"
	File    string    // "" is Output
	Output  io.Writer // nil is standard output
	Pending int       // bytes that may wait for the writer; default 8 MiB, 256 KiB to 1 GiB

	// Whole returns how many of the written bytes are whole records; what comes behind is written again where a file is opened anew.
	// nil: a record is a line.
	Whole func(written []byte) int

	// Failing hears that the log cannot be written, with the error, and with nil that it can again; once for each change, from the
	// writer's goroutine, which it must not hold up. nil: nobody does.
	Failing func(err error)
}

// File is a log of records that are rendered elsewhere, written as the access log is: in batches, never in the way of a request, bounded in
// memory, reopened when its file was moved away. Safe for concurrent use.
type File struct{ log *batch }

// OpenFile opens the log and starts its writer; Close ends it.
func OpenFile(cfg FileConfig) (*File, error) {
	if cfg.Pending == 0 {
		cfg.Pending = dfltPending
	}
	if cfg.Pending < minPending || cfg.Pending > maxPending {
		return nil, fmt.Errorf("open %s: %d bytes may wait for it: want %d to %d", cfg.Name, cfg.Pending, minPending, maxPending)
	}
	var to sink
	switch {
	case cfg.File != "":
		f, err := openNamed(cfg.Name, cfg.File)
		if err != nil {
			return nil, err
		}
		to = f
	case cfg.Output != nil:
		to = stream{cfg.Output}
	default:
		to = stream{os.Stdout}
	}
	if cfg.Failing != nil {
		to = &told{sink: to, tell: cfg.Failing}
	}
	if cfg.Whole == nil {
		cfg.Whole = wholeLines
	}
	return &File{log: startBatch(cfg.Name, to, cfg.Pending, false, cfg.Whole)}, nil
}

// Append takes a copy of one whole record, its end included; false means that it was dropped, for too much waits.
func (f *File) Append(record []byte) bool { return f.log.append(record) }

// Lost is how many records were dropped until now.
func (f *File) Lost() uint64 { return f.log.dropped.Load() }

// Reopen opens the file anew, for logrotate. (A file that was moved away is also noticed within a second or so.)
func (f *File) Reopen(ctx context.Context) error { return f.log.Reopen(ctx) }

// Close writes what waits, until ctx ends, and closes the log. Records that come after it are dropped and counted.
func (f *File) Close(ctx context.Context) error { return f.log.Close(ctx) }
