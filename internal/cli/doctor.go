package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/probe"
)

// How long the request may take that proves the settings, and all of it.
const (
	proofTimeout = 8 * time.Second
	longest      = 58 * time.Second
)

const doctorExample = "lunette doctor https://shop.example/account --origin 192.0.2.10"

// doctorFlags are what the command was asked for.
type doctorFlags struct {
	origin, via      string
	sister, sisterAt string
	paths, header    []string
	resolvers        []string
	ca               string
	cert, key        string
	post, vouched    bool
	webSocket        bool
	idle, budget     time.Duration
	format, write    string
	log              originLogFlags
}

func doctorCommand() *cobra.Command {
	var d doctorFlags
	cmd := &cobra.Command{
		Use: "doctor URL", Short: "Ask an origin everything that an expert would, and say why it fails", Example: doctorExample,
		Long: "Looks the name up, connects, shakes hands in many ways, asks for the page as Lunette's gateway would, leaves and refuses what the\n" +
			"origin asks for, and judges what it saw. Prints each step, then the causes, then the settings with which Lunette works with this\n" +
			"origin as it is. It sends no body unless --post is given and follows no redirect to another host.\n\n" +
			"Exit code 0: healthy, as far as was seen. 1: a cause why requests fail was found. 2: wrong usage. 3: nothing could be decided, or\n" +
			"it was interrupted before.",
		Args: exactly("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.origin, "origin", "", "connect to this `ADDR` (host or host:port) instead of the URL's host; SNI and Host stay those of the URL")
	f.StringVar(&d.via, "via", "", "ask the gateway at `ADDR` (host or host:port; with http:// or https:// in front where it speaks otherwise than the origin) for the same, and compare")
	f.StringVar(&d.sister, "compare-with", "", "climb the same ladder for a healthy `SITE` (URL), without --header and --client-cert, and tell the difference")
	f.StringVar(&d.sisterAt, "compare-origin", "", "connect to this `ADDR` (host or host:port) instead of the host of --compare-with")
	f.StringArrayVar(&d.paths, "path", nil, "request `TARGET` (/a?b) in place of the URL's; may be repeated, at most 8")
	f.StringArrayVar(&d.header, "header", nil, "further field of each request, `\"NAME: VALUE\"`, where the certificate is trusted; may be repeated")
	f.StringArrayVar(&d.resolvers, "resolver", nil, "DNS server, `ADDR` or ADDR:PORT, in place of the system's; may be repeated")
	f.StringVar(&d.ca, "ca", "", "PEM `FILE` of the authorities to trust in place of the system's")
	f.StringVar(&d.cert, "client-cert", "", "PEM `FILE` of the certificate to show where the origin asks for one")
	f.StringVar(&d.key, "client-key", "", "PEM `FILE` of its key")
	f.BoolVar(&d.post, "post", false, "also send bodies of zeros, 1 to 129 KiB, to the first path by POST")
	f.BoolVar(&d.webSocket, "websocket", false, "the first path is a WebSocket: say why an Upgrade fails")
	f.DurationVar(&d.idle, "idle", 0, "also measure how long an idle connection is kept, up to this")
	f.DurationVar(&d.budget, "timeout", 0, "end after this time; default 50s")
	f.BoolVar(&d.vouched, "origin-is-mine", false, "probe an address that DNS does not have for this name, and send --header and --client-cert to it whatever its certificate")
	f.StringVar(&d.format, "format", "text", "`FORMAT`: text or json")
	f.StringVar(&d.write, "write", "", "write all connections into a pcapng `FILE`, with their secrets")
	d.log.add(f)
	return cmd
}

func (d *doctorFlags) run(ctx context.Context, url string, stdout, stderr io.Writer) error {
	cfg, err := d.config(url)
	if err != nil {
		return err
	}
	if d.sister != "" {
		if _, err := d.sisterConfig(); err != nil {
			return err
		}
	} else if d.sisterAt != "" {
		return usageError{errors.New("--compare-origin belongs to --compare-with")}
	}
	if err := d.logsThere(); err != nil {
		return err
	}
	capture, err := d.capture()
	if err != nil {
		return err
	}
	defer capture.discard()
	out := &doctorOutput{w: stdout, quiet: d.format == "json"}
	cfg.Progress, cfg.Began = out.line, out.step
	out.begin(cfg)
	report, err := probe.Run(ctx, cfg)
	if errors.Is(err, probe.ErrNotVouched) {
		return usageError{err}
	} else if err != nil {
		return err
	}
	e := &examination{report: report}
	if d.sister != "" && report.Cut == "" {
		if e.sister, err = d.climbSister(ctx, out, max(10*time.Second, cfg.Longest()-report.Ended.Sub(report.Began))); err != nil {
			tellFailure(stderr, err) // what is known of the site itself is worth more
		}
	}
	if err := e.judge(context.WithoutCancel(ctx), &d.log, stderr); err != nil {
		return err
	}
	d.settle(ctx, e)
	unwritten := capture.write(e.report)
	if d.format == "json" {
		err = e.json(stdout)
	} else {
		err = out.verdict(e)
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if unwritten != nil {
		tellFailure(stderr, unwritten)
		return cmp.Or(e.exit(), errUndecided)
	}
	return e.exit()
}

// logsThere looks before anything is asked whether the origin's logs can be read.
func (d *doctorFlags) logsThere() error {
	if _, err := time.LoadLocation(d.log.zone); err != nil {
		return usageError{fmt.Errorf("--origin-log-zone %s: there is no such time zone", d.log.zone)}
	}
	for _, name := range d.log.files {
		f, err := os.Open(name)
		if err != nil {
			return usageError{fmt.Errorf("--origin-log: %w", err)}
		}
		f.Close()
	}
	return nil
}

// tellFailure says what went wrong beside the verdict.
func tellFailure(w io.Writer, err error) {
	_, _ = fmt.Fprintf(w, "lunette: %s\n", printableLines(err.Error()))
}

// sisterConfig is what is asked of the site to compare with. The credentials and the word of the caller are for the first site alone:
// only an address that he named for this one is vouched for.
func (d *doctorFlags) sisterConfig() (probe.Config, error) {
	same := *d
	same.origin, same.via, same.post, same.idle = d.sisterAt, "", false, 0
	same.header, same.cert, same.key = nil, "", ""
	same.vouched = d.vouched && d.sisterAt != ""
	if target, err := probe.ParseTarget(d.sister, ""); err == nil && target.Path != "/" {
		same.paths = nil
	}
	return same.config(d.sister)
}

// climbSister is the same ladder for the site to compare with.
func (d *doctorFlags) climbSister(ctx context.Context, out *doctorOutput, budget time.Duration) (*probe.Report, error) {
	cfg, err := d.sisterConfig()
	if err != nil {
		return nil, err
	}
	cfg.Progress, cfg.Began = out.line, out.step
	cfg.Budget, cfg.Patience = budget, 3*time.Second // that it asks is what is to be known
	out.begin(cfg)
	return probe.Run(ctx, cfg)
}

// settle proves the settings by one request that is made with exactly them; where it fails, others are tried.
func (d *doctorFlags) settle(ctx context.Context, e *examination) {
	s := &e.report.Settings
	s.CA, s.CertFile, s.KeyFile = d.ca, d.cert, d.key
	if e.yaml = s.YAML(e.siteName()); e.yaml == "" || ctx.Err() != nil {
		return
	}
	patience := max(proofTimeout, min(3*e.slowest(), longest-time.Since(e.report.Began)))
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	e.tried, e.unproven = d.try(ctx, e, s)
	if e.tried == nil || e.tried.Reason == "" {
		return
	}
	for _, o := range s.Others() {
		if t, _ := d.try(ctx, e, &o); t != nil && t.Reason == "" {
			e.report.Settings, e.yaml, e.tried = o, o.YAML(e.siteName()), t
			return
		}
	}
}

// try makes the request, or says why not.
func (d *doctorFlags) try(ctx context.Context, e *examination, s *probe.Settings) (*app.Tried, string) {
	if s.Certificate && s.Verify != "" && !d.vouched {
		return nil, "the client certificate is not shown to an origin whose certificate is not trusted; --origin-is-mine shows it all the same"
	}
	begun := time.Now()
	t, err := app.TryOrigin(ctx, s.YAML(e.siteName()), e.report.Target.Authority, e.path())
	switch {
	case err != nil:
		return nil, err.Error()
	case t.Reason != "" && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, "no answer came within " + finding.Span(time.Since(begun))
	}
	return &t, ""
}
