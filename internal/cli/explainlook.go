package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

// lookFlags say how text looks.
type lookFlags struct {
	color, times    string
	width           int
	ascii, utc, all bool
}

func (l *lookFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&l.color, "color", "auto", "auto, always or never; auto heeds NO_COLOR and TERM=dumb")
	flags.StringVar(&l.times, "time", "relative", "relative (seconds from the start of each flow) or absolute (time of day)")
	flags.BoolVar(&l.utc, "utc", false, "times of day in UTC instead of the local zone")
	flags.IntVar(&l.width, "width", 0, "columns, 60 to 1000; default: COLUMNS, the terminal's, or 100")
	flags.BoolVar(&l.ascii, "ascii", false, "no character beyond ASCII")
	flags.BoolVar(&l.all, "all", false, "every flow as a ladder, however many there are, and every row")
}

// options checks the flags; w is where the text goes.
func (l *lookFlags) options(w io.Writer) (explain.Options, error) {
	o := explain.Options{Width: l.width, ASCII: l.ascii, All: l.all, Location: l.location()}
	switch l.times {
	case "relative":
	case "absolute":
		o.Absolute = true
	default:
		return o, usageError{fmt.Errorf("--time is relative or absolute, not %q", l.times)}
	}
	fd, isTerminal := terminal(w)
	switch l.color {
	case "auto":
		o.Color = isTerminal && coloured()
	case "always":
		o.Color = true
	case "never":
	default:
		return o, usageError{fmt.Errorf("--color is auto, always or never, not %q", l.color)}
	}
	if o.Width < 0 || o.Width > 0 && o.Width < 60 || o.Width > 1000 {
		return o, usageError{errors.New("--width is 60 to 1000 columns")}
	}
	if o.Width == 0 {
		o.Width = columns(fd, isTerminal)
	}
	return o, nil
}

// location is the zone of times of day.
func (l *lookFlags) location() *time.Location {
	if l.utc {
		return time.UTC
	}
	return time.Local
}

// coloured reports whether a terminal is said to show SGR sequences. The console of Windows does so in Windows Terminal.
func coloured() bool {
	if runtime.GOOS == "windows" && os.Getenv("WT_SESSION") == "" && os.Getenv("TERM") == "" {
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// terminal reports whether w is one.
func terminal(w io.Writer) (fd int, yes bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// columns is how wide text may be, 0 for the default.
func columns(fd int, isTerminal bool) int {
	const most = 160 // arrows do not get better by being longer
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return min(n, most)
	}
	if isTerminal {
		if n, _, err := term.GetSize(fd); err == nil && n > 0 {
			return min(n, most)
		}
	}
	return 0
}
