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
	titleIdle = "memory per idle TLS connection, in KB (2000 connections, one request each)"
	idleConns = 2000
)

// idle measures what a kept-alive TLS connection costs while nothing happens on it: the growth of the processes' memory
// over that many. Kernel buffers, which are nobody's memory in /proc, are not in it.
func (o *options) idle(ctx context.Context, r *rig, systems []*system, rep *report) error {
	for _, s := range systems {
		if s.tls == "" || s.rules() {
			continue
		}
		settle(ctx, s)
		before := s.p.rss()
		conns, err := openIdle(ctx, r, s.tls)
		if err == nil {
			rep.put(titleIdle, s.Name, "at once", float64(s.p.rss()-before)/idleConns/1000)
			settle(ctx, s)
			rep.put(titleIdle, s.Name, "settled", float64(s.p.rss()-before)/idleConns/1000)
		}
		for _, c := range conns {
			_ = c.Close()
		}
		if err != nil {
			return fmt.Errorf("hold idle connections to %s: %w", s.Name, err)
		}
	}
	rep.note(titleIdle, "settled: memory has not fallen for 5 s; of lunette after a collection, which an idle one does by itself within 2 minutes")
	return nil
}

func openIdle(ctx context.Context, r *rig, addr string) (conns []net.Conn, err error) {
	cfg := &tls.Config{RootCAs: r.pool, ServerName: site, MinVersion: tls.VersionTLS13}
	for range idleConns {
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

// settle waits until the memory of s does not fall any more, at most half a minute.
func settle(ctx context.Context, s *system) {
	if s.admin != "" {
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
