package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/lunette-waf/lunette/internal/analysis"
)

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
				return nil, nil, fmt.Errorf("read capture: %w", err)
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
