//go:build linux

// Command benchrules measures the rules engine by itself, in this process: CPU time of whole inspections of hostile requests, made anew each
// time, and how it grows with bytes and with values. `make bench-waf` runs it after the requests over sockets.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/test/soup"
)

// bar is what the p99 of a hostile request of 10 KB may take.
const bar = 2 * time.Millisecond

func main() {
	n := flag.Int("n", 2000, "requests of each shape")
	level := flag.Int("paranoia", 1, "paranoia level")
	size := flag.Int("bytes", 10<<10, "bytes of soup in a request")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random words") //nolint:gosec // any number does
	grow := flag.Bool("grow", true, "measure how the time grows, too")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the inspections")
	only := flag.String("shape", "", "only shapes whose name holds this")
	hold := flag.Bool("hold", false, "fail where the bar is missed")
	again := flag.Int("again", 1, "inspect each request so often, and take the least: what the request costs, without what else the machine does")
	flag.Parse()
	if err := run(*n, *level, *size, *again, *seed, *grow, *hold, *profile, *only); err != nil {
		fmt.Fprintln(os.Stderr, "benchrules:", err)
		os.Exit(1)
	}
}

// run stays on one thread, whose CPU time it measures.
func run(n, level, size, again int, seed uint64, grow, hold bool, profile, only string) error {
	runtime.LockOSThread()
	list, err := soup.Words()
	if err != nil {
		return err
	}
	start := time.Now()
	e, err := rules.NewFactory().Open(rules.Settings{Paranoia: level, Arguments: 20_000, Leaves: 20_000})
	if err != nil {
		return err
	}
	defer e.Close()
	count, _ := e.Rules()
	fmt.Printf("%s, %d processors; %d rules at paranoia %d open after %v; %d words; seed %d\n\n", runtime.Version(), runtime.NumCPU(), count, level, time.Since(start).Round(time.Millisecond), len(list), seed)
	if profile != "" {
		f, err := os.Create(profile) //nolint:gosec // named by who runs it
		if err != nil {
			return err
		}
		defer func() { pprof.StopCPUProfile(); _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
	}
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // words, not secrets
	missed := false
	fmt.Printf("%-28s %10s %10s %10s %10s\n", fmt.Sprintf("CPU, soup of %d bytes", size), "first", "p50", "p99", "longest")
	for _, s := range shapes() {
		if !strings.Contains(s.name, only) {
			continue
		}
		var all []time.Duration
		for range n {
			m, least := s.make(r, list, size), time.Duration(math.MaxInt64)
			for range again {
				took, err := inspect(e, m)
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				least = min(least, took)
			}
			all = append(all, least)
		}
		first := all[0]
		slices.Sort(all)
		p99 := all[len(all)*99/100]
		missed = missed || p99 > bar || first > bar
		fmt.Printf("%-28s %10v %10v %10v %10v\n", s.name, round(first), round(all[len(all)/2]), round(p99), round(all[len(all)-1]))
	}
	if grow {
		if err := growth(e, r, list); err != nil {
			return err
		}
	}
	if hold && missed {
		return fmt.Errorf("the bar of %v for the p99 is missed", bar)
	}
	return nil
}

// now is the CPU time of this thread: what else runs on the machine does not count.
func now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // Linux has it
	}
	return time.Duration(t.Nano())
}

func round(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

// inspect takes a request through the rules and returns how long they took. Whether it is blocked does not matter.
func inspect(e *rules.Engine, m message) (time.Duration, error) {
	x := request(m)
	start := now()
	in := e.Begin(x)
	_, err := in.RequestHead(time.Time{})
	if err == nil {
		var body io.Reader
		if m.body != "" {
			body = io.NewSectionReader(strings.NewReader(m.body), 0, int64(len(m.body)))
		}
		_, err = in.RequestBody(body, false, time.Time{})
	}
	in.End(&x.WAF)
	took := now() - start
	var why *reason.Error
	if err != nil && !errors.As(err, &why) {
		return 0, err
	}
	if why != nil && (why.Code == reason.WAFEngineError || why.Code == reason.WAFTimeout) {
		return 0, err
	}
	return took, nil
}

func request(m message) *exchange.Exchange {
	target := "/form"
	if m.query != "" {
		target += "?" + m.query
	}
	if m.body == "" {
		return soup.Get(target, m.fields...)
	}
	return soup.Post(target, m.mime, len(m.body), m.fields...)
}
