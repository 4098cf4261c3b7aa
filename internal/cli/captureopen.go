package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/live"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/sniff"
)

// errNoPackets is why nothing can be captured, with the ways out.
func errNoPackets(err error) error {
	return fmt.Errorf("%w\nlunette: three ways out: run this as root (or setcap cap_net_raw=ep on the binary);\n"+
		"lunette: or let the gateway write what its flight recorder holds: lunette capture --site NAME --config lunette.yaml;\n"+
		"lunette: or let somebody who may run tcpdump -i any -s 0 -w FILE.pcap, and give the file to lunette explain", err)
}

// open asks the gateway, opens the packets and begins the file, in this order. What is opened is closed by run.
func (c *captureFlags) open(ctx context.Context, stdout, stderr io.Writer) (*captureRun, error) {
	r := &captureRun{flags: c, stderr: stderr, begun: time.Now(), conns: map[uint64]live.Ends{}}
	r.asking, r.stopAsking = context.WithCancel(context.WithoutCancel(ctx))
	fail := func(err error) (*captureRun, error) {
		r.close()
		return nil, err
	}
	allowed := sniff.Allowed()
	r.recorded = c.recorded || allowed != nil && c.filter == "" && (c.site != "" || c.gateway.named())
	if allowed != nil && !r.recorded {
		return fail(errNoPackets(allowed))
	}
	if c.site != "" || c.gateway.named() {
		if err := c.openGateway(r); err != nil {
			return fail(err)
		}
	}
	if r.recorded {
		if !c.recorded {
			_, _ = fmt.Fprintf(stderr, "lunette: %s; so this takes what the gateway's flight recorder holds of the connections: bytes and times are real, headers of packets are made up\n", printable(allowed.Error()))
		}
		if !r.gateway.head.Bytes {
			return fail(errors.New("the gateway keeps no bytes of these connections: set flight: packets for the site (flight_client: packets for the client leg), or capture as root"))
		}
	}
	cfg := liveConfig{noPackets: r.recorded, iface: c.iface, keylogs: c.keylogs, pids: c.pids, exes: c.exes}
	var err error
	if cfg.filter, err = c.packetFilter(ctx, r); err != nil {
		return fail(err)
	}
	r.filter = cfg.filter
	if r.source, err = openLive(cfg, stderr); err != nil {
		return fail(err)
	}
	if err := c.openOut(r, stdout); err != nil {
		return fail(err)
	}
	return r, nil
}

// openGateway arms the gateway, and says what that means.
func (c *captureFlags) openGateway(r *captureRun) error {
	at, err := c.gateway.find()
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.site != "" {
		q.Set("site", c.site)
	} else {
		q.Set("host", c.host)
	}
	if c.client {
		q.Set("leg", "client")
	}
	if r.recorded {
		q.Set("packets", "recording")
	}
	q.Set("duration", "24h")
	if c.duration > 0 {
		q.Set("duration", min(c.duration+time.Minute, 24*time.Hour).String())
	}
	if r.gateway, err = at.capture(r.asking, q); err != nil {
		return err
	}
	r.recipients = at.recipients
	if len(r.recipients) == 0 {
		r.recipients = r.gateway.head.Recipients
	}
	if c.client {
		_, _ = fmt.Fprintln(r.stderr, "lunette: the client leg is armed: the gateway keeps and hands out the secrets of clients' connections that begin while this lasts")
	}
	if !r.gateway.head.Bytes && !r.recorded && !c.noSecrets {
		_, _ = fmt.Fprintln(r.stderr, "lunette: the gateway keeps no secrets of these connections, so the packets stay closed: set flight: packets for the site (flight_client for the client leg)")
	}
	return nil
}

// packetFilter is the filter for the kernel: whatever may be wanted, and little else. Which connections of a site are wanted is known only
// from the gateway, packet by packet.
func (c *captureFlags) packetFilter(ctx context.Context, r *captureRun) (string, error) {
	var base string
	switch {
	case r.recorded:
		return "", nil
	case c.host != "":
		var err error
		if base, err = hostFilter(ctx, c.host); err != nil {
			return "", err
		}
	case c.client:
		base = portFilter(r.gateway.head.Listeners)
	case c.site != "":
		base = originFilter(r.gateway.head.Origins)
	}
	switch {
	case base == "":
		return c.filter, nil
	case c.filter == "":
		return base, nil
	}
	return "(" + base + ") and (" + c.filter + ")", nil
}

// portFilter is the filter for connections to any of the ports of some addresses.
func portFilter(addresses []string) string {
	var ports []string
	for _, a := range addresses {
		_, port, err := net.SplitHostPort(a)
		if err != nil || port == "0" || port == "" {
			return "tcp"
		}
		ports = append(ports, "port "+port)
	}
	return tcpAnd(ports)
}

// originFilter is the filter for connections to origins. Names are not looked up: the gateway may see other addresses than we.
func originFilter(urls []string) string {
	var all []string
	for _, s := range urls {
		u, err := url.Parse(s)
		if err != nil {
			return "tcp"
		}
		port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
		if port == "" {
			return "tcp"
		}
		one := "port " + port
		if a, err := netip.ParseAddr(u.Hostname()); err == nil {
			one = "(host " + a.Unmap().WithZone("").String() + " and " + one + ")"
		}
		all = append(all, one)
	}
	return tcpAnd(all)
}

func tcpAnd(any []string) string {
	const most = 200 // more would be a long program for each packet
	slices.Sort(any)
	if any = slices.Compact(any); len(any) == 0 || len(any) > most {
		return "tcp"
	}
	return "tcp and (" + strings.Join(any, " or ") + ")"
}

// openOut begins the file.
func (c *captureFlags) openOut(r *captureRun, stdout io.Writer) error {
	recipients := c.out.recipients
	if len(recipients) == 0 && !c.out.plain {
		recipients = r.recipients
	}
	r.encrypted = len(recipients) > 0
	path := c.out.path
	if path == "" {
		path = captureName(cmp.Or(c.site, c.host), r.begun, r.encrypted)
	}
	out, err := createCapture(&c.out, path, recipients, c.bytes, stdout)
	if err != nil {
		return err
	}
	out.limit = c.count
	r.out = out
	if r.recorded {
		return nil // its head comes with the recordings
	}
	link, _ := r.source.link()
	about := pcap.Interface{Name: c.iface, Filter: r.filter, Link: link, SnapLen: pcap.MaxPacket}
	if c.on == "" {
		r.sink = out
		err = out.begin(about)
	} else {
		r.ring = live.NewRing(live.RingConfig{Age: int64(c.before), Bytes: c.bytes / 4 * 3})
		r.sink, r.about = r.ring, about
	}
	r.joiner = live.New(live.Config{Only: c.site != "", Hold: r.hold()}, r.sink)
	return err
}

// captureName is the name of a file that nobody named.
func captureName(of string, at time.Time, encrypted bool) string {
	name := "lunette-"
	if of != "" {
		name += strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
				return c
			}
			return '_'
		}, of[:min(len(of), 100)]) + "-"
	}
	name += at.UTC().Format("20060102T150405Z") + ".pcapng"
	if encrypted {
		name += ".age"
	}
	return name
}
