package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/analysis"
)

// expanded are names with the patterns among them (*.pcap) replaced by the files that fit. The shells of Windows leave that to programs;
// others do it themselves.
func expanded(names []string, windows bool) ([]string, error) {
	if !windows {
		return names, nil
	}
	var out []string
	for _, name := range names {
		if !strings.ContainsAny(name, "*?") {
			out = append(out, name)
			continue
		}
		fit, err := filepath.Glob(name)
		if err == nil && len(fit) == 0 {
			err = errors.New("no file fits")
		}
		if err != nil {
			return nil, fmt.Errorf("read capture: %s: %w", name, err)
		}
		out = append(out, fit...)
	}
	return out, nil
}

// fileError says what could not be done with which file, without the names of system calls.
func fileError(doing, name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %s: %w", doing, name, err)
}

// inputs are the captures that were named; "-" is standard input. What is no regular file, such as a pipe, can be read once only:
// it is kept for a second reading until done is called.
func inputs(names []string, stdin io.Reader) (all []analysis.Input, done func(), err error) {
	var open []io.Closer
	done = func() {
		for _, c := range open {
			_ = c.Close()
		}
	}
	spool := func(name string, src io.Reader) {
		s := analysis.NewSpool(name, src)
		open = append(open, s)
		all = append(all, s.Input())
	}
	for i, name := range names {
		switch info, err := os.Stat(name); {
		case name == "-" && slices.Contains(names[:i], "-"):
			done()
			return nil, nil, usageError{errors.New("standard input (-) can be read once: name it once")}
		case name == "-":
			spool("standard input", stdin)
		case err == nil && !info.Mode().IsRegular() && !info.IsDir():
			f, err := os.Open(name)
			if err != nil {
				done()
				return nil, nil, fileError("read capture", name, err)
			}
			open = append(open, f)
			spool(name, f)
		default:
			in, err := analysis.File(name)
			if err != nil {
				done()
				return nil, nil, err
			}
			all = append(all, in)
		}
	}
	return all, done, nil
}
