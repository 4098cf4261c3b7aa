package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	checks "github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/probe"
	"github.com/lunette-waf/lunette/internal/recording"
)

// examination is a climb and what is made of it.
type examination struct {
	report   *probe.Report
	plain    map[finding.Code]bool // findings about requests as Lunette makes them
	sister   *probe.Report         // of the site to compare with, nil without
	findings []finding.Finding
	lacking  []checks.Lack
	yaml     string     // settings below sites:, "" where none are known
	tried    *app.Tried // a request with exactly them
	unproven string     // or why there was none
}

func (e *examination) recordings() []*recording.Recording {
	var out []*recording.Recording
	for _, o := range e.report.Tries {
		out = append(out, o.Recording)
	}
	return out
}

// judge asks the checks about every connection that was made as a client in earnest makes one; all others are evidence beside it.
func (e *examination) judge(ctx context.Context, log *originLogFlags, stderr io.Writer) error {
	recs := e.recordings()
	flows, err := analysis.Recorded(ctx, recs, analysis.Config{})
	if err != nil {
		return err
	}
	if err := log.join(ctx, &analysis.Report{Flows: flows}, false, stderr); err != nil {
		tellFailure(stderr, err) // what was seen is judged without it
	}
	all := make([]*checks.Flow, len(flows))
	for i, f := range flows {
		all[i] = evidence.FromRecorded(f, recs[i])
	}
	e.plain = map[finding.Code]bool{}
	for _, i := range e.witnesses() {
		c := e.caseOf(all, i)
		if e.ourOwn(i) { // first by itself: what others met must not hide what it met
			alone := *c
			alone.Others = slices.DeleteFunc(slices.Clone(c.Others), func(o *checks.Flow) bool { return strings.HasPrefix(o.Purpose, "reneg_") })
			for _, f := range diagnosis.Run(&alone).Findings {
				if f.Severity == finding.Critical && own(&f, c.Flow.Conn) {
					e.plain[f.Code] = true
				}
				e.add(f)
			}
		}
		r := diagnosis.Run(c)
		e.lacking = append(e.lacking, r.Lacking...)
		for _, f := range r.Findings {
			e.add(e.beside(i, f))
		}
	}
	if len(e.witnesses()) == 0 { // nothing could be connected to: the names may say why
		r := diagnosis.Run(&checks.Case{Flow: checks.Flow{Name: e.report.Target.Name, Ours: true, Start: e.report.Began, End: e.report.Ended}.Prepared(), Facts: e.report.Facts})
		e.findings = append(e.findings, r.Findings...)
	}
	e.fold()
	slices.SortStableFunc(e.findings, func(a, b finding.Finding) int {
		if x, y := e.plain[a.Code], e.plain[b.Code]; x != y { // what Lunette's own request fails of stands above what others would meet
			if x {
				return -1
			}
			return 1
		}
		return worse(a, b)
	})
	return nil
}

// ourOwn reports whether connection i is the request as Lunette makes it, or the small hello that speaks for it.
func (e *examination) ourOwn(i int) bool {
	p := e.report.Tries[i].Purpose
	return p == "plain" || p == "hello_small"
}

// own reports whether f rests on this connection: there are findings about it that rest on what others met.
func own(f *finding.Finding, conn uint64) bool {
	return slices.ContainsFunc(f.Proof, func(p finding.Proof) bool { return p.Index >= 0 && p.Conn == conn })
}

// rank orders witnesses: the plain request first, then what other clients meet.
func rank(o *probe.Outcome) int {
	return slices.Index([]string{"plain", "hello_small", "reneg_ignore", "reneg_refuse", "http1"}, o.Purpose)
}

