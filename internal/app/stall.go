package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/recording"
)

// stalled hears of an exchange that waits for its origin. Where its cause is one from which only some origins wake and the site asks for
// it (dead_wait_on: likely), the wait ends here.
func (a *App) stalled(s flight.Stall) {
	cause, conn := a.after.stalled(s)
	if cause == nil || cause.Confidence < finding.Likely || !deadly(cause.Code) {
		return
	}
	g := a.pipe.graph.Load()
	for i := range g.routes {
		r := &g.routes[i]
		why := reason.ReadFirstByteTimeout
		if s.Writing {
			why = reason.WriteTimeout
		}
		if r.site == s.Site && r.endsLikely && r.origin.End(conn, s.Request, reason.New(why, string(cause.Code), nil), time.Since(s.Since)) {
			return
		}
	}
}

// deadly reports whether a wait with this cause seldom ends by itself. That an origin is slow is none.
func deadly(c finding.Code) bool {
	switch c {
	case "tls.hello_request_ignored", "tls.renegotiation_body_deadlock", "tls.key_update_stall", "http1.continue_stall", "http2.flow_control_stall", "tcp.zero_window":
		return true
	}
	return false
}

// stalled judges an exchange that waits for its origin, while it does, and returns the cause, nil without one, and the connection.
func (f *aftermath) stalled(s flight.Stall) (cause *finding.Finding, conn uint64) {
	rec := recordingOf(s.Tape)
	if rec == nil {
		return nil, 0
	}
	var r *check.Result
	if f.judge.take(time.Now(), alike{s.Site, s.URL, reason.ReadFirstByteTimeout}) {
		var err error
		if r, err = f.judge.recorded(rec); err != nil {
			f.log.Debug("a stall could not be looked into", "id", s.Request, "error", err)
		}
	}
	n := incident.Failure{At: time.Now(), Site: s.Site, Origin: s.URL, Request: s.Request, Reason: reason.ReadFirstByteTimeout, Judged: r != nil, Stall: true, Finding: best(r)}
	what := "the origin is silent while it is its turn"
	if s.Writing {
		n.Reason, what = reason.WriteTimeout, "the origin takes nothing of the request"
	}
	if c := n.Finding; c != nil && len(c.Refines) > 0 && !slices.Contains(c.Refines, n.Reason) {
		n.Reason = c.Refines[0] // the timeout that the wait would end by
	}
	n.Detail = "for " + finding.Span(time.Since(s.Since)) + " so far"
	if f.keeper.WantsSample(n.Site, n.Origin, n.Reason) {
		n.Sample = stallSample(s, rec, r, f.judge.mask, f.version)
	}
	id := f.keeper.Add(n)
	f.failures.stall(&s, &n)
	args := []any{"id", s.Request, "site", s.Site, "origin", s.URL, "method", s.Method, "path", f.judge.mask.Text(s.Path), "waiting", finding.Span(time.Since(s.Since)), "incident", id}
	if n.Finding != nil {
		args = append(args, "finding", string(n.Finding.Code), "confidence", n.Finding.Confidence.String(), "cause", n.Finding.Summary)
		var ahead []string
		for _, t := range n.Finding.Timers {
			ahead = append(ahead, fmt.Sprintf("after %g s %s", t.Seconds, t.Owner))
		}
		if len(ahead) > 0 {
			args = append(args, "may_end_it", strings.Join(ahead, "; "))
		}
	}
	f.log.Warn(what, args...)
	return n.Finding, rec.ID
}

// recorded states the causes that the recording of a connection shows which still lasts.
func (j *judge) recorded(rec *recording.Recording) (*check.Result, error) {
	flows, err := analysis.Recorded(context.Background(), []*recording.Recording{rec}, analysis.Config{Memory: sampleMemory})
	if err != nil {
		return nil, err
	}
	f := evidence.FromRecorded(flows[0], rec)
	f.Watched |= check.Lasting
	r := check.Run(j.checks, &check.Case{Flow: f})
	return &r, nil
}

// recordingOf is what the tape t, which may be nil, has kept.
func recordingOf(t exchange.Tape) *recording.Recording {
	if t, ok := t.(flight.Taper); ok {
		return t.Recording()
	}
	return nil
}
