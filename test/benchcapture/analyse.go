package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
)

// analyse is what is measured while there is nothing else: the analysis, and a line about what it found.
func analyse(ctx context.Context, o options) error {
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	store := secrets.New()
	if o.keys != "" {
		f, err := os.Open(o.keys)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := store.AddKeyLog(o.keys, f); err != nil {
			return err
		}
	}
	input, err := analysis.File(o.analyse)
	if err != nil {
		return err
	}
	report, err := analysis.Run(ctx, analysis.Config{Inputs: []analysis.Input{input}, Secrets: store, Workers: o.workers})
	if err != nil {
		return err
	}
	return summarise(report)
}

// summarise holds that the work was done: every flow opened, every response whole.
func summarise(r *analysis.Report) error {
	opened, whole, body, facts := 0, 0, int64(0), 0
	for _, f := range r.Flows {
		facts += len(f.Facts)
		if f.TLS != nil && f.TLS.Closed == 0 && f.TLS.Decrypted > 0 {
			opened++
		}
		for _, e := range f.Exchanges {
			if e.Response.Complete && e.Response.SHA256 != "" {
				whole++
			}
			body += e.Response.Size
		}
	}
	fmt.Printf("%d flows, %d opened, %d whole responses, %d bytes of bodies, %d facts, %d packets\n", len(r.Flows), opened, whole, body, facts, r.Packets.All)
	for _, w := range r.Warnings {
		fmt.Println(w)
	}
	if whole != len(r.Flows) {
		return fmt.Errorf("%d of %d responses came whole", whole, len(r.Flows))
	}
	return nil
}
