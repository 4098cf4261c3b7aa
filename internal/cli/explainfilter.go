package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
)

// parseFilters reads the terms of all --filter flags. Times may be relative to the first packet (+12.5, +500ms) or a time of the day of
// the capture (11:53:52); start tells when that was, and is called only then.
func parseFilters(texts []string, loc *time.Location, start func() (time.Time, error)) (analysis.Filter, error) {
	var sum analysis.Filter
	moment := func(s string) (time.Time, error) { return parseMoment(s, loc, start) }
	for _, text := range texts {
		for at := 0; at < len(text); {
			end := at + strings.IndexAny(text[at:]+" ", " ,")
			if term := text[at:end]; term != "" {
				if err := sum.Add(term, moment); err != nil {
					return sum, usageError{fmt.Errorf("--filter %q, column %d: %s: %w", text, at+1, term, err)}
				}
			}
			at = end + 1
		}
	}
	return sum, nil
}

var errMoment = errors.New("write times as 2026-11-22T10:00:00Z, as a time of the capture's day 10:00:00, or from its start on +12.5 (seconds)")

// parseMoment reads a time.
func parseMoment(s string, loc *time.Location, start func() (time.Time, error)) (time.Time, error) {
	if offset, ok := strings.CutPrefix(s, "+"); ok {
		d, err := time.ParseDuration(offset)
		if err != nil {
			d, err = time.ParseDuration(offset + "s")
		}
		if err != nil {
			return time.Time{}, errMoment
		}
		first, err := start()
		return first.Add(d), err
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if clock, err := time.Parse(layout, s); err == nil {
			first, err := start()
			day := first.In(loc)
			return time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), loc), err
		}
	}
	t, err := analysis.ParseTime(s, loc)
	if err != nil {
		return time.Time{}, errMoment
	}
	return t, nil
}

// firstPacket returns a function that says when the earliest of the inputs begins.
func firstPacket(inputs []analysis.Input) func() (time.Time, error) {
	return func() (time.Time, error) {
		var first time.Time
		for _, in := range inputs {
			ns, err := in.Begin()
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("%s has no packet", printable(in.Name))
			}
			if err != nil {
				return first, fmt.Errorf("look for the start: %w", err)
			}
			if at := time.Unix(0, ns).UTC(); first.IsZero() || at.Before(first) {
				first = at
			}
		}
		return first, nil
	}
}
