// Command lunette is a web application firewall and reverse proxy that sees what happens behind it.
//
// It turns signals into the end of a context and errors into an exit code; everything else is package cli's.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/lunette-waf/lunette/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) }) // the next one ends the process
	code := cli.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
