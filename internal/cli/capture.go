package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

const captureExample = "lunette capture --site shop.test --config lunette.yaml"

// captureFlags are what the command was asked for.
type captureFlags struct {
	site, host    string
	client        bool
	gateway       gatewayFlags
	iface, filter string
	duration      time.Duration
	size          string
	count         int64
	out           outFlags
	on            string
	before, after time.Duration
	keylogs       []string
	pids          []int
	exes          []string
	noSecrets     bool
	recorded      bool

	bytes int64 // size, read
}

func captureCommand() *cobra.Command {
	var c captureFlags
	cmd := &cobra.Command{
		Use: "capture", Short: "Capture the packets of one site or host live, with the secrets that open them", Example: captureExample,
		Long: "Writes a pcapng file that Wireshark and \"lunette explain\" open decrypted: the packets, and the TLS secrets of exactly these connections.\n" +
			"--site takes connections of the gateway to the origin of a site, and their secrets from the gateway; --host takes those of any program on\n" +
			"this machine to a host, with secrets from --keylog, --pid or --exe. Packets need root or CAP_NET_RAW; without, --site writes what the\n" +
			"gateway's flight recorder holds. An interrupt ends it; the file is whole then.\n" +
			"Live into Wireshark: lunette capture --site shop.test -w - --plain | wireshark -k -i -",
		Args: exactlyNone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.site, "site", "", "`NAME` of a site of the gateway")
	f.StringVar(&c.host, "host", "", "`HOST[:PORT]` whose connections are wanted, whoever makes them")
	f.BoolVar(&c.client, "client", false, "with --site: connections of clients to the gateway; arms their secrets while the capture lasts")
	c.gateway.add(f)
	f.StringVar(&c.iface, "interface", "any", "network interface `IF`")
	f.StringVar(&c.filter, "filter", "", "only packets that fit this `EXPR` too, as for tcpdump: \"not port 22\"")
	f.DurationVar(&c.duration, "duration", 0, "end after this time; 0: until an interrupt")
	f.StringVar(&c.size, "size", "100MiB", "end when the file has this size; with --on the memory for packets before it")
	f.Int64Var(&c.count, "count", 0, "end after this many packets")
	c.out.add(f)
	f.StringVar(&c.on, "on", "", "wait for a failure with this reason or finding (`CODE`, or any), and write the packets around it")
	f.DurationVar(&c.before, "before", 10*time.Second, "with --on: what is kept from before the failure")
	f.DurationVar(&c.after, "after", 2*time.Second, "with --on: how long to go on after the failure")
	f.StringArrayVar(&c.keylogs, "keylog", nil, "follow this key log `FILE` (SSLKEYLOGFILE) of a program as it grows; may be repeated")
	f.IntSliceVar(&c.pids, "pid", nil, "read the TLS secrets of this process and its children (`PID`, root, Linux); may be repeated")
	f.StringArrayVar(&c.exes, "exe", nil, "the same for all processes of a program: a `NAME` or path; may be repeated")
	f.BoolVar(&c.noSecrets, "no-secrets", false, "packets alone")
	f.BoolVar(&c.recorded, "recorded", false, "what the gateway's flight recorder holds instead of packets, such as where the gateway runs elsewhere")
	return cmd
}

// exactlyNone refuses arguments with a hint where they belong.
func exactlyNone(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s takes no arguments, got %q; what to capture is said by --site or --host; example: %s", cmd.Name(), args[0], cmd.Example)}
}

// check finds what does not fit together before anything is opened.
func (c *captureFlags) check() error {
	var err error
	if c.bytes, err = sizeOf(c.size); err != nil {
		return usageError{fmt.Errorf("--size %s: %w", c.size, err)}
	}
	sources := len(c.keylogs) + len(c.pids) + len(c.exes)
	switch {
	case c.site == "" && c.host == "" && c.filter == "":
		err = errors.New("say what to capture: --site NAME (of the gateway), --host HOST[:PORT], or --filter EXPR; example: " + captureExample)
	case c.site != "" && c.host != "":
		err = errors.New("--site and --host exclude each other: a site's connections are known by the gateway")
	case c.client && c.site == "":
		err = errors.New("--client belongs to --site")
	case c.on != "" && c.site == "" && !c.gateway.named():
		err = errors.New("--on needs the gateway, which tells of failures: give --site, or --config or --admin beside --host; for other programs there is lunette watch")
	case c.on != "" && !knownCode(c.on):
		err = fmt.Errorf("--on %s: there is no such reason or finding; \"lunette finding\" lists findings, docs/reasons.md reasons; \"any\" is every failure", c.on)
	case c.noSecrets && sources > 0:
		err = errors.New("--no-secrets contradicts --keylog, --pid and --exe")
	case c.recorded && c.site == "" && !c.gateway.named():
		err = errors.New("--recorded needs the gateway: give --site, or --config or --admin beside --host")
	case c.recorded && (c.filter != "" || sources > 0):
		err = errors.New("--recorded has no packets to filter, and secrets of its own: leave out --filter, --keylog, --pid and --exe")
	case c.duration < 0 || c.count < 0 || c.before < 0 || c.after < 0:
		err = errors.New("--duration, --count, --before and --after cannot be negative")
	case c.before > time.Hour || c.after > time.Hour:
		err = errors.New("--before and --after are at most an hour")
	default:
		return c.out.check()
	}
	return usageError{err}
}

// knownCode reports whether failures can be told apart by code.
func knownCode(code string) bool {
	if code == "any" || reason.Known(reason.Code(code)) {
		return true
	}
	for _, k := range diagnosis.Checks() {
		if k.Code == finding.Code(code) {
			return true
		}
	}
	return false
}

// sizeOf reads a size such as 100MiB.
func sizeOf(s string) (int64, error) {
	units := []struct {
		name string
		n    int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1}}
	const least, most = 4 << 10, 1 << 40
	at := slices.IndexFunc(units, func(u struct {
		name string
		n    int64
	}) bool {
		return strings.HasSuffix(s, u.name)
	})
	n, err := strconv.ParseInt(strings.TrimSuffix(s, units[at].name), 10, 64)
	if err != nil || n <= 0 || n > most/units[at].n || n*units[at].n < least {
		return 0, errors.New("give a size from 4KiB to 1TiB, such as 100MiB")
	}
	return n * units[at].n, nil
}

func (c *captureFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	r, err := c.open(ctx, stdout, stderr)
	if err != nil {
		return err
	}
	return r.run(ctx)
}
