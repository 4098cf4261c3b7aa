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
		Use: "lab [FAULT]", Short: "Start an origin that misbehaves on purpose; without FAULT, list them", Example: "lunette lab list\nlunette lab run half-body",
		Args: oneFault("lab", 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listFaults(cmd)
			}
			return runLab(cmd.Context(), cmd, args[0], ca)
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List the faults: name, reason that a gateway gives, finding, what it does",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("lab list takes no arguments, got %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return listFaults(cmd) },
	}
	run := &cobra.Command{
		Use: "run FAULT", Short: "Start an origin with one fault, until it is interrupted", Example: "lunette lab run renegotiate-accept --ca origin-ca.pem",
		Args: oneFault("lab run", 1),
		RunE: func(cmd *cobra.Command, args []string) error { return runLab(cmd.Context(), cmd, args[0], ca) },
	}
	cmd.PersistentFlags().StringVar(&ca, "ca", "", "write the origin's throw-away authority to this file, for origin.tls.ca")
	cmd.AddCommand(list, run)
	return cmd
}

func oneFault(name string, least int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > 1 {
			return usageError{fmt.Errorf("%s takes one fault, got %d; \"lunette lab list\" lists them", name, len(args))}
		}
		return nil
	}
}

// listFaults prints a line for each fault; "-" where a gateway gives no reason, or no check has anything to say.
func listFaults(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "FAULT\tREASON\tFINDING\tASK\tDOES")
	for _, f := range lab.Faults() {
		found := f.Finding
		if f.Probe != "" {
			found = f.Probe
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Name, dash(string(f.Reason)), dash(string(found)), dash(string(f.Ask)), f.Does)
	}
	return w.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
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
	if server := o.Resolver(); server != "" {
		_, _ = fmt.Fprintf(out, "its fault lies in its name: ask the DNS server at %s for %s\n", server, lab.DefaultName)
	}
	<-ctx.Done()
	return nil
}
