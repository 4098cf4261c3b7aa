package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

const explainExample = "lunette explain capture.pcapng --keylog keys.txt"

// explainFlags are what the command was asked for.
type explainFlags struct {
	secrets   secretFlags
	look      lookFlags
	identity  string
	origin    originLogFlags
	format    string
	filters   []string
	silence   time.Duration
	flow      int
	bodies    bool
	maxBody   int
	unmask    bool
	decrypted string
	force     bool
	compare   string
	with      int // number of the flow of the normal capture
}

// explainIO is what the command reads and writes.
type explainIO struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

func explainCommand() *cobra.Command {
	var e explainFlags
	cmd := &cobra.Command{
		Use: "explain FILE…", Short: "Say what happened in a packet capture, decrypted where secrets allow", Example: explainExample,
		Long: "Reads pcap and pcapng, also packed with gzip, or encrypted by lunette capture (--identity); FILE \"-\" is standard input, several files count as one capture. Prints each\n" +
			"connection as a ladder of events, client left and server right, with the silences and whose turn it was,\n" +
			"and below it the causes: what is wrong, how sure that is, what proves it (marked in the ladder), how to mend it.\n" +
			"\"lunette keys\" says how to get secrets; with --compare NORMAL two captures stand side by side.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("explain takes at least one FILE; example: " + explainExample)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := expanded(args, runtime.GOOS == "windows")
			if err != nil {
				return err
			}
			return e.run(cmd.Context(), files, explainIO{cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()})
		},
	}
	flags := cmd.Flags()
	e.secrets.add(flags)
	e.look.add(flags)
	flags.StringVar(&e.identity, "identity", "", "`FILE` with the private key (age) that captures are encrypted to")
	e.origin.add(flags)
	flags.StringVar(&e.format, "format", "text", "text, json (one document), ndjson (a flow on each line), har (decrypted HTTP)")
	flags.StringArrayVar(&e.filters, "filter", nil, "only flows with these `TERMS`: host= sni= addr= port= after= before=; may be repeated")
	flags.DurationVar(&e.silence, "silence", time.Second, "pause from which a silence is told")
	flags.IntVar(&e.flow, "flow", 0, "only the flow with this number")
	flags.BoolVar(&e.bodies, "bodies", false, "heads and bodies of requests and responses, too")
	flags.IntVar(&e.maxBody, "max-body", 4096, "bytes of each body to show")
	flags.BoolVar(&e.unmask, "unmask", false, "show credentials: passwords, cookies, tokens")
	flags.StringVar(&e.decrypted, "write-decrypted", "", "write the packets and their secrets to this pcapng `FILE`, for Wireshark")
	flags.BoolVar(&e.force, "force", false, "let --write-decrypted replace a file")
	flags.StringVar(&e.compare, "compare", "", "capture `NORMAL` that went well, to set FILE against")
	flags.IntVar(&e.with, "compare-flow", 0, "the flow of NORMAL to compare with; without --compare, of FILE itself")
	return cmd
}

// check finds flags that do not fit together before anything is read.
func (e *explainFlags) check(stdout io.Writer) (explain.Options, error) {
	options, err := e.look.options(stdout)
	options.Bodies = e.bodies
	if err != nil {
		return options, err
	}
	known := map[string]bool{"text": true, "json": true, "ndjson": true, "har": true}
	switch {
	case !known[e.format]:
		err = fmt.Errorf("unknown format %q; there are text, json, ndjson and har", e.format)
	case e.flow < 0 || e.with < 0 || e.maxBody < 0:
		err = errors.New("--flow, --compare-flow and --max-body cannot be negative")
	case e.silence <= 0:
		err = errors.New("--silence is more than 0, such as 500ms")
	case e.compares() && (e.format == "ndjson" || e.format == "har"):
		err = fmt.Errorf("--compare gives text or json, not %s", e.format)
	case e.compares() && e.decrypted != "":
		err = errors.New("--compare does not go together with --write-decrypted")
	case e.compares() && e.compare == "" && (e.flow == 0 || e.flow == e.with):
		err = errors.New("--compare-flow without --compare sets two flows of FILE against each other: --flow ABNORMAL --compare-flow NORMAL")
	}
	if err != nil {
		return options, usageError{err}
	}
	return options, nil
}

// compares reports whether two flows are to be set against each other.
func (e *explainFlags) compares() bool { return e.compare != "" || e.with != 0 }
