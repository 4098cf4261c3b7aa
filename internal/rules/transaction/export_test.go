package transaction

import "github.com/lunette-waf/lunette/internal/rules/compile"

// NewSlow returns an engine that runs every rule on every value, one by one.
func NewSlow(p *compile.Program, cfg Config) (*Engine, error) {
	e, err := New(p, cfg)
	if err != nil {
		return nil, err
	}
	for i := range e.plan.phases {
		ph := &e.plan.phases[i]
		ph.wanted = nil
		for pos := range ph.rules {
			ph.always[pos>>6] |= 1 << (uint(pos) & 63)
		}
	}
	return e, nil
}

// Spent returns how many bytes operators have looked at.
func (in *Inspection) Spent() int64 { return in.engine.cfg.Steps - in.w.steps }
