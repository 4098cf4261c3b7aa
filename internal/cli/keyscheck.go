package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

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
			files, err := expanded(args, runtime.GOOS == "windows")
			if err != nil {
				return err
			}
			found, warnings, err := tlsConnections(cmd.Context(), files, cmd.InOrStdin(), store)
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
	number               int // of the flow, as explain has it
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
			found = append(found, connection{f.Number, f.Client.String(), f.Server.String(), f.TLS.ServerName, f.TLS.Source, f.TLS.Why})
		}
	}
	return found, report.Warnings, nil
}

// outcome is what the secrets come to for a connection: those with the same are told together.
type outcome struct{ what, why string }

func (c *connection) outcome() outcome {
	switch c.why {
	case decrypt.WhyNot:
		if c.source != "" {
			return outcome{"opens (" + c.source + ")", ""}
		}
		return outcome{"opens", ""}
	case decrypt.WhyNoHandshake:
		return outcome{"nothing to open", c.why.Text()}
	}
	return outcome{"stays closed", c.why.Text()}
}

// printConnections writes them by what becomes of them, with the reason, and the sum. It returns errReported when one stays closed.
func printConnections(w io.Writer, found []connection) error {
	var order []outcome
	all := map[outcome][]connection{}
	opened, closed, clear := 0, 0, 0
	for _, c := range found {
		o := c.outcome()
		if all[o] = append(all[o], c); len(all[o]) == 1 {
			order = append(order, o)
		}
		switch c.why {
		case decrypt.WhyNot:
			opened++
		case decrypt.WhyNoHandshake:
			clear++
		default:
			closed++
		}
	}
	for _, o := range order {
		printOutcome(w, o, all[o])
	}
	_, _ = fmt.Fprintf(w, "%s: %d open, %d closed, %d with nothing to open\n", counted(len(found), "TLS connection"), opened, closed, clear)
	if closed > 0 {
		return errReported
	}
	return nil
}

// printOutcome writes what becomes of some connections, and which they are: the first with their ends, the others by their numbers.
func printOutcome(w io.Writer, o outcome, some []connection) {
	const most = 10
	_, _ = fmt.Fprintf(w, "%s: %s\n", o.what, counted(len(some), "connection"))
	if o.why != "" {
		_, _ = fmt.Fprintf(w, "  %s\n", o.why)
	}
	shown := some[:min(len(some), most)]
	for _, c := range shown {
		_, _ = fmt.Fprintf(w, "    flow %d  %s → %s", c.number, c.client, c.server)
		if c.name != "" {
			_, _ = fmt.Fprintf(w, "  %s", printable(c.name))
		}
		_, _ = fmt.Fprintln(w)
	}
	if rest := some[len(shown):]; len(rest) > 0 {
		numbers := make([]int, len(rest))
		for i := range rest {
			numbers[i] = rest[i].number
		}
		_, _ = fmt.Fprintf(w, "    and %d more: flows %s\n", len(rest), ranges(numbers))
	}
}

// ranges writes numbers as 3, 7-9, 12; at most 20 of such pieces.
func ranges(numbers []int) string {
	const most = 20
	slices.Sort(numbers)
	var out []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if len(out) == most {
			return strings.Join(out, ", ") + ", …"
		}
		piece := strconv.Itoa(numbers[i])
		if j > i {
			piece += "-" + strconv.Itoa(numbers[j])
		}
		out = append(out, piece)
		i = j + 1
	}
	return strings.Join(out, ", ")
}
