//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/test/soup"
)

// series is requests that grow.
type series struct {
	name string
	unit string
	at   []int
	make func(r *rand.Rand, list []string, n int) message
}

func jsonOf(n int, value func(i int) string) message {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",%q:%q", fmt.Sprint("f", i), value(i))
	}
	return message{mime: "application/json", body: "{" + b.String()[1:] + "}"}
}

func allSeries() []series {
	leaves, bytes := []int{1, 10, 100, 1000, 10_000}, []int{1 << 10, 10 << 10, 100 << 10, 1 << 20}
	const prose = "an ordinary sentence of a letter that somebody wrote, "
	return []series{
		{"benign leaves", "leaf", leaves, func(_ *rand.Rand, _ []string, n int) message {
			return jsonOf(n, func(i int) string { return fmt.Sprintf("garden chair no %d", i) })
		}},
		{"hostile leaves", "leaf", leaves, func(r *rand.Rand, list []string, n int) message {
			return jsonOf(n, func(int) string { return printable(soup.Of(r, list, 25)) })
		}},
		{"benign bytes", "byte", bytes, func(_ *rand.Rand, _ []string, n int) message {
			return jsonOf(1, func(int) string { return strings.Repeat(prose, n/len(prose)+1)[:n] })
		}},
		{"hostile bytes", "byte", bytes, func(r *rand.Rand, list []string, n int) message {
			return jsonOf(1, func(int) string { return printable(soup.Of(r, list, n)) })
		}},
		{"hostile bytes of a form", "byte", bytes, func(r *rand.Rand, list []string, n int) message {
			return message{mime: "application/x-www-form-urlencoded", body: "q=" + url.QueryEscape(soup.Of(r, list, n))}
		}},
	}
}

// growth prints the median time of requests that grow tenfold, and what one more unit costs: a line has the same everywhere.
func growth(e *rules.Engine, r *rand.Rand, list []string) error {
	fmt.Printf("\n%-28s", "growth: median CPU, and per unit")
	fmt.Println()
	for _, s := range allSeries() {
		fmt.Printf("%-28s", s.name)
		for _, n := range s.at {
			times := max(5, min(200, 2_000_000/n/10))
			if s.unit == "byte" {
				times = max(5, min(200, 20_000_000/n/10))
			}
			var all []time.Duration
			for range times {
				took, err := inspect(e, s.make(r, list, n))
				if err != nil {
					return fmt.Errorf("%s of %d: %w", s.name, n, err)
				}
				all = append(all, took)
			}
			slices.Sort(all)
			mid := all[len(all)/2]
			fmt.Printf("  %d: %v (%v)", n, round(mid), mid/time.Duration(n))
		}
		fmt.Println()
	}
	return nil
}