func (e *examination) witnesses() []int {
	var out []int
	for i, o := range e.report.Tries {
		if o.Natural {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int {
		x, y := rank(e.report.Tries[a]), rank(e.report.Tries[b])
		if x < 0 || y < 0 {
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	})
	return out
}

// caseOf is the case of connection i. What went through the gateway is no evidence about the origin: certificate, refusal and status may be
// the gateway's own.
func (e *examination) caseOf(all []*checks.Flow, i int) *checks.Case {
	c := &checks.Case{Flow: all[i]}
	for j, other := range e.report.Tries {
		if j != i && !other.Cut && !other.Via {
			c.Others = append(c.Others, all[j])
		}
	}
	if _, err := netip.ParseAddr(e.report.Target.Host); err != nil {
		c.Facts = append([]fact.Fact(nil), e.report.Facts...)
	}
	return c
}

// beside makes a warning of what only one of several addresses does, where requests go to another and are served.
func (e *examination) beside(i int, f finding.Finding) finding.Finding {
	o := e.report.Tries[i]
	if f.Severity != finding.Critical || o.Purpose != "tcp" && o.Purpose != "address" {
		return f
	}
	for _, p := range e.report.Tries {
		if p.Purpose == "plain" && p.Served() && p.Addr != o.Addr {
			f.Severity = finding.Warning
			if f.Summary += fmt.Sprintf(" %s serves; a proxy that takes %s meets this.", p.Addr, o.Addr); e.more(&f) {
				f.Code = ""
			}
			return f
		}
	}
	return f
}

// more adds what another address does likewise to the finding that is there, and reports whether there was one.
func (e *examination) more(f *finding.Finding) bool {
	for j := range e.findings {
		if have := &e.findings[j]; have.Code == f.Code && have.Severity == f.Severity && have.Confidence == f.Confidence {
			if !strings.Contains(have.Summary, f.Summary) {
				have.Summary, have.Proof = have.Summary+" "+f.Summary, append(have.Proof, f.Proof...)
			}
			return true
		}
	}
	return false
}

// add takes a finding over; of two with the same code the surer stays.
func (e *examination) add(f finding.Finding) {
	if f.Code == "" {
		return // told with another
	}
	for i := range e.findings {
		if have := &e.findings[i]; have.Code == f.Code {
			if f.Confidence > have.Confidence && f.Severity >= have.Severity || f.Severity > have.Severity {
				*have = f
			}
			return
		}
	}
	e.findings = append(e.findings, f)
}

// fold puts the symptoms of one connection below the cause that another one showed.
func (e *examination) fold() {
	hidden := map[finding.Code]bool{}
	for i := range e.findings {
		f := &e.findings[i]
		k, ok := diagnosis.Named(f.Code)
		if !ok || hidden[f.Code] || f.Confidence < finding.Likely || f.Severity == finding.Info {
			continue
		}
		silenced := k.Silences
		if f.Code == "tls.hello_request_ignored" { // another answer to the same question
			silenced = append(slices.Clone(silenced), "tls.hello_request_refused")
		}
		for j := range e.findings {
			other := &e.findings[j]
			if i == j || hidden[other.Code] || e.plain[other.Code] && !e.plain[f.Code] || !slices.Contains(silenced, other.Code) {
				continue
			}
			hidden[other.Code] = true
			if !slices.Contains(f.Hides, other.Code) {
				f.Hides = append(f.Hides, other.Code)
			}
		}
	}
	e.findings = slices.DeleteFunc(e.findings, func(f finding.Finding) bool { return hidden[f.Code] })
}

// worse orders findings as package check does: info last, then the surer first, then the worse.
func worse(a, b finding.Finding) int {
	if x, y := a.Severity == finding.Info, b.Severity == finding.Info; x != y {
		if x {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Severity, a.Severity))
}

// siteName is the name for the settings: an address is no name of a site.
func (e *examination) siteName() string {
	if _, err := netip.ParseAddr(e.report.Target.Name); err == nil {
		return "site.example"
	}
	return e.report.Target.Name
}

// path is the one that the settings are proven with: one that asks for a new handshake before others.
func (e *examination) path() string {
	for _, o := range e.report.Tries {
		if o.HelloRequests > 0 {
			return o.Path
		}
	}
	for _, o := range e.report.Tries {
		if o.Path != "" {
			return o.Path
		}
	}
	return "/"
}

// works reports whether every plain request was answered, and with nothing that refuses it but a log-in.
func (e *examination) works() bool {
	for _, o := range e.report.Tries {
		if o.Purpose == "plain" && (!o.Served() || o.Status() >= 400 && o.Status() != 401) {
			return false
		}
	}
	return len(e.report.Tries) > 0
}

// wantsLogIn is the first plain request that was answered by the question for a log-in, nil without.
func (e *examination) wantsLogIn() *probe.Outcome {
	for _, o := range e.report.Tries {
		if o.Purpose == "plain" && o.Status() == 401 {
			return o
		}
	}
	return nil
}

// refused is the first plain request that was answered, and not as one likes; nil without.
func (e *examination) refused() *probe.Outcome {
	for _, o := range e.report.Tries {
		if o.Purpose == "plain" && o.Err == nil && o.Status() >= 400 {
			return o
		}
	}
	return nil
}

// slowest is the longest time to a first byte.
func (e *examination) slowest() time.Duration {
	var d time.Duration
	for _, o := range e.report.Tries {
		for _, a := range o.Answers {
			d = max(d, a.FirstByte)
		}
	}
	return d
}

// exit is the error that makes the exit code.
func (e *examination) exit() error {
	switch {
	case slices.ContainsFunc(e.findings, func(f finding.Finding) bool { return f.Severity == finding.Critical }):
		return errReported
	case e.report.Cut != "" || !e.works() || e.behind() != nil || e.unproven != "" || e.tried != nil && e.tried.Reason != "":
		return errUndecided
	}
	return nil
}
