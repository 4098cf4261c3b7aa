package analysis

import (
	"bytes"
	"context"
	"fmt"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/recording"
)

// Recorded reads recordings as if they had been captured: one flow each, in their order, with the facts of the recording among those
// that its bytes show. Their key logs and cfg.Secrets open them. Of cfg, what is about files and packets has no meaning. What only
// packets show (SYNs, windows, what was sent again) is not in the facts, and frames are 0. When ctx ends the error is its cause.
func Recorded(ctx context.Context, recs []*recording.Recording, cfg Config) ([]*flow.Flow, error) {
	cfg = cfg.filled()
	for _, r := range recs {
		if _, err := cfg.Secrets.AddKeyLog("recording", bytes.NewReader(r.KeyLog)); err != nil {
			return nil, fmt.Errorf("read recording %d: key log: %w", r.ID, err)
		}
	}
	settings := cfg.Flow
	settings.Budget = budget.New(cfg.Memory)
	out := make([]*flow.Flow, 0, len(recs))
	for _, r := range recs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out = append(out, evidence.Replay(r, settings, cfg.Secrets))
	}
	return out, nil
}
