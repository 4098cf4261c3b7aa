package analysis

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// Diagnose asks all checks about each flow of the report, on the cores that cfg.Workers allows. The results stand in the order of
// Flows and do not depend on how many cores there are. Variants that a probe made are evidence in the cases of others, and have none of
// their own. When ctx ends the error is its cause.
func (r *Report) Diagnose(ctx context.Context, cfg Config) ([]check.Result, error) {
	cases, checks := r.cases(), diagnosis.Checks()
	out := make([]check.Result, len(cases))
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(cfg.filled().Workers, len(cases)) {
		working.Go(func() {
			s := shared{lacking: map[check.Watched][][]check.Lack{}, mends: map[finding.Code][][]finding.Mend{}}
			for i := int(next.Add(1)) - 1; i < len(cases) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if r.Flows[i].Variant {
					continue
				}
				out[i] = check.Run(checks, cases[i])
				s.keepOnce(&out[i])
			}
		})
	}
	working.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// cases are what the checks are asked about. Connections that nobody had ended when a capture did that saw everything last as long as it did.
func (r *Report) cases() []*check.Case {
	cases := evidence.Cases(r.Flows)
	if r.Until == 0 || r.Evicted > 0 {
		return cases
	}
	latest := map[tuple]int{}
	for i, f := range r.Flows {
		latest[tupleOf(f.Client, f.Server)] = i
	}
	for i, f := range r.Flows {
		if f.Closed == [3]fact.Kind{} && latest[tupleOf(f.Client, f.Server)] == i && !f.Variant {
			cases[i].Flow.End = time.Unix(0, r.Until).UTC()
			cases[i].Flow.Watched |= check.Lasting
		}
	}
	return cases
}

// DiagnoseBeside asks all checks about flow i of r, with flow n of normal as the connection that worked.
func (r *Report) DiagnoseBeside(i int, normal *Report, n int) check.Result {
	c := r.cases()[i]
	c.Normal = evidence.FromFlow(normal.Flows[n])
	return diagnosis.Run(c)
}

// mostShared bounds how many lists of a kind are kept to be found again.
const mostShared = 16

// shared lets results that say the same hold it once: of 100,000 flows most lack the same checks, and a cause has the same mends.
type shared struct {
	lacking map[check.Watched][][]check.Lack
	mends   map[finding.Code][][]finding.Mend
}

func (s *shared) keepOnce(r *check.Result) {
	if len(r.Lacking) > 0 {
		k := r.Lacking[0].For
		r.Lacking, s.lacking[k] = once(r.Lacking, s.lacking[k])
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Mends, s.mends[f.Code] = once(f.Mends, s.mends[f.Code])
	}
}

// once is the list among known that says what all says, or all itself, which then is known.
func once[T comparable](all []T, known [][]T) ([]T, [][]T) {
	for _, k := range known {
		if slices.Equal(k, all) {
			return k, known
		}
	}
	if len(known) < mostShared {
		known = append(known, slices.Clip(all))
	}
	return all, known
}
