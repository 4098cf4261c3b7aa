package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/sniff"
	"github.com/lunette-waf/lunette/internal/capture/uprobe"
)

// liveConfig says where packets and secrets come from.
type liveConfig struct {
	noPackets bool     // secrets alone
	iface     string   // "" and "any": all interfaces
	filter    string   // in the language of package filter; "": all packets
	snap      int      // bytes of a packet; 0: the default of package sniff
	keylogs   []string // files that are followed
	pids      []int
	exes      []string
}

// liveHandler takes what a liveSource gives. All calls come from the goroutine that called run; now is in nanoseconds since the Unix
// epoch and never goes back. An error ends run.
type liveHandler interface {
	packet(p *pcap.Packet, now int64) error            // p.Data is valid until it returns
	keylog(lines []byte, from string, now int64) error // lines of an NSS key log, perhaps of other programs' connections too
	tick(now int64) error                              // at least liveTick apart, whether or not something came
}

// liveTick is how often a handler is called at least.
const liveTick = 20 * time.Millisecond

// liveLines are lines of a key log that came.
type liveLines struct {
	lines []byte
	from  string
}

// liveSource is packets and secrets as they come: one order, one goroutine. It owns what it opened.
type liveSource struct {
	handle  *sniff.Handle // nil without packets
	probe   *uprobe.Reader
	cfg     liveConfig
	stderr  io.Writer
	secrets chan liveLines
	last    int64
}

