// Command bench measures what the gateway costs, beside nginx, HAProxy, Caddy and a bare httputil.ReverseProxy: CPU time
// per request, latency at a fixed rate, TLS handshakes, memory per idle TLS connection. `make bench` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type options struct {
	rules   bool          // measure rules and nothing else
	only    string        // parts, comma-separated; "" for all
	systems string        // names, comma-separated; "" for all
	loads   string        // likewise
	rounds  int           // of everything, alternating
	length  time.Duration // of one measurement
	conns   int           // connections of wrk
	profile string        // file for a CPU profile of lunette under GET
	json    string        // file for the figures
	keep    bool          // the temporary directory
	binary  string        // measured in place of a fresh build
	base    string        // another binary of lunette, measured beside it
}

func main() {
	var o options
	var b bare
	reverse := flag.Bool("reverseproxy", false, "be the httputil.ReverseProxy that others are compared with (the bench starts itself so)")
	flag.StringVar(&b.listen, "listen", "", "of -reverseproxy: address for HTTP")
	flag.StringVar(&b.listenTLS, "listen-tls", "", "of -reverseproxy: address for HTTPS")
	flag.StringVar(&b.origin, "origin", "", "of -reverseproxy: address of the origin")
	flag.StringVar(&b.cert, "cert", "", "of -reverseproxy: certificate file")
	flag.StringVar(&b.key, "key", "", "of -reverseproxy: key file")
	flag.BoolVar(&b.coraza, "coraza", false, "of -reverseproxy: requests pass the Core Rule Set in Coraza")
	flag.BoolVar(&o.rules, "waf", false, "measure rules: CPU time per request beside ModSecurity and Coraza, and nothing else")
	flag.StringVar(&o.only, "only", "", "parts to run, of cpu,latency,handshake,idle; default all")
	flag.StringVar(&o.systems, "systems", "", "systems to run, such as lunette,nginx; default all that are installed")
	flag.StringVar(&o.loads, "loads", "", "requests to send, of get,page,form; default all")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of which the median is taken; the systems alternate within each")
	flag.DurationVar(&o.length, "length", 3*time.Second, "length of one measurement, whole seconds")
	flag.IntVar(&o.conns, "conns", 16, "kept-alive connections of wrk")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of lunette under GET, and lunette+waf's beside it as FILE.waf")
	flag.StringVar(&o.json, "json", "", "write the figures as JSON")
	flag.StringVar(&o.binary, "binary", "", "measure this lunette instead of building one")
	flag.StringVar(&o.base, "base", "", "measure this lunette, of an earlier state, beside the other as base and base+waf")
	flag.BoolVar(&o.keep, "keep", false, "keep the temporary directory, with the configurations and logs")
	flag.Parse()
	err := error(nil)
	if *reverse {
		err = b.serve()
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = o.run(ctx)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// wants reports whether name is in a comma-separated list; every name is in an empty one.
func wants(list, name string) bool {
	return list == "" || strings.Contains(","+list+",", ","+name+",")
}

func (o *options) run(ctx context.Context) (err error) {
	root, err := repository()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lunette-bench-")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(os.Stderr, "files are in", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if o.binary == "" {
		o.binary = filepath.Join(dir, "lunette")
		if err := build(ctx, root, o.binary); err != nil {
			return err
		}
	}
	r, err := newRig(ctx, root, dir)
	if r != nil {
		defer r.close()
	}
	if err != nil {
		return err
	}
	rep := newReport(o)
	systems, err := o.open(ctx, r, rep)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(context.Context, *rig, []*system, *report) error
	}{
		{"cpu", o.cpu}, {"latency", o.latency}, {"handshake", o.handshakes}, {"idle", o.idle}, {"waf", o.waf},
	} {
		if o.rules != (part.name == "waf") || !wants(o.only, part.name) {
			continue
		}
		if err := part.run(ctx, r, systems, rep); err != nil {
			return err
		}
	}
	if o.profile != "" {
		if err := o.profiles(ctx, r, systems); err != nil {
			return err
		}
	}
	rep.print(os.Stdout)
	return rep.save(o.json)
}

// open starts the systems that are wanted and installed.
func (o *options) open(ctx context.Context, r *rig, rep *report) ([]*system, error) {
	if _, err := find("wrk"); err != nil {
		return nil, err
	}
	var out []*system
	list := starters(o.binary, o.base)
	if o.rules {
		list = wafStarters(o.binary, o.base)
	}
	for _, st := range list {
		if !wants(o.systems, st.name) {
			continue
		}
		s, err := r.open(ctx, st)
		if errors.Is(err, errMissing) {
			rep.skip(st.name, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// repository is the folder with go.mod.
func repository() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// build makes the binary as it is released.
func build(ctx context.Context, root, file string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", file, "./cmd/lunette") //nolint:gosec // our own
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build lunette: %w: %s", err, out)
	}
	return nil
}
