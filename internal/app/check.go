package app

import (
	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/rules"
	"sync/atomic"
)

// Check loads the configuration at path as Run would, rules and certificates included, and opens no socket. The faults
// are those of the file, of its rules and exclusions; err is what else shows only when the parts are built.
func Check(path string) (faults config.Faults, err error) {
	cfg, faults := config.Load(path)
	if faults.Failed() {
		return faults, nil
	}
	for i := range cfg.Sites { // nothing is asked of an origin by a check
		cfg.Sites[i].Origin.Health.Path = ""
		for j := range cfg.Sites[i].Routes {
			cfg.Sites[i].Routes[j].Origin.Health.Path = ""
		}
	}
	g, err := build(cfg, shared{rules: rules.NewFactory(), connIDs: new(atomic.Uint64)}, nil)
	if err != nil {
		placed, rest := splitFaults(err)
		return append(faults, placed...), rest
	}
	g.close(nil)
	return faults, nil
}
