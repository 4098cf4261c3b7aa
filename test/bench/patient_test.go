package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A system that answers nothing at first is given time, and longer stretches, but not for ever; what else goes wrong is told at once.
func TestPatient(t *testing.T) {
	none := fmt.Errorf("drive x with wrk: %w in %q", errNone, "0 requests")
	broken := errors.New("Socket errors: connect 4")
	s := time.Second
	for _, c := range []struct {
		name   string
		fails  []error // of the stretches in turn; the last one goes on
		want   []time.Duration
		rested int
		err    error
	}{
		{"at once", []error{nil}, []time.Duration{2 * s}, 0, nil},
		{"after two", []error{none, none, nil}, []time.Duration{2 * s, 4 * s, 8 * s}, 2, nil},
		{"never", []error{none}, []time.Duration{2 * s, 4 * s, 8 * s, 16 * s}, 3, errNone},
		{"another fault", []error{none, broken}, []time.Duration{2 * s, 4 * s}, 1, broken},
	} {
		var lengths []time.Duration
		rested := 0
		r, err := patient(2*s, 30*s, func(d time.Duration) (run, error) {
			lengths = append(lengths, d)
			if err := c.fails[min(len(lengths), len(c.fails))-1]; err != nil {
				return run{}, err
			}
			return run{requests: 7}, nil
		}, func() error { rested++; return nil })
		if !slices.Equal(lengths, c.want) || rested != c.rested || !errors.Is(err, c.err) || (err == nil) != (r.requests == 7) {
			t.Errorf("%s: stretches %v, %d rests, %+v, %v", c.name, lengths, rested, r, err)
		}
	}
	gone := errors.New("it ended")
	if _, err := patient(s, 30*s, func(time.Duration) (run, error) { return run{}, none }, func() error { return gone }); !errors.Is(err, gone) {
		t.Errorf("after its end: %v", err)
	}
}
