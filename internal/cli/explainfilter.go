package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// parseFilters reads the terms of all --filter flags. Times may be relative to the first packet (+12.5, +500ms) or a time of the day of
// the capture (11:53:52); start tells when that was, and is called only then.
func parseFilters(texts []string, loc *time.Location, start func() (time.Time, error)) (analysis.Filter, error) {
	var sum analysis.Filter
	for _, text := range texts {
		for at := 0; at < len(text); {
			end := at + strings.IndexAny(text[at:]+" ", " ,")
			if term := text[at:end]; term != "" {
				one, err := parseTerm(term, loc, start)
				if err != nil {
					return sum, usageError{fmt.Errorf("--filter %q, column %d: %s: %w", text, at+1, term, err)}
				}
				merge(&sum, &one)
			}
			at = end + 1
		}
	}
	return sum, nil
}

func parseTerm(term string, loc *time.Location, start func() (time.Time, error)) (analysis.Filter, error) {
	key, value, _ := strings.Cut(term, "=")
	switch strings.ToLower(key) {
	case "after", "from":
		t, err := parseMoment(value, loc, start)
		return analysis.Filter{From: t}, err
	case "before", "to":
		t, err := parseMoment(value, loc, start)
		return analysis.Filter{To: t}, err
	}
	f, err := analysis.ParseFilter(term, loc)
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return f, err
}

// merge adds the demands of f to those of sum.
func merge(sum, f *analysis.Filter) {
	sum.Hosts = append(sum.Hosts, f.Hosts...)
	sum.Addrs = append(sum.Addrs, f.Addrs...)
	sum.Ports = append(sum.Ports, f.Ports...)
	if !f.From.IsZero() {
		sum.From = f.From
	}
	if !f.To.IsZero() {
		sum.To = f.To
	}
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
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errMoment
}

// firstPacket returns a function that says when the earliest of the inputs begins.
func firstPacket(inputs []analysis.Input) func() (time.Time, error) {
	return func() (time.Time, error) {
		var first time.Time
		for _, in := range inputs {
			at, err := firstOf(in)
			if err != nil {
				return first, fmt.Errorf("look for the start of %s: %w", printable(in.Name), err)
			}
			if first.IsZero() || at.Before(first) {
				first = at
			}
		}
		return first, nil
	}
}

func firstOf(in analysis.Input) (time.Time, error) {
	src, err := in.Open()
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = src.Close() }()
	r, err := pcap.NewReader(src, pcap.Config{})
	if err != nil {
		return time.Time{}, err
	}
	var p pcap.Packet
	if err := r.Next(&p); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it has no packet")
		}
		return time.Time{}, err
	}
	return time.Unix(0, p.At).UTC(), nil
}
