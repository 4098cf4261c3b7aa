package transaction

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Bounds of what is kept of matches.
const (
	maxRules    = 512 // ids
	maxMatches  = 256
	maxDetailed = 64  // matches with what costs time to tell: captures and logdata, transformations; a request of nothing but attacks has no more
	maxData     = 256 // values that one rule matched
	maxPart     = 512
	maxMessage  = 200
	maxTags     = 16
)

// record is what is written down of matches.
type record struct {
	data    []datum // what the rule that runs has matched
	more    int     // values of the member that scores that are not in data
	message string
	list    []exchange.Match
	decided []exchange.Match // of the rule that ends the exchange, unless that was by the score
	rules   []int
	audit   exchange.Audit
}

// datum is a value that the rule that runs has matched.
type datum struct {
	matched

	member  uint8
	logData string
	chain   int32  // what changed
	of      *value // into what matched; nil where that is not of the client's
	count   bool   // value is how many there are of variable
}

func (r *record) begin() { r.data, r.more, r.message = r.data[:0], 0, "" }

func (r *record) reset() {
	r.data = emptied(r.data)
	r.more, r.message = 0, ""
	r.list, r.decided, r.rules, r.audit = nil, nil, nil, exchange.Audit{} // they belong to the exchange now
}

// room reports whether another match would be kept.
func (r *record) room() bool { return len(r.list) < maxMatches }

// detailed reports whether a match of the rule that runs would be kept with all there is to say of it: one of the first, and that of the rule
// that ends the exchange.
func (w *work) detailed() bool {
	free := func(by *compile.Rule) bool { return by == nil || by == w.rule }
	return len(w.record.list) < maxDetailed || w.rule.Disrupt != compile.Pass && free(w.ended.rule) && free(w.wouldEnd.rule)
}

// message returns the text of m; where nothing is detailed without its variables, which may hold what another rule has captured.
func (w *work) message(m compile.Macro) string {
	if w.detailed() {
		return w.expand(m)
	}
	text := ""
	for i := range m {
		if m[i].Variable == seclang.VarNone {
			text += m[i].Text
		}
	}
	return text
}

// note writes down that the member matched w.lastVar, which came of v.
func (w *work) note(v *value) {
	r, first, m := &w.record, w.rule, w.member
	if !first.Log && first.Disrupt == compile.Pass && !forAudit(first) {
		return
	}
	if len(r.data) >= maxData {
		if m.Member == scoringMember(first) {
			r.more++
		}
		return
	}
	d := datum{matched: w.lastVar, member: m.Member, count: v == &w.counted}
	if first.Log && r.room() || forAudit(first) {
		all := w.detailed()
		if all && m.Chain != 0 && !m.MultiMatch && !volatile(d.variable) && !d.count {
			d.of, d.chain = v, m.Chain
		}
		if m != first || first.Next == nil {
			if r.message == "" && m.Msg != nil && (m == first || first.Msg == nil) {
				r.message = w.message(m.Msg)
			}
			if all && m.LogData != nil {
				d.logData = w.expand(m.LogData)
			}
		}
	}
	r.data = append(r.data, d)
}

// transformed names the steps of a chain that changed v.
func (w *work) transformed(v *value, chain int32) string {
	if v == nil {
		return ""
	}
	var list []string
	for c := chain; c != 0; {
		p := w.plan.chains[c].Parent
		if w.after(v, c) != w.after(v, p) {
			list = append(list, w.plan.steps.names[w.plan.chains[c].Last])
		}
		c = p
	}
	var b strings.Builder
	for i := len(list) - 1; i >= 0; i-- {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString("t:" + list[i])
	}
	return b.String()
}

// scoringMember is the member of a chain that adds points, the first where none does.
func scoringMember(r *compile.Rule) uint8 {
	if len(r.Scores) > 0 {
		return r.Scores[0].Member
	}
	return 0
}

// keepMatch writes down that r matched, and that it decides.
func (w *work) keepMatch(r *compile.Rule, decides bool) {
	rec := &w.record
	if r.Log && len(rec.rules) < maxRules {
		rec.rules = append(rec.rules, r.ID)
	}
	switch {
	case decides && !evaluates(r.ID):
		rec.decided = w.addMatches(nil, r)
	case r.Log && rec.room():
		rec.list = w.addMatches(rec.list, r)
	}
	w.keepAudit(r)
}

// evaluates reports whether rule id belongs to the files of the Core Rule Set that compare the score with the threshold.
func evaluates(id int) bool { return id/1000 == 949 || id/1000 == 959 }

// addMatches adds one match for each variable in which r matched, so that their scores add up to the rule's.
func (w *work) addMatches(list []exchange.Match, r *compile.Rule) []exchange.Match {
	rec := &w.record
	message, data := rec.message, ""
	if r.Next != nil {
		if r.Msg != nil {
			message = w.message(r.Msg)
		}
		switch {
		case r.LogData == nil:
			data = counters(rec.data, scoringMember(r))
		case w.detailed():
			data = w.expand(r.LogData)
		}
	}
	message = bounded(message, maxMessage)
	member, each, first := scoringMember(r), w.worth(r), len(list)
	for i := range rec.data {
		d := &rec.data[i]
		if d.member != member {
			continue
		}
		shown := presentable(d, rec.data)
		target := targetName(shown)
		if at := findMatch(list[first:], target); at >= 0 {
			list[first+at].Score += each
			continue
		}
		if len(list) >= maxMatches {
			break
		}
		logged, of := d.logData, shown.of
		if logged == "" {
			logged = data
		}
		if len(list) >= maxDetailed {
			logged, of = "", nil
		}
		list = append(list, exchange.Match{
			ID: r.ID, Message: message, Severity: severityName(r.Severity), Score: each, Target: target, Part: shortened(shown.value, maxPart),
			Tags: r.Tags[:min(len(r.Tags), maxTags):min(len(r.Tags), maxTags)], Transformations: w.transformed(of, shown.chain), Paranoia: int(r.Paranoia),
			Scoring: len(r.Scores) > 0, Data: shortened(logged, maxPart),
			File: r.File, Line: r.Line, Rev: r.Rev, Ver: r.Ver, Maturity: int(r.Maturity), Accuracy: int(r.Accuracy), NoAudit: !r.Audit,
		})
	}
	if len(list) > first {
		list[len(list)-1].Score += rec.more * each
	}
	return list
}

