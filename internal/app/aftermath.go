package app

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/gateway/profile"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
)

// aftermath takes exchanges that are over to those who remember: what origins are like to the profiles, what went wrong with its cause
// and its packets to the incidents.
type aftermath struct {
	judge   *judge
	keeper  *incident.Keeper
	book    *profile.Book
	prover  proofs // nil: nothing is tried aside
	line    func(*exchange.Exchange) []byte
	log     *slog.Logger
	version string

	failures *failureHub // tells captures of stalls; nil: none
}

// proofs tries aside what failed.
type proofs interface {
	// Failed hears of an exchange that failed for a cause. It never waits, and keeps nothing of x.
	Failed(x *exchange.Exchange, settings *config.Origin, incident store.Key)
}

// over is called once for each exchange, before it is written down. r is its route, nil where none was found.
func (f *aftermath) over(x *exchange.Exchange, r *route) {
	if f == nil || r == nil || len(x.Attempts) == 0 {
		return
	}
	slow := -1
	for i := range x.Attempts {
		if f.book.Learn(x.Site, r.slowFactor, &x.Attempts[i]) {
			slow = i
		}
	}
	switch {
	case failed(x):
		f.failed(x, r)
	case erred(x):
		f.erred(x)
	case blockedAnswer(x):
		f.add(x, len(x.Attempts)-1, incident.Failure{Reason: x.Answer.Reason, Detail: x.Answer.Detail, Judged: true}, nil)
	case slow >= 0:
		a := &x.Attempts[slow]
		f.add(x, slow, incident.Failure{Judged: true, Finding: f.slow(x.Site, a)}, nil)
	default:
		a := &x.Attempts[len(x.Attempts)-1]
		f.keeper.Well(x.Site, a.URL, time.Now())
	}
}

// failed judges x and counts it. What is the client's doing alone is no incident.
func (f *aftermath) failed(x *exchange.Exchange, r *route) {
	result, at := f.judge.judge(x)
	if at < 0 {
		at = lastFailed(x)
	}
	a := &x.Attempts[at]
	n := incident.Failure{Reason: a.Reason, Detail: a.Detail, Judged: result != nil, Finding: best(result)}
	if n.Reason == "" {
		n.Reason, n.Detail = x.Answer.Reason, x.Answer.Detail
	}
	client := x.Answer.InRequest || reason.Lookup(n.Reason).Side == reason.SideClient
	if client && (n.Finding == nil || n.Finding.Code.Phase() == "client") { // an origin that was silent for long was told of as a stall
		return
	}
	f.add(x, at, n, result)
	if f.prover != nil && r.prove && n.Finding != nil {
		f.prover.Failed(x, r.settings, store.Key{Site: x.Site, Origin: a.URL, Cause: string(n.Finding.Code)})
	}
}

// erred reports whether the origin's own answer says that it failed: a 5xx, or a 403 after it had asked for a certificate and got none.
func erred(x *exchange.Exchange) bool {
	if len(x.Attempts) == 0 || !x.Answer.Origin {
		return false
	}
	a := &x.Attempts[len(x.Attempts)-1]
	return a.Status >= 500 || a.Status == 403 && a.CertRequested && !a.CertSent
}

// erred judges x, whose origin answered with an error of its own, and counts it.
func (f *aftermath) erred(x *exchange.Exchange) {
	result, at := f.judge.judge(x)
	if at < 0 {
		at = len(x.Attempts) - 1
	}
	status := x.Attempts[len(x.Attempts)-1].Status
	n := incident.Failure{Reason: reason.OriginStatus5xx, Detail: strconv.Itoa(status), Judged: result != nil, Finding: best(result)}
	if status < 500 {
		n.Reason = reason.OriginStatus4xx
	}
	f.add(x, at, n, result)
}

// lastFailed is the attempt that the failure of x is about: the last one with a reason, else the last; -1 without any.
func lastFailed(x *exchange.Exchange) int {
	for i := len(x.Attempts) - 1; i >= 0; i-- {
		if x.Attempts[i].Reason != "" {
			return i
		}
	}
	return len(x.Attempts) - 1
}

// best is the cause that the checks state first, nil where they know of nothing that fails.
func best(r *check.Result) *finding.Finding {
	if r == nil {
		return nil
	}
	for i := range r.Findings {
		if r.Findings[i].Severity > finding.Info {
			return &r.Findings[i]
		}
	}
	return nil
}

// blockedAnswer reports whether the rules stopped the origin's answer.
func blockedAnswer(x *exchange.Exchange) bool {
	return x.WAF.Verdict == "block" && strings.HasPrefix(x.WAF.Phase, "response")
}

// add counts a failure, with evidence where some is wanted.
func (f *aftermath) add(x *exchange.Exchange, at int, n incident.Failure, result *check.Result) {
	a := &x.Attempts[at]
	n.At, n.Site, n.Origin, n.Request = time.Now(), x.Site, a.URL, x.ID
	if f.keeper.WantsSample(n.Site, n.Origin, n.Reason) {
		n.Sample = f.sample(x, result)
	}
	x.Incident = f.keeper.Add(n)
}

// slow is the finding about a first byte that took far longer than this origin usually does.
func (f *aftermath) slow(site string, a *exchange.Attempt) *finding.Finding {
	out := &finding.Finding{Code: "http1.slow_first_byte", Title: "the origin takes long to answer", Severity: finding.Warning, Confidence: finding.Certain,
		Conn: a.ConnID, Waited: a.FirstByte, Summary: "The first byte took " + finding.Span(a.FirstByte)}
	if p, ok := f.book.Profile(site, a.URL); ok && p.FirstByte.P50 > 0 {
		out.Summary += ", where this origin usually takes " + finding.Span(p.FirstByte.P50)
	}
	out.Summary += "."
	return out
}
