package analysis

import (
	"context"
	"errors"
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
	kept := first.collect(report)
	for report.Passes = 1; report.Passes < maxPasses && len(kept.lacking) > 0 && cfg.Secrets.Generation() != before; report.Passes++ {
		before = cfg.Secrets.Generation()
		again := newPass(&cfg, kept.lacking)
		again.results, again.waiting = first.results, first.waiting
		if err := again.run(ctx); err != nil {
			return nil, err
		}
		kept.replace(again)
	}
	report.Flows, report.Omitted = kept.all(), report.Omitted+kept.omitted
	for _, f := range report.Flows {
		report.OmittedFacts += int64(f.Omitted + f.ExchangesOmitted)
	}
	report.warn()
	return report, nil
}

// replace puts the flows of a second look in the place of those of the first.
func (k *keeper) replace(p *pass) {
	newer := keeper{most: k.most}
	for _, w := range p.workers {
		newer.merge(&w.kept)
	}
	known := map[uint64]bool{}
	for _, f := range newer.flows {
		known[f.ID] = true
	}
	old := k.flows[:0]
	for _, f := range k.flows {
		if !known[f.ID] {
			old = append(old, f)
			continue
		}
		p.results.Give(f.Weight() + flowWeight)
	}
	clear(k.flows[len(old):])
	k.flows = append(old, newer.flows...)
	k.lacking = newer.lacking
}
