package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// load is one kind of request.
type load struct {
	Name   string
	path   string
	script string // for wrk; "" for a plain GET
}

// run is the outcome of one measured stretch.
type run struct {
	requests int
	seconds  float64
	cpu      time.Duration
}

func (r run) micros() float64 { return float64(r.cpu.Microseconds()) / float64(r.requests) }
func (r run) rate() float64   { return float64(r.requests) / r.seconds }

var (
	wrkTotal  = regexp.MustCompile(`(\d+) requests in ([0-9.]+)(m?s|m)`)
	wrkFaults = regexp.MustCompile(`(?m)^\s*(Non-2xx or 3xx responses: .*|Socket errors: .*)$`)
)

// drive has wrk send requests over conns kept-alive connections for d, and measures the CPU time of p meanwhile. Where nothing comes back it waits
// and tries anew, for half a minute or so.
func drive(ctx context.Context, p *process, url, host string, l load, conns int, d time.Duration) (run, error) {
	return patient(d, patience, func(d time.Duration) (run, error) { return driveOnce(ctx, p, url, host, l, conns, d) },
		func() error { return p.rests(ctx, patience) })
}

// driveOnce is drive that fails with errNone where nothing comes back.
func driveOnce(ctx context.Context, p *process, url, host string, l load, conns int, d time.Duration) (run, error) {
	args := []string{"-t2", "--timeout", "30s", "-c" + strconv.Itoa(conns), "-d" + strconv.Itoa(int(d.Seconds())) + "s", "-H", "Host: " + host}
	if l.script != "" {
		args = append(args, "-s", l.script)
	}
	before := p.cpu()
	out, err := exec.CommandContext(ctx, "wrk", append(args, url+l.path)...).CombinedOutput() //nolint:gosec // the load generator
	used := p.cpu() - before
	if err != nil {
		return run{}, fmt.Errorf("drive %s with wrk: %w: %s", p.name, err, bytes.TrimSpace(out))
	}
	if m := wrkFaults.FindSubmatch(out); m != nil {
		return run{}, fmt.Errorf("drive %s with wrk: %s", p.name, bytes.TrimSpace(m[1]))
	}
	m := wrkTotal.FindSubmatch(out)
	if m == nil {
		return run{}, fmt.Errorf("drive %s with wrk: no totals in %q", p.name, out)
	}
	r := run{cpu: used}
	r.requests, _ = strconv.Atoi(string(m[1]))
	took, err := time.ParseDuration(string(m[2]) + string(m[3]))
	if err != nil || r.requests == 0 {
		return run{}, fmt.Errorf("drive %s with wrk: %w in %q", p.name, errNone, out)
	}
	r.seconds = took.Seconds()
	return r, nil
}

// form is an ordinary form of 24 fields, 1.1 KB, as an application/x-www-form-urlencoded body.
func form() string {
	var b strings.Builder
	for i := range 24 {
		if i > 0 {
			b.WriteByte('&')
		}
		fmt.Fprintf(&b, "field_%02d=value+number+%02d+of+a+usual+form+entry", i, i)
	}
	return b.String()
}

func formScript() string {
	return fmt.Sprintf("wrk.method = \"POST\"\nwrk.body = %q\nwrk.headers[\"Content-Type\"] = \"application/x-www-form-urlencoded\"\n", form())
}
