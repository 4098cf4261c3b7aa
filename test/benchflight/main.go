//go:build unix

// Command benchflight measures what the flight recorder costs: CPU time per request of a process that is a gateway and nothing else, a
// listener in clear and an origin leg over TLS 1.3, at each setting against off, in pairs that alternate. The origin and the clients are
// another process. See docs/performance.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/gateway/flight"
)

type options struct {
	pairs   int
	length  time.Duration
	conns   int
	sizes   string
	against string
}

func main() {
	var o options
	flag.IntVar(&o.pairs, "pairs", 20, "pairs of each comparison")
	flag.DurationVar(&o.length, "length", 3*time.Second, "of each half of a pair")
	flag.IntVar(&o.conns, "conns", 16, "connections of clients")
	flag.StringVar(&o.sizes, "sizes", "100,10240", "bytes of the answers")
	flag.StringVar(&o.against, "modes", "packets,facts", "settings that are compared with off")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if flag.Arg(0) == "gateway" {
		err = gateway(ctx, flag.Arg(1))
	} else {
		err = o.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchflight:", err)
		os.Exit(1)
	}
}

func (o *options) run(ctx context.Context) error {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		_, _ = w.Write(bytes.Repeat([]byte("x"), n))
	}))
	s.StartTLS()
	defer s.Close()
	g, err := start(ctx, s.URL)
	if err != nil {
		return err
	}
	defer g.stop()
	for _, size := range strings.Split(o.sizes, ",") {
		for _, mode := range strings.Split(o.against, ",") {
			if err := o.compare(g, flight.Mode(mode), size); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare runs the pairs of one comparison; which half comes first alternates.
func (o *options) compare(g *child, mode flight.Mode, size string) error {
	var off, on, ratios []float64
	for _, m := range []flight.Mode{flight.Off, mode} { // connections, pools
		if _, err := o.measure(g, m, size, time.Second); err != nil {
			return err
		}
	}
	for i := range o.pairs {
		pair := []flight.Mode{flight.Off, mode}
		if i%2 == 1 {
			slices.Reverse(pair)
		}
		cost := map[flight.Mode]float64{}
		for _, m := range pair {
			c, err := o.measure(g, m, size, o.length)
			if err != nil {
				return err
			}
			cost[m] = c
		}
		off, on = append(off, cost[flight.Off]), append(on, cost[mode])
		ratios = append(ratios, cost[mode]/cost[flight.Off])
	}
	low, high := interval(ratios)
	fmt.Printf("%-8s %6s bytes: %+.2f %% CPU per request, 95 %% confidence %+.2f to %+.2f %% (median of %d pairs of 2 × %s; off %.1f µs, %s %.1f µs)\n",
		mode, size, 100*(median(ratios)-1), 100*(low-1), 100*(high-1), o.pairs, o.length, median(off), mode, median(on))
	return nil
}

// measure is the CPU time of the gateway per request, in microseconds.
func (o *options) measure(g *child, m flight.Mode, size string, length time.Duration) (float64, error) {
	before, err := g.used()
	if err != nil {
		return 0, err
	}
	n, err := drive(g.addr[m], size, o.conns, length)
	if err != nil {
		return 0, err
	}
	after, err := g.used()
	return (after - before).Seconds() * 1e6 / float64(n), err
}

// drive asks for a page over and over on so many connections, and returns how often it got it.
func drive(addr, size string, conns int, length time.Duration) (int64, error) {
	var total atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, conns)
	until := time.Now().Add(length)
	for range conns {
		wg.Go(func() {
			n, err := client(addr, size, until)
			if total.Add(n); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
	}
	return total.Load(), nil
}

func client(addr, size string, until time.Time) (n int64, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, fmt.Errorf("reach gateway: %w", err)
	}
	defer func() { _ = c.Close() }()
	ask := []byte("GET /" + size + " HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: benchflight\r\nAccept: */*\r\n\r\n")
	in := bufio.NewReaderSize(c, 32<<10)
	for ; time.Now().Before(until); n++ {
		if _, err := c.Write(ask); err != nil {
			return n, fmt.Errorf("ask: %w", err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return n, fmt.Errorf("read answer: %w", err)
		}
		got, err := io.Copy(io.Discard, resp.Body)
		if err != nil || resp.StatusCode != 200 || strconv.FormatInt(got, 10) != size {
			return n, fmt.Errorf("answer %d with %d bytes: %v", resp.StatusCode, got, err)
		}
	}
	return n, nil
}

// child is the gateway process.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	addr map[flight.Mode]string
}

func start(ctx context.Context, origin string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start gateway: %w", err)
	}
	g := &child{cmd: exec.CommandContext(ctx, self, "gateway", origin), addr: map[flight.Mode]string{}}
	g.cmd.Stderr = os.Stderr
	out, err := g.cmd.StdoutPipe()
	if err == nil {
		g.in, err = g.cmd.StdinPipe()
	}
	if err == nil {
		err = g.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start gateway: %w", err)
	}
	g.out = bufio.NewScanner(out)
	for range modes() {
		mode, addr, ok := strings.Cut(g.line(), " ")
		if !ok {
			g.stop()
			return nil, fmt.Errorf("start gateway: it says %q", mode)
		}
		g.addr[flight.Mode(mode)] = addr
	}
	return g, nil
}

func (g *child) line() string {
	g.out.Scan()
	return g.out.Text()
}

// used is the CPU time of the gateway so far.
func (g *child) used() (time.Duration, error) {
	if _, err := io.WriteString(g.in, "\n"); err != nil {
		return 0, fmt.Errorf("ask for CPU time: %w", err)
	}
	n, err := strconv.ParseInt(g.line(), 10, 64)
	return time.Duration(n), err
}

func (g *child) stop() {
	_ = g.in.Close()
	_ = g.cmd.Wait()
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// interval is the 95 % confidence interval of the median of v, by bootstrap.
func interval(v []float64) (low, high float64) {
	rnd := rand.New(rand.NewPCG(1, 2))
	medians := make([]float64, 10000)
	again := make([]float64, len(v))
	for i := range medians {
		for j := range again {
			again[j] = v[rnd.IntN(len(v))]
		}
		medians[i] = median(again)
	}
	slices.Sort(medians)
	at := func(q float64) float64 { return medians[int(math.Round(q*float64(len(medians)-1)))] }
	return at(0.025), at(0.975)
}
