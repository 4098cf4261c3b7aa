package rules

import (
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// Source is what an engine is made of, for those who run the same rules in another way: tests that compare.
type Source struct {
	Directives []seclang.Directive // in the order in which they are compiled
	Options    compile.Options
	Config     transaction.Config
}

// Source returns what Open would make an engine of. Faults are those of Open.
func (f *Factory) Source(s Settings) (*Source, error) {
	s, src, err := f.gather(s)
	if err != nil {
		return nil, err
	}
	return &Source{
		Directives: src.list,
		Options:    src.options(f.patterns),
		Config:     s.config(persist.New(persist.Config{})),
	}, nil
}
