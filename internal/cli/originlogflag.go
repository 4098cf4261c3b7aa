package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/diagnosis/originlog"
)

// originLogFlags are the flags that name logs of the origin, the same for every command that takes them.
type originLogFlags struct {
	files []string
	zone  string
}

func (o *originLogFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.files, "origin-log", nil, "log `FILE` of the origin: HTTPERR, IIS W3C or failed request, Apache or nginx error or access log; may be repeated")
	flags.StringVar(&o.zone, "origin-log-zone", "UTC", "time zone of error logs, whose times name none: Local, or as in Europe/Berlin")
}

// read reads of the logs what is wanted.
func (o *originLogFlags) read(ctx context.Context, wanted func(*originlog.Entry) bool, unmask bool, stderr io.Writer) ([]originlog.Entry, int64, error) {
	location, err := time.LoadLocation(o.zone)
	if err != nil {
		return nil, 0, usageError{fmt.Errorf("--origin-log-zone %s: there is no such time zone", o.zone)}
	}
	cfg := originlog.Config{Unmask: unmask, Location: location, Keep: wanted}
	lines := int64(0)
	var all []originlog.Entry
	for _, name := range o.files {
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, fileError("read log", name, err)
		}
		entries, report, err := originlog.Read(whileWanted{ctx, f}, name, cfg)
		_ = f.Close()
		switch {
		case ctx.Err() != nil:
			return nil, 0, err
		case err != nil: // it is further evidence: without it the rest still counts
			_, _ = fmt.Fprintf(stderr, "lunette: %s; it is left out\n", printable(err.Error()))
			continue
		}
		tellOriginLog(stderr, &report)
		all, lines = append(all, entries...), lines+report.Lines
	}
	return all, lines, nil
}

// tellOriginLog says what of a log could not be used.
func tellOriginLog(w io.Writer, r *originlog.Report) {
	if r.Damaged > 0 {
		_, _ = fmt.Fprintf(w, "lunette: %s: %s could not be read: %s", printable(r.Name), counted(int(r.Damaged), "line"), printable(r.Faults[0]))
		if r.Damaged > 1 {
			_, _ = fmt.Fprint(w, ", and others")
		}
		_, _ = fmt.Fprintln(w)
	}
	if r.Omitted > 0 {
		_, _ = fmt.Fprintf(w, "lunette: %s: %s beyond the most that are kept: give a part of the log\n", printable(r.Name), counted(int(r.Omitted), "line"))
	}
}

// join adds what the logs say to the flows of a report.
func (o *originLogFlags) join(ctx context.Context, r *analysis.Report, unmask bool, stderr io.Writer) error {
	if len(o.files) == 0 {
		return nil
	}
	entries, lines, err := o.read(ctx, r.OriginLogWanted(), unmask, stderr)
	if err != nil {
		return err
	}
	tellJoined(stderr, lines, r.AddOriginLog(entries))
	return nil
}

// tellJoined says how much of the logs is about the connections.
func tellJoined(w io.Writer, lines int64, j *originlog.Joined) {
	_, _ = fmt.Fprintf(w, "lunette: origin log: of %s %d are about these connections", counted(int(lines), "line"), j.Lines)
	if j.Ambiguous > 0 {
		_, _ = fmt.Fprintf(w, ", %d fit several and were left out", j.Ambiguous)
	}
	if j.Beyond > 0 {
		_, _ = fmt.Fprintf(w, ", %d more are about connections of which there were enough", j.Beyond)
	}
	_, _ = fmt.Fprint(w, clockWords(&j.Clock))
	_, _ = fmt.Fprintln(w)
}

// clockWords say how far the origin's clock is ahead, where that could be told.
func clockWords(c *originlog.Clock) string {
	const finest = 500 * time.Millisecond // of logs that write seconds
	switch offset := c.Offset.Round(100 * time.Millisecond); {
	case c.Pairs == 0:
		return ""
	case offset.Abs() <= finest:
		return "; its clock agrees with this one"
	case offset < 0:
		return fmt.Sprintf("; its clock is %s behind this one (%s)", -offset, counted(c.Pairs, "connection"))
	default:
		return fmt.Sprintf("; its clock is %s ahead of this one (%s)", offset, counted(c.Pairs, "connection"))
	}
}