// worth returns the points that one match of a rule adds.
func (w *work) worth(r *compile.Rule) (n int) {
	for i := range r.Scores {
		if s := &r.Scores[i]; s.Slot >= 0 {
			n += w.tx.number(s.Slot)
		} else {
			n += s.Points
		}
	}
	return n
}

// presentable returns d, or where d is a variable of the rules' own (TX, MATCHED_VAR) the first of the same match that the
// client sent: that is what a reader can look for and what an exclusion can name.
func presentable(d *datum, all []datum) *datum {
	if !internal(d.variable) {
		return d
	}
	for i := range all {
		if !internal(all[i].variable) {
			return &all[i]
		}
	}
	return d
}

func internal(v seclang.Variable) bool {
	switch v {
	case seclang.VarNone, seclang.VarTX, seclang.VarRule, seclang.VarMatchedVar, seclang.VarMatchedVarName, seclang.VarMatchedVars, seclang.VarMatchedVarsNames:
		return true
	}
	return false
}

// targetName names what matched as rules and exclusions do.
func targetName(d *datum) string {
	if d.variable == seclang.VarNone {
		return "UNKNOWN"
	}
	name := d.variable.String()
	if d.variable == seclang.VarRequestXML {
		name = "XML"
	}
	if d.count {
		name = "&" + name
	}
	if d.key == "" {
		return name
	}
	return name + ":" + bounded(d.key, maxMessage)
}

func findMatch(list []exchange.Match, target string) int {
	for i := range list {
		if list[i].Target == target {
			return i
		}
	}
	return -1
}

// bounded returns a copy of at most n bytes that does not keep the whole message alive.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.Clone(s)
}

// shortened is bounded, with a word about how many bytes are gone.
func shortened(s string, n int) string {
	if len(s) <= n {
		return strings.Clone(s)
	}
	return s[:n] + "… (+" + strconv.Itoa(len(s)-n) + " bytes)"
}

// report writes what the rules found into out: first the rule that ended the exchange, unless that was by the score, also where
// it says nolog; then the others in the order in which they matched.
func (w *work) report(out *exchange.WAF) {
	rec := &w.record
	e := w.ended
	if e.rule == nil && w.wouldEnd.rule != nil {
		e = w.wouldEnd
		out.Verdict = "detect"
	}
	out.Matches = append(append(out.Matches, rec.decided...), rec.list...)
	out.Matches = out.Matches[:min(len(out.Matches), maxMatches)]
	out.Rules = rec.rules
	out.Threshold, out.Score = w.threshold("inbound_anomaly_score_threshold", w.engine.cfg.Inbound), w.score(w.plan.inboundScore, "blocking_inbound_anomaly_score")
	if e.rule != nil {
		out.Phase = phaseName(e.phase)
		if e.phase > 2 && e.phase < logging {
			out.Threshold, out.Score = w.threshold("outbound_anomaly_score_threshold", w.engine.cfg.Outbound), w.score(w.plan.outboundScore, "blocking_outbound_anomaly_score")
		}
	}
	w.reportAudit(out)
	w.confess(out)
}

func (w *work) score(slot int32, name string) int {
	if slot >= 0 {
		return w.tx.number(slot)
	}
	s, _ := w.tx.get(-1, name)
	n, _ := strconv.Atoi(s)
	return n
}

// threshold is what rules compare the score with: they may set it for one exchange. set holds where they know no such variable.
func (w *work) threshold(name string, set int) int {
	slot, ok := w.plan.program.Slot(name)
	if !ok {
		return set
	}
	if n := w.tx.number(slot); n > 0 {
		return n
	}
	return set
}

// confess writes into out what rules were not shown of the body.
func (w *work) confess(out *exchange.WAF) {
	b := &w.request
	if b.shown >= b.size {
		return
	}
	out.Inspected = min(out.Inspected, b.shown)
	text := "rules were shown the first " + strconv.FormatInt(b.shown, 10) + " bytes of the request body: it is of no type that is parsed"
	if len(out.Matches) < maxMatches {
		out.Matches = append(out.Matches, exchange.Match{Message: string(reason.WAFSkippedByLimit) + ": " + text, Severity: "notice", Target: "REQUEST_BODY"})
	}
}

func phaseName(p uint8) string {
	switch p {
	case 1:
		return "request_headers"
	case 2:
		return "request_body"
	case 3:
		return "response_headers"
	case 4:
		return "response_body"
	}
	return ""
}

// answer returns the answer that a rule asks for: its status, 0 where that is the default and the reason knows better, and the place
// that a redirect names.
func (e *ending) answer(code reason.Code) *exchange.Response {
	r := &exchange.Response{Status: e.status}
	if e.location != "" {
		r.Header.Add("Location", e.location)
	}
	if r.Status < 300 || r.Status > 599 || r.Status == 403 && code == reason.WAFBlockedResponse {
		r.Status = 0
	}
	return r
}
