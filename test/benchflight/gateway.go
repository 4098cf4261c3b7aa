//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/gateway/listener"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
)

func modes() []flight.Mode { return []flight.Mode{flight.Off, flight.Facts, flight.Packets} }

// gateway serves one listener for each setting, and says on each line that it reads how much CPU time it has used.
func gateway(ctx context.Context, url string) error {
	r, err := flight.New(flight.Config{Stalled: func(flight.Stall) {}})
	if err != nil {
		return err
	}
	defer r.Close()
	for _, m := range modes() {
		deps := origin.Deps{ConnIDs: new(atomic.Uint64)}
		if f := r.For(flight.Settings{Site: string(m), Mode: m, Bytes: 64 << 10, StallAfter: 5 * time.Second}); f != nil {
			deps.Flight = f
		}
		o, err := origin.New(origin.Config{URLs: []string{url}, HTTP: "1.1", TLS: origin.TLS{Verify: "none"}, Timeouts: origin.Timeouts{KeepaliveIdle: time.Minute}}, deps)
		if err != nil {
			return err
		}
		defer o.Close()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		l, err := listener.New(listener.Config{Settings: listener.Settings{Requests: -1}}, ln, through{o})
		if err != nil {
			return err
		}
		go func() { _ = l.Serve(ctx) }() // ends with the process
		fmt.Println(m, ln.Addr())
	}
	if file := os.Getenv("BENCHFLIGHT_PROFILE"); file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for in := bufio.NewScanner(os.Stdin); ctx.Err() == nil && in.Scan(); {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			return err
		}
		fmt.Println(u.Utime.Nano() + u.Stime.Nano())
	}
	return nil
}

// through hands requests on as they come.
type through struct{ o *origin.Origin }

// Serve implements exchange.Handler.
func (t through) Serve(ctx context.Context, x *exchange.Exchange) {
	out := x.Request
	resp, err := t.o.RoundTrip(ctx, x, &out)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		x.Aborted = true
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if x.W.Head(resp) != nil {
		return
	}
	var buf [32 << 10]byte
	for {
		n, err := resp.Body.Read(buf[:])
		last := err == io.EOF
		if err != nil && !last || x.W.Body(buf[:n], last) != nil || last {
			return
		}
	}
}
