package app

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
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
	faults = append(faults, g.warnings(path)...)
	g.close(nil)
	return faults, nil
}

// costBound is what the pattern of a rule may take for each byte of a value, in nanoseconds, without a warning.
const costBound = 100

// warnings says what the engineer should know about rules that work, each once though sites share files. path is the configuration. Of the patterns
// of the Core Rule Set there is one note in all: nobody can mend them, and warnings without a mend hide those that have one.
func (g *graph) warnings(path string) (out config.Faults) {
	seen, core := map[seclang.Fault]bool{}, []int{}
	for _, e := range g.engines {
		for _, f := range e.Warnings(costBound) {
			if seen[f.Fault] {
				continue
			}
			seen[f.Fault] = true
			if strings.HasPrefix(f.File, "@") {
				core = append(core, f.Rule)
				continue
			}
			key := ""
			if f.File == "" { // exclusions did it
				f.File, key = path, "waf.exclusions"
			}
			w := ruleFault(g.cfg, "", f)
			w.Severity, w.Key = config.Warning, key
			out = append(out, w)
		}
	}
	if len(core) > 0 {
		slices.Sort(core)
		core = slices.Compact(core)
		out = append(out, config.Fault{Severity: config.Note, File: path, Message: fmt.Sprintf(
			"%d patterns of the Core Rule Set cost more than %d ns a byte at most: rules %s; nothing to do", len(core), costBound, strings.Trim(fmt.Sprint(core), "[]"))})
	}
	return out
}
