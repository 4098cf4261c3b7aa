package explain

import (
	"io"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// benchmarked is a capture of 100 flows with 20 exchanges each.
func benchmarked() *Capture {
	c := &Capture{Start: at(0)}
	for range 100 {
		c.Flows = append(c.Flows, exchanged(20))
	}
	return c
}

// BenchmarkForms writes 100 flows, 4,000 events and 2,000 exchanges, in each form.
func BenchmarkForms(b *testing.B) {
	c := benchmarked()
	for name, write := range map[string]func(w io.Writer) error{
		"table":   func(w io.Writer) error { return Text(w, c, Options{}) },
		"ladders": func(w io.Writer) error { return Text(w, c, Options{All: true}) },
		"json":    func(w io.Writer) error { return JSON(w, c) },
		"har":     func(w io.Writer) error { return HAR(w, c) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompare aligns two flows of 2,000 rows that have little in common: the worst case.
func BenchmarkCompare(b *testing.B) {
	one, other := exchanged(900), exchanged(900)
	for i := range other.Facts {
		if i%3 == 0 {
			other.Facts[i].Code = 404
		}
	}
	x, y := &Capture{Flows: []*flow.Flow{one}}, &Capture{Flows: []*flow.Flow{other}}
	for b.Loop() {
		if err := Compare(io.Discard, x, y, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
