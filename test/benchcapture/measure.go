package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// bars are what `make bench-capture` holds: times faster than tshark, seconds, bytes.
const (
	barRatio  = 10.0
	barTime   = 1600 * time.Millisecond
	barMemory = 200 << 20
)

// program is what is measured.
type program struct {
	name string
	args []string
	cost []cost
}

// cost is one run.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes of resident memory
}

// compare runs each program so many times, in turns, and prints what they cost.
func compare(ctx context.Context, o options, file string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	programs := []*program{{name: "the analysis alone", args: []string{self, "-analyse", file, "-keylog", keyLogOf(file)}}}
	if explains(ctx, o.lunette) {
		explain := []string{o.lunette, "explain", "--keylog", keyLogOf(file), "--format", "json", file}
		programs = slices.Insert(programs, 0, &program{name: "lunette explain", args: explain})
	}
	if o.tshark {
		if path, err := exec.LookPath("tshark"); err == nil {
			programs = append(programs, &program{name: "tshark", args: []string{path, "-r", file, "-o", "tls.keylog_file:" + keyLogOf(file), "-T", "fields",
				"-e", "frame.number", "-e", "tls.record.content_type", "-e", "http.request.uri", "-e", "http.response.code", "-Y", "http || tls"}})
		} else {
			fmt.Println("tshark is not installed and is left out")
		}
	}
	warm(file)
	for range max(1, o.rounds) {
		for _, p := range programs {
			c, err := once(ctx, p.args)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			p.cost = append(p.cost, c)
		}
	}
	return report(file, programs)
}

// explains reports whether binary has the explain command.
func explains(ctx context.Context, binary string) bool {
	if binary == "" {
		return false
	}
	help, err := exec.CommandContext(ctx, binary, "explain", "--help").Output()
	return err == nil && strings.Contains(string(help), "--keylog")
}

// warm reads the file once: what is measured is not the disk.
func warm(file string) {
	if f, err := os.Open(file); err == nil {
		defer f.Close()
		_, _ = io.Copy(io.Discard, f)
	}
}

func once(ctx context.Context, args []string) (cost, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%w: %s", err, complaints.String())
	}
	return cost{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak: peakMemory(cmd.ProcessState)}, nil
}

func report(file string, programs []*program) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %.2f GB\n%-20s %8s %8s %8s %9s %8s\n", file, float64(info.Size())/1e9, "", "best", "median", "CPU", "peak", "GB/s")
	for _, p := range programs {
		best, middle := p.summary()
		fmt.Printf("%-20s %7.2fs %7.2fs %7.2fs %6d MB %8.2f\n", p.name, best.wall.Seconds(), middle.wall.Seconds(), middle.cpu.Seconds(), p.peak()>>20,
			float64(info.Size())/1e9/middle.wall.Seconds())
	}
	return judge(programs)
}

// judge compares with the bars.
func judge(programs []*program) error {
	_, ours := programs[0].summary()
	var missed []string
	if ours.wall > barTime {
		missed = append(missed, fmt.Sprintf("%.2f s are more than %.2f s", ours.wall.Seconds(), barTime.Seconds()))
	}
	if peak := programs[0].peak(); peak > barMemory {
		missed = append(missed, fmt.Sprintf("%d MB are more than %d MB", peak>>20, int64(barMemory)>>20))
	}
	if last := programs[len(programs)-1]; last.name == "tshark" {
		_, theirs := last.summary()
		ratio := theirs.wall.Seconds() / ours.wall.Seconds()
		fmt.Printf("%.1f times as fast as tshark\n", ratio)
		if ratio < barRatio {
			missed = append(missed, fmt.Sprintf("%.1f times as fast is less than %.0f times", ratio, barRatio))
		}
	}
	if len(missed) > 0 {
		return errors.New("bar missed: " + strings.Join(missed, "; "))
	}
	return nil
}

func (p *program) summary() (best, median cost) {
	sorted := slices.SortedFunc(slices.Values(p.cost), func(a, b cost) int { return int(a.wall - b.wall) })
	return sorted[0], sorted[len(sorted)/2]
}

func (p *program) peak() int64 {
	most := int64(0)
	for _, c := range p.cost {
		most = max(most, c.peak)
	}
	return most
}
