package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
)

func (w *watchFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := w.check(); err != nil {
		return err
	}
	if w.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.duration)
		defer cancel()
	}
	store, err := w.openStore(stderr)
	if err != nil {
		return err
	}
	t := &watcher{out: w.out(stdout), hosts: w.hosts, kept: store, stderr: stderr, known: map[watchKey]*watchIncident{}, secrets: secrets.New()}
	cfg := analysis.LiveConfig{Secrets: t.secrets, StallAfter: w.stall, Memory: int64(w.memory) << 20, Judged: t.judged}
	if w.read != "" {
		if cfg.Filter, err = w.fileFilter(); err != nil {
			return errors.Join(err, store.close())
		}
	}
	if t.live, err = analysis.NewLive(cfg); err != nil {
		return errors.Join(err, store.close())
	}
	store.start()
	begun := time.Now()
	if w.read != "" {
		err = w.replay(ctx, t)
	} else {
		err = w.sniff(ctx, t, stderr)
	}
	err = errors.Join(err, store.close())
	if err == nil {
		t.summary.took = time.Since(begun)
		t.finish()
	}
	return err
}

// replay feeds a file by its times.
func (w *watchFlags) replay(ctx context.Context, t *watcher) error {
	for _, name := range w.keylogs {
		if err := t.keyLogFile(name); err != nil {
			return err
		}
	}
	f, err := os.Open(w.read)
	if err != nil {
		return fileError("read capture", w.read, err)
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.Close() })()
	r, err := pcap.NewReader(f, pcap.Config{Secrets: func(kind pcap.SecretsType, data []byte) {
		if kind == pcap.SecretsTLSKeyLog {
			t.keys(data, "secrets in the capture")
		}
	}})
	if err != nil {
		return fmt.Errorf("%s: %w", printable(w.read), pcap.Named(err, w.read))
	}
	at := int64(0)
	var p pcap.Packet
	for ctx.Err() == nil {
		err := r.Next(&p)
		var damage *pcap.DamageError
		if errors.As(err, &damage) {
			_, _ = fmt.Fprintf(t.stderr, "lunette: %s: %s\n", printable(w.read), printable(damage.Error()))
			break
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return fmt.Errorf("%s: %w", printable(w.read), err)
		}
		t.pass(&at, p.At)
		t.live.Packet(&p)
	}
	t.live.Close()
	return nil
}

// pass lets time pass in steps up to a moment, so that what falls due in between is seen when it does.
func (t *watcher) pass(at *int64, to int64) {
	const step, most = int64(100 * time.Millisecond), 36_000
	if *at == 0 || to-*at > most*step {
		*at = to
	}
	for ; *at < to; *at += step {
		t.live.Advance(*at)
	}
}

// sniff watches an interface until ctx ends.
func (w *watchFlags) sniff(ctx context.Context, t *watcher, stderr io.Writer) error {
	filter, err := w.packetFilter(ctx)
	if err != nil {
		return err
	}
	source, err := openLive(liveConfig{iface: w.iface, filter: filter, keylogs: w.keylogs, pids: w.pids, exes: w.exes}, stderr)
	if err != nil {
		return err
	}
	defer source.close()
	_, _ = fmt.Fprintf(stderr, "lunette: watching %s (%s); interrupt to end\n", printable(w.iface), printable(filter))
	judging, stop := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() { t.live.Run(judging) })
	t.source = source
	err = source.run(ctx, t)
	stop()
	work.Wait()
	t.live.Close()
	received, dropped := source.stats()
	t.summary.received, t.summary.dropped = received, dropped
	return err
}

// packetFilter is what is asked of the kernel: the hosts and the expression, else all of TCP.
func (w *watchFlags) packetFilter(ctx context.Context) (string, error) {
	var each []string
	for _, h := range w.hosts {
		one, err := hostFilter(ctx, h)
		if err != nil {
			return "", err
		}
		each = append(each, "("+one+")")
	}
	all := strings.Join(each, " or ")
	switch {
	case w.filter == "" && all == "":
		return "tcp or icmp or icmp6", nil
	case w.filter == "":
		return all, nil
	case all == "":
		return w.filter, nil
	}
	return "(" + all + ") and (" + w.filter + ")", nil
}

// packet implements liveHandler.
func (t *watcher) packet(p *pcap.Packet, _ int64) error {
	one := *p
	one.Number = 0
	t.live.Packet(&one)
	return nil
}

// keylog implements liveHandler.
func (t *watcher) keylog(lines []byte, from string, _ int64) error {
	t.keys(lines, from)
	return nil
}

// tick implements liveHandler.
func (t *watcher) tick(now int64) error {
	if _, dropped := t.source.stats(); dropped > t.dropped {
		t.dropped = dropped
		t.live.Dropped()
	}
	t.telling.Lock()
	defer t.telling.Unlock()
	t.out.tick(time.Unix(0, now))
	return nil
}

// keys takes lines of a key log. That one of them is none is not worth a word: programs write theirs while we read.
func (t *watcher) keys(lines []byte, from string) {
	if r, err := t.secrets.AddKeyLog(from, bytes.NewReader(lines)); err == nil {
		t.summary.secrets += int64(r.Secrets)
	}
}

func (t *watcher) keyLogFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fileError("read key log", name, err)
	}
	defer f.Close()
	r, err := t.secrets.AddKeyLog(name, f)
	t.summary.secrets += int64(r.Secrets)
	return err
}

// splitHost takes HOST[:PORT] apart; IPv6 addresses stand in brackets where a port follows.
func splitHost(s string) (host, port string) {
	if _, err := netip.ParseAddr(s); err == nil {
		return s, ""
	}
	if h, p, err := net.SplitHostPort(s); err == nil {
		return h, p
	}
	return strings.Trim(s, "[]"), ""
}
