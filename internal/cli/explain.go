package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

const explainExample = "lunette explain capture.pcapng --keylog keys.txt"

// explainFlags are what the command was asked for.
type explainFlags struct {
	secrets secretFlags
	format  string
	silence time.Duration
	look    lookFlags
}

func explainCommand() *cobra.Command {
	var e explainFlags
	cmd := &cobra.Command{
		Use: "explain FILE…", Short: "Say what happened in a packet capture, decrypted where secrets allow", Example: explainExample,
		Long: "Reads pcap and pcapng, also packed with gzip; FILE \"-\" is standard input. Prints each connection as a ladder of events,\n" +
			"client left and server right, with the silences and whose turn it was. \"lunette keys\" says how to get secrets.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("explain takes at least one FILE; example: " + explainExample)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	e.secrets.add(flags)
	e.look.add(flags)
	flags.StringVar(&e.format, "format", "text", "text, json (one document), ndjson (a flow on each line)")
	flags.DurationVar(&e.silence, "silence", time.Second, "pause from which a silence is told")
	return cmd
}

func (e *explainFlags) run(ctx context.Context, files []string, stdin io.Reader, stdout, stderr io.Writer) error {
	options, err := e.look.options(stdout)
	if err != nil {
		return err
	}
	store, err := e.secrets.store(ctx, stderr)
	if err != nil {
		return err
	}
	cfg, done, err := e.config(files, stdin, store)
	if err != nil {
		return err
	}
	defer done()
	report, err := analysis.Run(ctx, cfg)
	if err != nil {
		return err
	}
	return e.write(stdout, e.capture(report), options)
}

// config is what analysis is asked for; done removes what it kept of standard input.
func (e *explainFlags) config(files []string, stdin io.Reader, store *secrets.Store) (cfg analysis.Config, done func(), err error) {
	cfg = analysis.Config{Secrets: store, Flow: flow.Config{Silence: int64(e.silence)}}
	var spools []*analysis.Spool
	for _, name := range files {
		if name == "-" {
			s := analysis.NewSpool("standard input", stdin)
			spools = append(spools, s)
			cfg.Inputs = append(cfg.Inputs, s.Input())
			continue
		}
		in, err := analysis.File(name)
		if err != nil {
			return cfg, nil, err
		}
		cfg.Inputs = append(cfg.Inputs, in)
	}
	return cfg, func() {
		for _, s := range spools {
			_ = s.Close()
		}
	}, nil
}

// capture is what analysis reports, as explain wants it.
func (e *explainFlags) capture(r *analysis.Report) *explain.Capture {
	c := &explain.Capture{Start: r.Start, End: r.End, Packets: r.Packets.All, Bytes: r.Packets.Bytes, Connections: r.Connections, Flows: r.Flows,
		OmittedFlows: r.Omitted, OmittedFacts: r.OmittedFacts, Warnings: r.Warnings, Locate: r.Locate}
	for i := range r.Inputs {
		in := &r.Inputs[i]
		c.Files = append(c.Files, explain.File{Name: in.Name, Info: in.Info, Packets: in.Packets, Damage: in.Damage})
	}
	c.Secrets = explain.Secrets{KeyLogs: e.secrets.keylogs, Keys: e.secrets.keys, PSKs: len(e.secrets.psks)}
	for i := range r.Secrets {
		c.Secrets.Inside += r.Secrets[i].Secrets
	}
	return c
}

func (e *explainFlags) write(w io.Writer, c *explain.Capture, o explain.Options) error {
	switch e.format {
	case "text":
		return explain.Text(w, c, o)
	case "json":
		return explain.JSON(w, c)
	case "ndjson":
		return explain.NDJSON(w, c)
	}
	return usageError{fmt.Errorf("unknown format %q; there are text, json and ndjson", e.format)}
}
