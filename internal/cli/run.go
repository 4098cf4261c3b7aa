package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/config"
)

func runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run FILE", Short: "Serve the sites of a configuration file", Example: "lunette run lunette.yaml", Args: exactly("FILE"),
		Long: "Serve until SIGTERM or an interrupt, then drain for at most drain_timeout; a second interrupt ends at once.\n" +
			"SIGHUP reloads the configuration and reopens the logs; a changed file is noticed by itself. SIGUSR1 reopens the logs.",
		RunE: func(cmd *cobra.Command, args []string) error {
			defer runtime.KeepAlive(headroom())
			a, err := app.New(args[0], app.Options{Version: version(), Log: cmd.ErrOrStderr(), Access: cmd.OutOrStdout()})
			if err != nil {
				return reportStart(cmd, err)
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			go onSignals(ctx, a)
			return a.Run(ctx)
		},
	}
}

// reportStart prints why the gateway does not start.
func reportStart(cmd *cobra.Command, err error) error {
	var faults config.Faults
	if !errors.As(err, &faults) {
		return err
	}
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s\nlunette: nothing was started\n", strings.TrimRight(err.Error(), "\n"))
	return errReported
}

// onSignals serves the operator's signals until ctx ends; from then on the next interrupt ends the process.
func onSignals(ctx context.Context, a *app.App) {
	reload, reopen := operatorSignals()
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, append(reload, reopen...)...)
	defer signal.Stop(ch)
	for {
		select {
		case <-ctx.Done():
			signal.Reset(os.Interrupt)
			return
		case s := <-ch:
			a.Reopen(ctx)
			for _, r := range reload {
				if s == r {
					_ = a.Reload() // the log has it
				}
			}
		}
	}
}
