package analysis

import (
	"context"
	"errors"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// maxPasses is how often the inputs are read at most: the second time for secrets that stood behind the packets they open, the third
// for sessions that only the second pass opened.
const maxPasses = 3

// Run reads the inputs of cfg and returns what they show. An input that is no capture ends it with a *pcap.FormatError; damage
// does not, and stands in the Report. When ctx ends the error is its cause.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg = cfg.filled()
	if len(cfg.Inputs) == 0 {
		return nil, errors.New("read capture: no file was named")
	}
	if err := inOrder(&cfg); err != nil {
		return nil, err
	}
	report := &Report{}
	first := newPass(&cfg, nil)
	before := cfg.Secrets.Generation()
	if err := first.run(ctx); err != nil {
		return nil, err
	}
	kept, opened := first.collect(report)
	for report.Passes = 1; report.Passes < maxPasses && len(kept.lacking) > 0 && cfg.Secrets.Generation() != before; report.Passes++ {
		before = cfg.Secrets.Generation()
		again := newPass(&cfg, kept.lacking)
		again.results, again.waiting = first.results, first.waiting
		kept.redo(again)
		if err := again.run(ctx); err != nil {
			return nil, err
		}
		for _, w := range again.workers {
			kept.merge(&w.kept)
		}
	}
	report.Flows, report.Omitted = kept.all(), report.Omitted+kept.omitted
	opened.number(report.Flows)
	applyMarks(report.Flows, first.marks)
	for _, f := range report.Flows {
		report.OmittedFacts += int64(f.Omitted + f.ExchangesOmitted)
	}
	report.warn()
	return report, nil
}

// redo forgets the flows of connections that are looked at again.
func (k *keeper) redo(p *pass) {
	forget := func(f *flow.Flow) bool {
		again := k.lacking[tupleOf(f.Client, f.Server)]
		if again {
			p.results.Give(f.Weight() + flowWeight)
		}
		return again
	}
	k.flows = slices.DeleteFunc(k.flows, forget)
	k.bare = slices.DeleteFunc(k.bare, forget)
	k.lacking = nil
}
