package cli

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/lab"
)

func labCommand() *cobra.Command {
	var ca string
	cmd := &cobra.Command{
		Use: "lab [FAULT]", Short: "Start an origin that misbehaves on purpose; without FAULT, list them", Example: "lunette lab half-body",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("lab takes one fault, got %d; \"lunette lab\" lists them", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				for _, f := range lab.Faults() {
					_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, f.Reason, f.Does)
				}
				return w.Flush()
			}
			return runLab(cmd.Context(), cmd, args[0], ca)
		},
	}
	cmd.Flags().StringVar(&ca, "ca", "", "write the origin's throw-away authority to this file, for origin.tls.ca")
	return cmd
}

func runLab(ctx context.Context, cmd *cobra.Command, fault, ca string) error {
	out := cmd.OutOrStdout()
	o, err := lab.Start(ctx, lab.Config{Fault: fault, Observe: func(e lab.Event) {
		_, _ = fmt.Fprintf(out, "%s conn %d %s %s\n", e.At.Format("15:04:05.000"), e.Conn, e.Kind, e.Text)
	}})
	if err != nil {
		return usageError{err}
	}
	defer func() { _ = o.Close() }()
	if ca != "" {
		if err := os.WriteFile(ca, o.CA(), 0o644); err != nil {
			return fmt.Errorf("write authority: %w", err)
		}
	}
	_, _ = fmt.Fprintf(out, "origin with fault %s at https://%s (name %s); interrupt to stop\n", fault, o.Addr(), lab.DefaultName)
	<-ctx.Done()
	return nil
}
