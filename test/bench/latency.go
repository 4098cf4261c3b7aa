package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	titleLatency = "latency in ms at a fixed rate of GETs (open loop, from the time at which a request was due)"
	workers      = 64 // connections of the open loop; one that is busy lets a request wait, which counts
	share        = 0.7
)

// latency drives every system without rules at the same rate: 70 % of what the slowest of them reached. What runs the
// rules is driven at 70 % of its own.
func (o *options) latency(ctx context.Context, r *rig, systems []*system, rep *report) error {
	top, common := map[string]float64{}, 0.0
	for _, s := range systems {
		rate, err := o.top(ctx, r, s, rep)
		if err != nil {
			return err
		}
		top[s.Name] = rate
		if !s.rules() && (common == 0 || rate < common) {
			common = rate
		}
	}
	for round := range o.rounds {
		for _, s := range systems {
			rate := common * share
			if s.rules() {
				rate = top[s.Name] * share
			}
			took, err := openLoop(ctx, s.plain, rate, o.length)
			if err != nil {
				return fmt.Errorf("drive %s at a fixed rate: %w", s.Name, err)
			}
			rep.put(titleLatency, s.Name, "rate/s", rate)
			rep.put(titleLatency, s.Name, "p50", millis(took, 0.50))
			rep.put(titleLatency, s.Name, "p99", millis(took, 0.99))
		}
		fmt.Fprintf(os.Stderr, "latency: round %d of %d\n", round+1, o.rounds)
	}
	rep.note(titleLatency, fmt.Sprintf("%d connections; 70 %% of the maximum of the slowest without rules, and of its own with rules", workers))
	return nil
}

// top is the median rate of GETs that wrk reached.
func (o *options) top(ctx context.Context, r *rig, s *system, rep *report) (float64, error) {
	if f := rep.get(titleRate, s.Name, "get"); f != nil {
		return f.Median, nil
	}
	got, err := drive(ctx, s.p, "http://"+s.plain, site, load{Name: "get", path: "/"}, o.conns, o.length)
	return got.rate(), err
}

func millis(sorted []time.Duration, q float64) float64 {
	return float64(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Microseconds()) / 1000
}

// openLoop sends GETs at rate for d, whether or not earlier ones were answered, and returns the sorted times from when
// each was due to its last byte.
func openLoop(ctx context.Context, addr string, rate float64, d time.Duration) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n := int(rate * d.Seconds())
	due := make(chan time.Time, n)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []time.Duration
	for range workers {
		wg.Go(func() { // ends when due is closed and empty, or on a fault
			took, err := answerTimes(ctx, addr, due)
			if err != nil {
				cancel(err)
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
		})
	}
	pace(ctx, due, n, time.Duration(float64(time.Second)/rate))
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no answers")
	}
	slices.Sort(all)
	return all, nil
}

// pace puts n times into due, every one when it has come. The runtime's timers wait in whole milliseconds, which is
// longer than what is measured; so a thread of its own sleeps in the kernel.
func pace(ctx context.Context, due chan<- time.Time, n int, every time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(due)
	next := time.Now().Add(10 * time.Millisecond)
	for range n {
		for wait := time.Until(next); wait > 0; wait = time.Until(next) {
			if ctx.Err() != nil {
				return
			}
			t := syscall.NsecToTimespec(int64(wait))
			_ = syscall.Nanosleep(&t, nil)
		}
		due <- next
		next = next.Add(every)
	}
}

// answerTimes serves what is due over one connection.
func answerTimes(ctx context.Context, addr string, due <-chan time.Time) ([]time.Duration, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	var out []time.Duration
	rd := bufio.NewReader(c)
	for {
		select {
		case <-ctx.Done():
			return out, nil
		case at, ok := <-due:
			if !ok {
				return out, nil
			}
			if err := get(c, rd); err != nil {
				return out, err
			}
			out = append(out, time.Since(at))
		}
	}
}

// get makes one request over a kept-alive connection and reads the whole answer.
func get(c net.Conn, rd *bufio.Reader) error {
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+site+"\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(rd, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
