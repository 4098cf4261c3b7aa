package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

func (e *explainFlags) run(ctx context.Context, files []string, std explainIO) error {
	options, err := e.check(std.stdout)
	if err != nil {
		return err
	}
	store, err := e.secrets.store(ctx, std.stderr)
	if err != nil {
		return err
	}
	if e.unmask {
		_, _ = fmt.Fprintln(std.stderr, "lunette: --unmask: passwords, cookies and tokens stand in this output")
	}
	std.stdout = untilDone{ctx, std.stdout}
	if e.compares() {
		return e.runCompare(ctx, files, std, store, options)
	}
	c, _, err := e.read(ctx, files, std, store, e.flow)
	if err != nil {
		return err
	}
	c.Only = e.flow
	e.remarks(std.stderr, c)
	return e.write(std.stdout, c, options)
}

// read runs the files through all stages, asks the checks about what they show, and writes the packets decrypted where that was asked
// for. The flows with the numbers in wanted must be there; 0 is none.
func (e *explainFlags) read(ctx context.Context, files []string, std explainIO, store *secrets.Store, wanted ...int) (*explain.Capture, *analysis.Report, error) {
	cfg, done, err := e.config(files, std.stdin, store)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	if cfg.Filter, err = parseFilters(e.filters, e.look.location(), firstPacket(cfg.Inputs)); err != nil {
		return nil, nil, err
	}
	var file *decryptedFile
	if e.decrypted != "" {
		if file, err = createDecrypted(e.decrypted, slices.Concat(files, e.secrets.files()), e.force); err != nil {
			return nil, nil, err
		}
		defer file.discard()
	}
	bar := newProgress(std.stderr)
	cfg.Progress = bar.show
	report, err := analysis.Run(ctx, cfg)
	bar.clear()
	if err != nil {
		return nil, nil, err
	}
	if err := e.origin.join(ctx, report, e.unmask, std.stderr); err != nil {
		return nil, nil, err
	}
	c := e.capture(report)
	for _, n := range wanted {
		if err := e.there(c, n); err != nil {
			return nil, nil, err
		}
	}
	if e.format != "har" { // which has no place for causes
		if c.Results, err = report.Diagnose(ctx, cfg); err != nil {
			return nil, nil, err
		}
	}
	if file != nil {
		return c, report, file.write(ctx, cfg, only(report, e.flow), std.stderr)
	}
	return c, report, nil
}

// there refuses the number of a flow that is not among those of c.
func (e *explainFlags) there(c *explain.Capture, n int) error {
	if n == 0 || slices.ContainsFunc(c.Flows, func(f *flow.Flow) bool { return f.Number == n }) {
		return nil
	}
	if len(e.filters) > 0 && int64(n) <= c.Connections {
		return fmt.Errorf("show flow %d: --filter leaves it out", n)
	}
	return fmt.Errorf("show flow %d: there are %s here", n, counted(len(c.Flows), "flow"))
}

// only is a report with one of its flows; number 0 leaves all.
func only(r *analysis.Report, number int) *analysis.Report {
	if number == 0 {
		return r
	}
	one := *r
	one.Flows = slices.DeleteFunc(slices.Clone(r.Flows), func(f *flow.Flow) bool { return f.Number != number })
	one.Partial = true
	return &one
}

// config is what analysis is asked for; done removes what it kept of standard input.
func (e *explainFlags) config(files []string, stdin io.Reader, store *secrets.Store) (cfg analysis.Config, done func(), err error) {
	cfg = analysis.Config{Secrets: store, Flow: flow.Config{Silence: int64(e.silence), Unmask: e.unmask, KeyLog: e.decrypted != ""}}
	if e.bodies {
		cfg.Flow.Bodies = e.maxBody
	}
	if cfg.Inputs, done, err = inputs(files, stdin); err != nil {
		return cfg, nil, err
	}
	if err = decrypting(cfg.Inputs, e.identity); err != nil {
		done()
	}
	return cfg, done, err
}

func (e *explainFlags) write(w io.Writer, c *explain.Capture, o explain.Options) error {
	switch e.format {
	case "json":
		return explain.JSON(w, c)
	case "ndjson":
		return explain.NDJSON(w, c)
	case "har":
		return explain.HAR(w, c)
	}
	return explain.Text(w, c, o)
}

// untilDone refuses to write once its context is over, so that an interrupt ends long output.
type untilDone struct {
	ctx context.Context
	io.Writer
}

func (u untilDone) Write(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.Writer.Write(p)
}
