package app

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/rules"
)

// addFaults keeps what is wrong with the rules and exclusions of route j of site i, or of the site itself where j is -1: once for
// each place, though sites share rule files and routes have the exclusions of their site.
func (g *graph) addFaults(i, j int, e *rules.LoadError) {
	s := &g.cfg.Sites[i]
	key := fmt.Sprintf("sites[%d].waf", i)
	if j >= 0 && !slices.Equal(s.Routes[j].WAF.Exclusions, s.WAF.Exclusions) {
		key = fmt.Sprintf("sites[%d].routes[%d].waf", i, j)
	}
	for _, f := range e.Faults {
		add := ruleFault(g.cfg, key, f)
		if !slices.ContainsFunc(g.faults, func(o config.Fault) bool {
			return o.File == add.File && o.Line == add.Line && o.Column == add.Column && o.Message == add.Message
		}) {
			g.faults = append(g.faults, add)
		}
	}
}

// ruleFault says where f stands: in a file of rules, or in the configuration below key.
func ruleFault(cfg *config.Config, key string, f rules.Fault) config.Fault {
	message := f.Text
	if f.Rule != 0 {
		message = fmt.Sprintf("rule %d: %s", f.Rule, f.Text)
	}
	switch {
	case f.File != "":
		return config.Fault{File: f.File, Line: f.Line, Column: max(f.Column, 1), Width: 1, Message: message, Hint: f.Hint, Source: f.Source}
	case f.Exclusion != 0:
		key += fmt.Sprintf(".exclusions[%d]", f.Exclusion-1)
		switch f.Field {
		case "":
		case "rules":
			key += ".rule"
		default:
			key += "." + f.Field
		}
	}
	return cfg.Fault(key, message, f.Hint)
}

// splitFaults takes the faults that have a place out of what build returned.
func splitFaults(err error) (faults config.Faults, rest error) {
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		if errors.As(err, &faults) {
			return faults, nil
		}
		return nil, err
	}
	var others []error
	for _, e := range many.Unwrap() {
		if fs, ok := e.(config.Faults); ok { //nolint:errorlint // build joins them as they are; what wraps others keeps its text
			faults = append(faults, fs...)
		} else {
			others = append(others, e)
		}
	}
	return faults, errors.Join(others...)
}
