//go:build linux

// Command benchmatch measures the matcher by itself: CPU time of this thread over values that are made anew each time, on all patterns of the
// Core Rule Set. With -dump it writes patterns and values for engines that are no dependency of this module.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/rules/match"
)

func main() {
	n := flag.Int("n", 200, "values of each kind")
	level := flag.Int("paranoia", 1, "paranoia level")
	std := flag.Bool("std", true, "run std regexp one by one, too")
	worst := flag.Bool("worst", false, "look for the worst value of each pattern, and set it beside its Cost")
	dump := flag.String("dump", "", "write patterns and values as JSON to this file")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random words") //nolint:gosec // any number does
	flag.Parse()
	if err := run(*n, *level, *seed, *std, *worst, *dump); err != nil {
		fmt.Fprintln(os.Stderr, "benchmatch:", err)
		os.Exit(1)
	}
}

// now is the CPU time of this thread: what else runs on the machine does not count, but for the caches that it shares.
func now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // Linux has it
	}
	return time.Duration(t.Nano())
}

func run(n, level int, seed uint64, std, worst bool, dump string) error {
	runtime.LockOSThread()
	for _, l := range slices.Compact([]int{level, 4}) {
		rules, err := crsRules(l)
		if err != nil {
			return err
		}
		start := now()
		s, errs := match.New(patterns(rules), match.Limits{})
		if errs != nil {
			return fmt.Errorf("pattern %d: %w", errs[0].Index, errs[0].Err)
		}
		fmt.Printf("paranoia %d: %d patterns, New %v, %.1f MB\n", l, len(rules), (now() - start).Round(time.Millisecond), float64(s.Memory())/(1<<20))
	}
	rules, err := crsRules(level)
	if err != nil {
		return err
	}
	s, _ := match.New(patterns(rules), match.Limits{})
	b := &bench{set: s, rules: rules, scratch: &match.Scratch{}, r: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // words, not secrets
	b.benign()
	b.hostile(n, std)
	if worst {
		b.worst()
	}
	if dump != "" {
		return b.dump(dump, n)
	}
	return nil
}

func patterns(rules []rule) (out []match.Pattern) {
	for _, r := range rules {
		out = append(out, r.pattern)
	}
	return out
}

type bench struct {
	set     *match.Set
	rules   []rule
	scratch *match.Scratch
	r       *rand.Rand
}

// arguments are the patterns that arguments are tested with, by the numbers that CRS gives its files.
func (b *bench) arguments() match.Bits {
	want := make(match.Bits, b.set.Words())
	for i, r := range b.rules {
		if r.id >= 921000 && r.id < 950000 {
			want[i>>6] |= 1 << (i & 63)
		}
	}
	return want
}

func (b *bench) benign() {
	want, hits := b.arguments(), make(match.Bits, b.set.Words())
	fmt.Printf("\n%-10s %6s %14s %14s\n", "benign", "bytes", "Candidates", "and Verify")
	for _, v := range benignValues() {
		rounds := 20_000_000 / (len(v.value) + 20)
		start := now()
		for range rounds {
			b.set.Candidates(b.scratch, v.value, hits)
		}
		one := now()
		for range rounds/4 + 1 {
			b.set.Scan(b.scratch, v.value, want, hits)
		}
		two := now()
		fmt.Printf("%-10s %6d %11.0f ns %11.0f ns\n", v.name, len(v.value), float64(one-start)/float64(rounds), float64(two-one)/float64(rounds/4+1))
	}
}

func (b *bench) hostile(n int, std bool) {
	const size = 10 << 10
	want, hits := b.arguments(), make(match.Bits, b.set.Words())
	for _, k := range kinds(b.rules) {
		var may, scan, one []time.Duration
		for i := range n {
			v := k.make(b.r, size)
			start := now()
			b.set.Candidates(b.scratch, v, hits)
			mid := now()
			b.set.Scan(b.scratch, v, want, hits)
			end := now()
			may, scan = append(may, mid-start), append(scan, end-mid)
			if std && i < 3 {
				start := now()
				for _, r := range b.rules {
					if r.std != nil && r.id >= 921000 && r.id < 950000 {
						r.std.MatchString(v)
					}
				}
				one = append(one, now()-start)
			}
		}
		first := scan[0]
		for _, all := range [][]time.Duration{may, scan, one} {
			slices.Sort(all)
		}
		fmt.Printf("\n%-8s 10 KB: Candidates p50 %v; Scan first %v least %v p50 %v p99 %v",
			k.name, us(may[n/2]), us(first), us(scan[0]), us(scan[n/2]), us(scan[n*99/100]))
		if one != nil {
			fmt.Printf("; std regexp one by one %v", us(one[0]))
		}
	}
	fmt.Println()
}

func us(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

// worst runs each pattern over values made of its own parts and prints those that take longest, beside what Cost says.
func (b *bench) worst() {
	type row struct {
		id            int
		worst, stated float64
	}
	var rows []row
	hits := make(match.Bits, b.set.Words())
	for i, r := range b.rules {
		if r.tree == nil {
			continue
		}
		s, _ := match.New([]match.Pattern{r.pattern}, match.Limits{})
		x, most := &match.Scratch{}, 0.0
		for range 60 {
			v := broken(b.r, r.tree, 8<<10)
			best := time.Duration(1 << 40)
			for range 3 {
				start := now()
				s.Scan(x, v, match.Bits{1}, hits)
				best = min(best, now()-start)
			}
			most = max(most, float64(best)/float64(len(v)))
		}
		rows = append(rows, row{r.id, most, b.set.Cost(i)})
	}
	slices.SortFunc(rows, func(a, b row) int { return int(1000 * (b.worst - a.worst)) })
	fmt.Printf("\n%8s %10s %10s  ns/byte\n", "rule", "worst", "Cost")
	for _, r := range rows {
		if r.worst < 20 && r.stated < 100 && r.worst <= r.stated {
			continue
		}
		fmt.Printf("%8d %10.1f %10.1f\n", r.id, r.worst, r.stated)
	}
}

func (b *bench) dump(name string, n int) error {
	out := map[string][]string{}
	for _, r := range b.rules {
		if r.std != nil && r.id >= 921000 && r.id < 950000 {
			out["patterns"] = append(out["patterns"], "(?sm)"+r.pattern.Expr)
		}
	}
	for _, v := range benignValues() {
		out["benign"] = append(out["benign"], v.value)
	}
	for _, k := range kinds(b.rules) {
		for range n {
			out[k.name] = append(out[k.name], strings.ToValidUTF8(k.make(b.r, 10<<10), "?"))
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o600)
}