// openLive opens everything that cfg names. Remarks, such as what of a program could not be hooked, go to stderr.
func openLive(cfg liveConfig, stderr io.Writer) (*liveSource, error) {
	l := &liveSource{cfg: cfg, stderr: stderr, secrets: make(chan liveLines, 256)}
	for _, name := range cfg.keylogs {
		if err := followable(name); err != nil {
			return nil, err
		}
	}
	if len(cfg.pids)+len(cfg.exes) > 0 {
		if err := uprobe.Allowed(); err != nil {
			return nil, err
		}
		p, err := uprobe.Open(uprobe.Config{PIDs: cfg.pids, Exe: cfg.exes})
		if err != nil {
			return nil, err
		}
		l.probe = p
		l.remarkHooks()
	}
	if cfg.noPackets {
		return l, nil
	}
	if err := l.openPackets(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *liveSource) openPackets() error {
	if err := sniff.Allowed(); err != nil {
		return err
	}
	link, err := sniff.LinkOf(l.cfg.iface)
	if err != nil {
		return err
	}
	cfg := sniff.Config{Interface: l.cfg.iface, Snap: l.cfg.snap, Immediate: true}
	if err := addFilter(&cfg, l.cfg.filter, link); err != nil {
		return err
	}
	l.handle, err = sniff.Open(cfg)
	return err
}

// remarkHooks says what of the programs could not be hooked, and which do not run.
func (l *liveSource) remarkHooks() {
	missing := l.probe.Missing()
	for _, name := range missing {
		_, _ = fmt.Fprintf(l.stderr, "lunette: no process of %s runs: its secrets are read once it starts\n", printable(name))
	}
	if len(missing) > 0 && len(missing) == len(l.cfg.exes) && len(l.cfg.pids) == 0 {
		return // what of the system's libraries is not readable concerns nobody yet
	}
	hooked := false
	for _, t := range l.probe.Attached() {
		hooked = hooked || len(t.Hooks) > 0
		if t.Note != "" {
			_, _ = fmt.Fprintf(l.stderr, "lunette: %s: %s\n", printable(t.Path), printable(t.Note))
		}
	}
	if !hooked {
		_, _ = fmt.Fprintln(l.stderr, "lunette: no program is hooked yet: secrets come once one that was named runs and uses OpenSSL, GnuTLS or Go's TLS")
	}
}

// missing are the programs that were named and of which no process was seen.
func (l *liveSource) missing() []string {
	if l.probe == nil {
		return nil
	}
	return l.probe.Missing()
}

// link is the link type of the packets; false without packets.
func (l *liveSource) link() (pcap.LinkType, bool) {
	if l.handle == nil {
		return 0, false
	}
	return l.handle.Link(), true
}

// stats are the packets that came and those that the kernel dropped because they were not read in time.
func (l *liveSource) stats() (received, dropped uint64) {
	if l.handle == nil {
		return 0, 0
	}
	return l.handle.Stats()
}

func (l *liveSource) close() {
	if l.handle != nil {
		_ = l.handle.Close()
	}
	if l.probe != nil {
		_ = l.probe.Close()
	}
}

// run hands everything to h until ctx ends (then it returns nil), a source fails or h returns an error. Nothing of it runs any more when it
// returns; close is still the caller's.
func (l *liveSource) run(ctx context.Context, h liveHandler) error {
	ctx, cancel := context.WithCancel(ctx)
	var sources sync.WaitGroup
	defer sources.Wait()
	defer cancel()
	for _, name := range l.cfg.keylogs {
		sources.Go(func() { l.followKeyLog(ctx, name) })
	}
	if l.probe != nil {
		sources.Go(func() { l.readProbe(ctx) })
	}
	ticked := int64(0)
	for ctx.Err() == nil {
		if err := l.drain(h); err != nil {
			return err
		}
		if now := l.now(); now-ticked >= int64(liveTick) {
			ticked = now
			if err := h.tick(now); err != nil {
				return err
			}
		}
		if err := l.some(ctx, h); err != nil {
			return err
		}
	}
	return l.drain(h)
}

// some hands on packets for at most liveTick, or secrets where there are no packets.
func (l *liveSource) some(ctx context.Context, h liveHandler) error {
	if l.handle == nil {
		wait := time.NewTimer(liveTick)
		defer wait.Stop()
		select {
		case s := <-l.secrets:
			return h.keylog(s.lines, s.from, l.now())
		case <-wait.C:
		case <-ctx.Done():
		}
		return nil
	}
	const most = 512 // packets between two looks at the secrets
	deadline := time.Now().Add(liveTick)
	var p pcap.Packet
	for range most {
		err := l.handle.NextBefore(deadline, &p)
		switch {
		case errors.Is(err, sniff.ErrIdle):
			return nil
		case errors.Is(err, sniff.ErrDown):
			_, _ = fmt.Fprintf(l.stderr, "lunette: interface %s is down: packets go on when it is up again\n", printable(l.cfg.iface))
			continue
		case err != nil:
			return err
		}
		if err := h.packet(&p, l.now()); err != nil {
			return err
		}
	}
	return nil
}

// drain hands on the secrets that have come.
func (l *liveSource) drain(h liveHandler) error {
	for {
		select {
		case s := <-l.secrets:
			if err := h.keylog(s.lines, s.from, l.now()); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// now is the time, which does not go back when the clock is set.
func (l *liveSource) now() int64 {
	l.last = max(l.last, time.Now().UnixNano())
	return l.last
}

// pass hands lines to run. It waits while the channel is full: files and rings keep what comes meanwhile.
func (l *liveSource) pass(ctx context.Context, lines []byte, from string) {
	select {
	case l.secrets <- liveLines{lines, from}:
	case <-ctx.Done():
	}
}

func (l *liveSource) readProbe(ctx context.Context) {
	for {
		s, err := l.probe.Next(ctx)
		if err != nil {
			return
		}
		l.pass(ctx, append(slices.Clone(s.Line), '\n'), fmt.Sprintf("%s (process %d)", s.Program, s.PID))
	}
}

// hostFilter is the filter expression for TCP connections of a host: a name, an address, or either with a port. Names are looked up
// now; ICMP errors about the host come too, because they say why a connection fails.
func hostFilter(ctx context.Context, host string) (string, error) {
	name, port := host, ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	} else if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		name = a.String()
	} else if strings.ContainsAny(host, " \t/@?#:") || host == "" {
		return "", usageError{fmt.Errorf("host %q: give a name or an address, perhaps with a port: shop.test, 192.0.2.1:443, [2001:db8::1]:443", host)}
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return "", usageError{fmt.Errorf("host %q: the port is a number from 1 to 65535", host)}
	}
	addrs, err := addressesOf(ctx, name)
	if err != nil {
		return "", err
	}
	each := make([]string, len(addrs))
	for i, a := range addrs {
		each[i] = "host " + a.String()
	}
	all := "(" + strings.Join(each, " or ") + ")"
	if port == "" {
		return all + " and (tcp or icmp or icmp6)", nil
	}
	return all + " and (tcp port " + port + " or icmp or icmp6)", nil
}

// addressesOf are the addresses of a host, in order, each once.
func addressesOf(ctx context.Context, name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a.Unmap().WithZone("")}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w: give an address instead", name, err)
	}
	const most = 64
	for i := range found {
		found[i] = found[i].Unmap().WithZone("")
	}
	slices.SortFunc(found, netip.Addr.Compare)
	found = slices.Compact(found)
	return found[:min(len(found), most)], nil
}
