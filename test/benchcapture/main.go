// Command benchcapture measures reading a capture: 1 GB of 2,000 interleaved TLS flows, half TLS 1.2, half TLS 1.3, with their key log,
// by Lunette and by tshark doing the equivalent. `make bench-capture` runs it; the capture is made once and kept below bin/.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
)

type options struct {
	folder   string // for the capture
	flows    int
	response int    // bytes of a response's body
	rounds   int    // of each program, alternating
	lunette  string // binary whose explain command is measured beside the analysis alone
	tshark   bool
	keep     bool // make the capture only

	analyse string // file: be the program that is measured
	keys    string
	profile string
	workers int
}

func main() {
	var o options
	flag.StringVar(&o.folder, "folder", "bin/bench", "folder for the capture")
	flag.IntVar(&o.flows, "flows", 2000, "TLS connections")
	flag.IntVar(&o.response, "response", 500_000, "bytes of a response")
	flag.IntVar(&o.rounds, "rounds", 3, "runs of each program")
	flag.StringVar(&o.lunette, "lunette", "", "measure this binary's explain command too, where it has one")
	flag.BoolVar(&o.tshark, "tshark", true, "measure tshark too")
	flag.BoolVar(&o.keep, "make", false, "only make the capture")
	flag.StringVar(&o.analyse, "analyse", "", "analyse this file and print a summary (the bench starts itself so)")
	flag.StringVar(&o.keys, "keylog", "", "of -analyse: key log")
	flag.StringVar(&o.profile, "cpuprofile", "", "of -analyse: file for a CPU profile")
	flag.IntVar(&o.workers, "workers", 0, "of -analyse: goroutines that follow connections")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "benchcapture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.analyse != "" {
		return analyse(ctx, o)
	}
	file := filepath.Join(o.folder, "full-records-"+strconv.Itoa(o.flows)+"x"+strconv.Itoa(o.response)+".pcap")
	if err := prepare(ctx, o, file); err != nil {
		return err
	}
	if o.keep {
		return nil
	}
	return compare(ctx, o, file)
}

// prepare makes the capture and its key log where they are not there yet.
func prepare(ctx context.Context, o options, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := os.MkdirAll(o.folder, 0o755); err != nil {
		return err
	}
	fmt.Printf("making %s: %d flows\n", file, o.flows)
	if err := generate(ctx, file+".part", keyLogOf(file), o.flows, o.response); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}

func keyLogOf(file string) string { return file + ".keys" }
