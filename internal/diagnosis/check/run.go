package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// Result is what the checks say about a case.
type Result struct {
	Findings []finding.Finding // best first: what fails before what is worth knowing, the surer first, then the worse
	Lacking  []Lack            // checks that were skipped
}

// Lack is a check that could not look.
type Lack struct {
	Code finding.Code
	For  Watched // what it would need
}

// Run asks all checks about c. A cause hides its symptoms: they stand in its Hides.
func Run(checks []Check, c *Case) Result {
	var r Result
	var found []int // indices in checks, beside r.Findings
	watched := c.Watched()
	for i := range checks {
		k := &checks[i]
		if !begins(k, c) {
			continue
		}
		if lacks := k.Needs &^ watched; lacks != 0 {
			r.Lacking = append(r.Lacking, Lack{k.Code, lacks})
			continue
		}
		if v := k.Run(c); v != nil {
			r.Findings = append(r.Findings, state(k, v, c))
			found = append(found, i)
		}
	}
	r.Findings = hide(checks, r.Findings, found)
	slices.SortStableFunc(r.Findings, better)
	return r
}

// begins reports whether any fact that the check begins with is there.
func begins(k *Check, c *Case) bool {
	if len(k.On) == 0 || c.Flow.Has(k.On...) {
		return true
	}
	return len(c.Around(k.On...)) > 0
}

func state(k *Check, v *Verdict, c *Case) finding.Finding {
	f := finding.Finding{Code: k.Code, Title: k.Title, Severity: cmp.Or(v.Severity, k.Severity), Confidence: v.Confidence, Conn: c.Flow.Conn,
		Summary: v.Summary, Proof: v.Proof, Waited: v.Waited, Settle: c.Flow.filled(v.Settle), Refines: k.Refines, Sources: k.Sources}
	slices.SortStableFunc(f.Proof, func(a, b finding.Proof) int { return a.At.Compare(b.At) })
	switch {
	case v.Waited > 0 && v.Lasts:
		f.Timers = timersAhead(v.Waited, System(c))
	case v.Waited > 0 && !c.Flow.ownTimer(v.Waited):
		f.Timers = TimersOf(v.Waited, v.Ended)
	}
	own := slices.DeleteFunc(slices.Clone(k.Mends), func(m finding.Mend) bool {
		return v.Instead || slices.Contains(v.Without, m.On)
	})
	f.Mends = mends(slices.Concat(v.Mends, own), c)
	return f
}

// mends are those that fit the origin as far as it is known: its own first, then those for any origin, the network and Lunette. While
// it is unknown all stand, in the order of the check.
func mends(all []finding.Mend, c *Case) []finding.Mend {
	runs := System(c)
	var own, rest []finding.Mend
	for _, m := range all {
		m.Do, m.Lines = c.Flow.filled(m.Do), c.Flow.filled(m.Lines)
		switch m.On {
		case runs:
			own = append(own, m)
		case finding.Origin, finding.Network, finding.Lunette:
			rest = append(rest, m)
		default:
			if runs == "" {
				rest = append(rest, m)
			}
		}
	}
	return append(own, rest...)
}

// systems are the beginnings of Server and X-Powered-By fields, in lower case.
var systems = [...]struct {
	begins string
	system finding.System
}{
	{"microsoft-iis", finding.IIS}, {"microsoft-httpapi", finding.IIS}, {"asp.net", finding.IIS}, {"kestrel", finding.Origin},
	{"nginx", finding.Nginx}, {"openresty", finding.Nginx},
	{"apache-coyote", finding.Java}, {"apache tomcat", finding.Java}, {"jetty", finding.Java}, {"apache", finding.Apache},
	{"express", finding.Node}, {"node", finding.Node},
}

// System is what the origin runs, by its own words in answers; "" unknown.
func System(c *Case) finding.System {
	for f := range c.Flows {
		for i := range f.exchanges {
			for _, name := range [...]string{"Server", "X-Powered-By"} {
				v := strings.ToLower(Field(f.exchanges[i].Response, name))
				for _, s := range systems {
					if strings.HasPrefix(v, s.begins) {
						return s.system
					}
				}
			}
		}
	}
	for f := range c.Flows {
		if i, l := f.Logged(func(*fact.OriginLog) bool { return true }); i >= 0 {
			switch format, _, _ := strings.Cut(l.Format, "_"); format {
			case "httperr", "w3c", "freb":
				return finding.IIS
			case "apache":
				return finding.Apache
			case "nginx":
				return finding.Nginx
			}
		}
	}
	return ""
}

// hide takes the symptoms out from beside their causes. What is merely possible hides nothing that is surer.
func hide(checks []Check, all []finding.Finding, found []int) []finding.Finding {
	hidden := make([]bool, len(all))
	for i := range all {
		for j := range all {
			if i != j && slices.Contains(checks[found[i]].Silences, all[j].Code) && !slices.Contains(checks[found[j]].Silences, all[i].Code) &&
				(all[i].Confidence >= finding.Likely || all[i].Confidence >= all[j].Confidence) {
				hidden[j] = true
				all[i].Hides = append(all[i].Hides, all[j].Code)
			}
		}
	}
	var out []finding.Finding
	for i := range all {
		if !hidden[i] {
			out = append(out, all[i])
		}
	}
	return out
}

// better orders findings: info stands last, then the surer first, then the worse.
func better(a, b finding.Finding) int {
	if x, y := a.Severity == finding.Info, b.Severity == finding.Info; x != y {
		if x {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Severity, a.Severity))
}
