package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
)

func keysCheckCommand() *cobra.Command {
	var flags secretFlags
	cmd := &cobra.Command{
		Use: "check CAPTURE…", Short: "Say of each TLS connection in a capture whether the secrets open it, and why not", Example: "lunette keys check --keylog keys.txt capture.pcapng",
		Long: "Secrets inside the capture (pcapng) count too. Exit code 1 when a connection stays closed.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("keys check takes at least one CAPTURE; example: lunette keys check --keylog keys.txt capture.pcapng")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := flags.store(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			found, warnings, err := tlsConnections(cmd.Context(), args, cmd.InOrStdin(), store)
			if err != nil {
				return err
			}
			for _, w := range warnings {
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "lunette: %s\n", printable(w))
			}
			return printConnections(cmd.OutOrStdout(), found)
		},
	}
	flags.add(cmd.Flags())
	return cmd
}

// connection is one TLS connection, and whether the secrets open it.
type connection struct {
	client, server, name string
	source               string // of the secret that opened it
	why                  decrypt.Why
}

// tlsConnections runs captures with the secrets of store.
func tlsConnections(ctx context.Context, captures []string, stdin io.Reader, store *secrets.Store) (found []connection, warnings []string, err error) {
	in, done, err := inputs(captures, stdin)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	report, err := analysis.Run(ctx, analysis.Config{Inputs: in, Secrets: store})
	if err != nil {
		return nil, nil, err
	}
	for _, f := range report.Flows {
		if f.TLS != nil {
			found = append(found, connection{f.Client.String(), f.Server.String(), f.TLS.ServerName, f.TLS.Source, f.TLS.Why})
		}
	}
	return found, report.Warnings, nil
}

// printConnections writes a line or two for each, and the sum. It returns errReported when one stays closed.
func printConnections(w io.Writer, found []connection) error {
	opened, closed, clear := 0, 0, 0
	for _, c := range found {
		who := c.client + " → " + c.server
		if c.name != "" {
			who += " " + printable(c.name)
		}
		switch c.why {
		case decrypt.WhyNot:
			opened++
			_, _ = fmt.Fprintf(w, "%s: opens", who)
			if c.source != "" {
				_, _ = fmt.Fprintf(w, " (%s)", c.source)
			}
			_, _ = fmt.Fprintln(w)
		case decrypt.WhyNoHandshake:
			clear++
			_, _ = fmt.Fprintf(w, "%s: nothing to open\n    %s\n", who, c.why.Text())
		default:
			closed++
			_, _ = fmt.Fprintf(w, "%s: stays closed\n    %s\n", who, c.why.Text())
		}
	}
	_, _ = fmt.Fprintf(w, "%s: %d open, %d closed, %d with nothing to open\n", counted(len(found), "TLS connection"), opened, closed, clear)
	if closed > 0 {
		return errReported
	}
	return nil
}
