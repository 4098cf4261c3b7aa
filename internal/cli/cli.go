// Package cli is the command line: it reads arguments, calls the part that does the work, and prints for people.
//
// Input: arguments and a context that ends with the first interrupt. Output: text on stdout, faults on stderr, an exit
// code: 0 done, 1 the work failed or found faults, 2 wrong usage, 3 nothing could be decided. Promises: a fault names the place and the
// next step. Non-goals: doing anything itself.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitOpen   = 3 // nothing could be decided
)

// errReported ends a command whose faults are printed already.
var errReported = errors.New("reported")

// errUndecided ends a command that could not decide what it was asked for, and has said so.
var errUndecided = errors.New("undecided")

// usageError is wrong usage, as against work that failed.
type usageError struct{ error }

// Main runs one command and returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "lunette",
		Short:         "A web application firewall and reverse proxy that sees what happens behind it",
		Long:          "Lunette stands in front of HTTPS origins, keeps attacks out, and says why an origin fails.\nStart with: lunette demo",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			err := fmt.Errorf("unknown command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				err = fmt.Errorf("%w; did you mean %q?", err, near[0])
			}
			return usageError{err}
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(runCommand(), captureCommand(), checkCommand(), demoCommand(), doctorCommand(), explainBlockCommand(), explainCommand(), findingCommand(), incidentsCommand(), keysCommand(), labCommand(), originsCommand(), versionCommand(), watchCommand())
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case errors.Is(err, errUndecided):
		return exitOpen
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "lunette: %s\nlunette: \"lunette help\" lists the commands\n", printableLines(err.Error()))
		return exitUsage
	}
	_, _ = fmt.Fprintf(stderr, "lunette: %s\n", printableLines(err.Error()))
	return exitFailed
}

// exactly is cobra.ExactArgs with a text that says what is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %s, got %d; example: %s", cmd.Name(), wanted(names), len(args), cmd.Example)}
	}
}

func wanted(names []string) string {
	if len(names) == 0 {
		return "no arguments"
	}
	return counted(len(names), "argument") + " (" + strings.Join(names, " ") + ")"
}

// counted is n of thing in words: 1 warning, 2 warnings.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}
