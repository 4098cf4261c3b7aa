package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/analysis"
)

const watchExample = "lunette watch --interface eth0 --host 192.0.2.20:443"

// watchFlags are what the command was asked for.
type watchFlags struct {
	iface      string
	read       string
	hosts      []string
	filter     string
	keylogs    []string
	pids       []int
	exes       []string
	folder     string
	config     string
	recipients []string
	plain      bool
	json       bool
	duration   time.Duration
	stall      time.Duration
	memory     int
	utc        bool
}

func watchCommand() *cobra.Command {
	var w watchFlags
	cmd := &cobra.Command{
		Use: "watch", Short: "Name failures of connections that pass by, while they last", Example: watchExample, Args: exactly(),
		Long: "Watches the packets of an interface and says of each connection that fails why: the incidents of the gateway, for a proxy that\n" +
			"is not Lunette, without touching it or its traffic. Give the leg that fails, nearly always that from the proxy to its origin.\n" +
			"A stall is named while it lasts, " + watchStall.String() + " after it began. Much shows without keys; a key log (--keylog), or the program\n" +
			"itself (--exe, --pid: OpenSSL, GnuTLS and Go, by eBPF), opens the rest. Needs root, or CAP_NET_RAW, on Linux; elsewhere, and for\n" +
			"a capture that was made before, --read FILE replays by its times.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return w.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&w.iface, "interface", "i", "", "interface to watch; any: all of them")
	flags.StringVar(&w.read, "read", "", "replay this capture `FILE`, as fast as it goes, instead of watching an interface")
	flags.StringArrayVar(&w.hosts, "host", nil, "`HOST[:PORT]` of connections to look at: a name, an address; may be repeated")
	flags.StringVar(&w.filter, "filter", "", "only packets that fit this `EXPRESSION`, in tcpdump's language")
	flags.StringArrayVar(&w.keylogs, "keylog", nil, "key log `FILE`, followed as it grows; may be repeated")
	flags.IntSliceVar(&w.pids, "pid", nil, "read the secrets of this process; may be repeated")
	flags.StringArrayVar(&w.exes, "exe", nil, "read the secrets of programs with this `NAME` or path, also of those that start later; may be repeated")
	flags.StringVar(&w.folder, "folder", "", "keep incidents, with their packets, in this `FOLDER`, where lunette incidents shows them")
	flags.StringVar(&w.config, "config", "", "keep incidents where this configuration `FILE` says (incidents.folder and what goes with it)")
	flags.StringArrayVar(&w.recipients, "recipient", nil, "age `KEY` (age1…) that kept packets are encrypted to; may be repeated")
	flags.BoolVar(&w.plain, "plain", false, "keep packets unencrypted, mode 0600")
	flags.BoolVar(&w.json, "json", false, "a JSON object for each failure, one on a line")
	flags.DurationVar(&w.duration, "duration", 0, "stop after this time; default: when interrupted")
	flags.DurationVar(&w.stall, "stall-after", watchStall, "silence after which a connection is looked at while it lasts")
	flags.IntVar(&w.memory, "memory", 128, "`MIB` that the packets and connections that are followed may take")
	flags.BoolVar(&w.utc, "utc", false, "times of day in UTC instead of the local zone")
	return cmd
}

// Bounds of what is watched.
const (
	watchStall      = 3500 * time.Millisecond
	leastWatchStall = time.Second
	leastWatchMiB   = 8
	mostWatchMiB    = 64 << 10
)

// check finds flags that do not fit together before anything is opened.
func (w *watchFlags) check() (err error) {
	live := len(w.pids)+len(w.exes) > 0 || w.filter != ""
	switch {
	case w.memory < leastWatchMiB || w.memory > mostWatchMiB:
		err = errors.New("--memory is 8 to 65536, in MiB")
	case w.iface == "" && w.read == "":
		err = errors.New("watch needs --interface NAME (\"any\" is all of them), or --read FILE; example: " + watchExample)
	case w.iface != "" && w.read != "":
		err = errors.New("--interface and --read exclude each other")
	case w.read != "" && live:
		err = errors.New("--filter, --pid and --exe go with --interface: a file holds neither programs nor what was filtered out; --host chooses connections of a file")
	case w.stall < leastWatchStall || w.stall > time.Hour:
		err = errors.New("--stall-after is 1s to 1h")
	case w.duration < 0:
		err = errors.New("--duration cannot be negative")
	case w.folder != "" && w.config != "":
		err = errors.New("--folder and --config exclude each other: the configuration names its own folder")
	case w.config != "" && (len(w.recipients) > 0 || w.plain):
		err = errors.New("--recipient and --plain go with --folder: the configuration names its own recipients")
	case w.folder == "" && (len(w.recipients) > 0 || w.plain):
		err = errors.New("--recipient and --plain say how packets are kept in --folder, which is not given")
	case w.folder != "" && len(w.recipients) == 0 && !w.plain:
		err = errors.New("--folder keeps packets with their secrets: say --recipient age1… to encrypt them (\"lunette incidents key\" makes a key), or --plain")
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

// fileFilter chooses connections of a file. Names are those of TLS and HTTP, as nobody knows what they meant when it was made.
func (w *watchFlags) fileFilter() (analysis.Filter, error) {
	var f analysis.Filter
	for _, h := range w.hosts {
		name, port := splitHost(h)
		terms := []string{name}
		if port != "" {
			terms = append(terms, "port="+port)
		}
		for _, t := range terms {
			if err := f.Add(t, nil); err != nil {
				return f, usageError{fmt.Errorf("--host %q: %w", h, err)}
			}
		}
	}
	return f, nil
}

// watchOut is where failures are told.
type watchOut interface {
	failure(f *watchFailure)
	tick(at time.Time)
	end(s *watchSummary)
}

func (w *watchFlags) out(stdout io.Writer) watchOut {
	if w.json {
		return newWatchJSON(stdout)
	}
	loc := time.Local
	if w.utc {
		loc = time.UTC
	}
	return &watchText{out: stdout, loc: loc}
}
