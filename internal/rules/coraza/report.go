package coraza

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/corazawaf/coraza/v3/types"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Bounds of what is kept of matches.
const (
	maxMatches = 256
	maxPart    = 512
	maxMessage = 200
	maxTags    = 16
)

// report writes what the rules found into w: first the rule that ended the exchange, unless that was by the score, also where
// it says nolog; then the others in the order in which they matched.
func (in *Inspection) report(w *exchange.WAF) {
	defer func() {
		if p := recover(); p != nil { // only after a panic in a rule left the transaction in pieces
			in.broken = true
		}
	}()
	it, would := in.interruption()
	matched := in.tx.MatchedRules()
	outbound, first := false, -1
	for i, m := range matched {
		if r := m.Rule(); it != nil && r.ID() == it.RuleID {
			w.Phase = phaseName(r.Phase())
			outbound = r.Phase() >= types.PhaseResponseHeaders
			if !evaluates(r.ID()) {
				first = i
				in.addMatches(w, m)
			}
		}
	}
	for i, m := range matched {
		if logged, ok := m.(interface{ Log() bool }); i == first || ok && !logged.Log() {
			continue
		}
		in.addMatches(w, m)
	}
	if would {
		w.Verdict = "detect"
	}
	w.Threshold, w.Score = in.engine.inbound, in.number("blocking_inbound_anomaly_score")
	if outbound {
		w.Threshold, w.Score = in.engine.outbound, in.number("blocking_outbound_anomaly_score")
	}
}

// evaluates reports whether rule id belongs to the files of the Core Rule Set that compare the score with the threshold.
func evaluates(id int) bool { return id/1000 == 949 || id/1000 == 959 }

// interruption returns the rule's decision; would says that it was not carried out.
func (in *Inspection) interruption() (it *types.Interruption, would bool) {
	if it = in.tx.Interruption(); it != nil {
		return it, false
	}
	if d, ok := in.tx.(interface {
		DetectionOnlyInterruption() *types.Interruption
	}); ok {
		it = d.DetectionOnlyInterruption()
	}
	return it, it != nil
}

// addMatches adds one match for each variable in which m's rule matched, so that their scores add up to the rule's.
func (in *Inspection) addMatches(w *exchange.WAF, m types.MatchedRule) {
	r, data := m.Rule(), m.MatchedDatas()
	info := in.engine.set.rules[r.ID()]
	each := in.worth(info)
	first := len(w.Matches)
	for _, d := range data {
		if d.ChainLevel() != info.link {
			continue
		}
		shown := presentable(d, data)
		target := targetName(shown)
		if i := find(w.Matches[first:], target); i >= 0 {
			w.Matches[first+i].Score += each
			continue
		}
		if len(w.Matches) >= maxMatches {
			return
		}
		w.Matches = append(w.Matches, exchange.Match{
			ID: r.ID(), Message: bounded(m.Message(), maxMessage), Severity: severity(r.Severity()), Score: each,
			Target: target, Part: bounded(shown.Value(), maxPart), Data: bounded(cmp.Or(d.Data(), m.Data()), maxPart), Tags: boundedTags(r.Tags()),
		})
	}
}

// worth returns the points that one match of a rule adds.
func (in *Inspection) worth(info ruleInfo) int {
	if info.kind == "" {
		return 0
	}
	if n, err := strconv.Atoi(info.kind); err == nil {
		return n
	}
	return in.number(info.kind + "_anomaly_score")
}

// number reads a TX variable.
func (in *Inspection) number(name string) int {
	v := in.variables()
	if v == nil {
		return 0
	}
	values := v.TX().Get(name)
	if len(values) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(values[0])
	return n
}

// presentable returns d, or where d is a variable of the rules' own (TX, MATCHED_VAR) the first of the same match that the
// client sent: that is what a reader can look for and what an exclusion can name.
func presentable(d types.MatchData, all []types.MatchData) types.MatchData {
	if !internal(d.Variable().Name()) {
		return d
	}
	for _, other := range all {
		if !internal(other.Variable().Name()) {
			return other
		}
	}
	return d
}

func internal(name string) bool {
	return name == "TX" || name == "UNKNOWN" || name == "RULE" || name == "" || strings.HasPrefix(name, "MATCHED_VAR")
}

// targetName names what matched as rules and exclusions do.
func targetName(d types.MatchData) string {
	name := d.Variable().Name()
	if name == "REQUEST_XML" {
		name = "XML" // the engine's name for what every rule calls XML
	}
	if d.Key() == "" {
		return name
	}
	return name + ":" + bounded(d.Key(), maxMessage)
}

func find(list []exchange.Match, target string) int {
	for i := range list {
		if list[i].Target == target {
			return i
		}
	}
	return -1
}

func phaseName(p types.RulePhase) string {
	switch p {
	case types.PhaseRequestHeaders:
		return "request_headers"
	case types.PhaseRequestBody:
		return "request_body"
	case types.PhaseResponseHeaders:
		return "response_headers"
	case types.PhaseResponseBody:
		return "response_body"
	}
	return ""
}

func severity(s types.RuleSeverity) string {
	if s == types.RuleSeverityUnset {
		return ""
	}
	return s.String()
}

// bounded returns a copy of at most n bytes that does not keep the whole message alive.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.Clone(s)
}

func boundedTags(tags []string) []string {
	return tags[:min(len(tags), maxTags):min(len(tags), maxTags)]
}
