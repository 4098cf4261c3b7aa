package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	titleIdle = "memory per idle TLS connection, in KB (one request each, then silence)"
	idleFirst = 1000 // connections that are there before; what a server takes for being busy at all is no cost of theirs
	idleMore  = 3000
)

// idle measures what a kept-alive TLS connection costs while nothing happens on it: the growth of the processes' memory
// by idleMore further ones. Kernel buffers, which are nobody's memory in /proc, are not in it.
func (o *options) idle(ctx context.Context, r *rig, systems []*system, rep *report) error {
	for _, s := range systems {
		if s.tls == "" || s.rules() {
			continue
		}
		conns, err := o.hold(ctx, r, s, rep)
		for _, c := range conns {
			_ = c.Close()
		}
		if err != nil {
			return fmt.Errorf("hold idle connections to %s: %w", s.Name, err)
		}
	}
	rep.note(titleIdle, fmt.Sprintf("growth over %d further connections after %d; settled: memory has not fallen for 5 s, of lunette after %d collections, of which an idle one does one every 2 minutes", idleMore, idleFirst, collections))
	return nil
}

// hold opens the connections and measures; the caller closes them.
func (o *options) hold(ctx context.Context, r *rig, s *system, rep *report) ([]net.Conn, error) {
	conns, err := openIdle(ctx, r, s.tls, idleFirst)
	if err != nil {
		return conns, err
	}
	settle(ctx, s)
	before := s.p.rss()
	more, err := openIdle(ctx, r, s.tls, idleMore)
	conns = append(conns, more...)
	if err != nil {
		return conns, err
	}
	rep.put(titleIdle, s.Name, "at once", float64(s.p.rss()-before)/idleMore/1000)
	settle(ctx, s)
	rep.put(titleIdle, s.Name, "settled", float64(s.p.rss()-before)/idleMore/1000)
	return conns, nil
}

func openIdle(ctx context.Context, r *rig, addr string, n int) (conns []net.Conn, err error) {
	cfg := &tls.Config{RootCAs: r.pool, ServerName: site, MinVersion: tls.VersionTLS13}
	for range n {
		if err := ctx.Err(); err != nil {
			return conns, err
		}
		c, err := tls.Dial("tcp", addr, cfg)
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
		if err := get(c, bufio.NewReaderSize(c, 1024)); err != nil {
			return conns, err
		}
	}
	return conns, nil
}

// collections is how often Lunette collects before its memory counts as settled: each halves a goroutine's stack at most.
const collections = 3

// settle waits until the memory of s does not fall any more, at most half a minute.
func settle(ctx context.Context, s *system) {
	for i := 0; s.admin != "" && i < collections; i++ {
		if _, err := adminGet(ctx, "http://"+s.admin+"/debug/pprof/heap?gc=1"); err != nil {
			fmt.Fprintln(os.Stderr, "bench: no collection was forced:", err)
		}
	}
	low, calm := s.p.rss(), 0
	for range 60 {
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
		now := s.p.rss()
		if now < low {
			low, calm = now, 0
		} else if calm++; calm == 10 {
			return
		}
	}
}
