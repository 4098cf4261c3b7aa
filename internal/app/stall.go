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
	r := a.pipe.graph.Load().routeOf(&s)
	why, cause, conn := a.after.stalled(s, r)
	if cause == nil || cause.Confidence < finding.Likely || !deadly(cause.Code) || r == nil || !r.endsLikely {
		return
	}
	r.origin.End(conn, s.Request, reason.New(why, string(cause.Code), nil), time.Since(s.Since))
}

// routeOf is the route of an exchange that waits, nil where a reload has taken it away: that with the longest path of those to this origin.
func (g *graph) routeOf(s *flight.Stall) *route {
	var out *route
	for i := range g.routes {
		r := &g.routes[i]
		if r.site == s.Site && slices.Contains(r.settings.URLs, s.URL) && strings.HasPrefix(s.Path, r.path) && (out == nil || len(r.path) > len(out.path)) {
			out = r
		}
	}
	return out
}

// deadly reports whether a wait with this cause seldom ends by itself. That an origin is slow is none.
func deadly(c finding.Code) bool {
	switch c {
	case "tls.hello_request_ignored", "tls.renegotiation_body_deadlock", "tls.key_update_stall", "http1.continue_stall", "http2.flow_control_stall", "tcp.zero_window":
		return true
	}
	return false
}

// stalled judges an exchange that waits for its origin, while it does, and returns the reason that it would end with, the cause, nil
// without one, and the connection. r may be nil.
func (f *aftermath) stalled(s flight.Stall, r *route) (why reason.Code, cause *finding.Finding, conn uint64) {
	rec := recordingOf(s.Tape)
	if rec == nil {
		return "", nil, 0
	}
	w := waitOf(&s, rec)
	var result *check.Result
	if f.judge.take(time.Now(), alike{s.Site, s.URL, w.reason}) {
		flow, res, err := f.judge.recorded(rec, w.reason)
		if err != nil {
			f.log.Debug("a stall could not be looked into", "id", s.Request, "error", err)
		} else {
			result = res
			w.look(&s, flow)
		}
	}
	if onPurpose(result) {
		f.log.Debug("an answer lies still, as its kind may", "id", s.Request, "site", s.Site, "origin", s.URL, "waiting", finding.Span(time.Since(s.Since)))
		return "", nil, 0
	}
	n := incident.Failure{At: time.Now(), Site: s.Site, Origin: s.URL, Request: s.Request, Reason: w.reason, Judged: result != nil, Stall: true, Finding: best(result)}
	if c := n.Finding; c != nil && len(c.Refines) > 0 && !slices.Contains(c.Refines, n.Reason) {
		n.Reason = c.Refines[0] // the timeout that the wait would end by
	}
	n.Detail = "for " + finding.Span(time.Since(s.Since)) + " so far"
	name, limit, left := w.end(r)
	if n.Finding != nil && name != "" {
		n.Finding.Timers = timersUntil(n.Finding, name, left)
	}
	if f.keeper.WantsSample(n.Site, n.Origin, n.Reason) {
		n.Sample = stallSample(s, rec, result, f.judge.mask, f.version)
	}
	id := f.keeper.Add(n)
	f.failures.stall(&s, &n)
	args := []any{"id", s.Request, "site", s.Site, "origin", s.URL, "method", s.Method, "path", f.judge.mask.Text(s.Path), "waiting", finding.Span(time.Since(s.Since)), "reason", string(n.Reason), "incident", id}
	if name != "" {
		args = append(args, "ends_by", fmt.Sprintf("%s: %s, in %s", name, limit, finding.Span(left.Round(time.Second/10))))
	}
	if n.Finding != nil {
		args = append(args, "finding", string(n.Finding.Code), "confidence", n.Finding.Confidence.String(), "cause", incident.WithoutQueries(n.Finding.Summary))
		if ahead := n.Finding.Ahead(); ahead != "" {
			args = append(args, "may_end_it", ahead)
		}
	}
	f.log.Warn(w.what, args...)
	return n.Reason, n.Finding, rec.ID
}

// onPurpose reports whether all that is known of a wait is that a stream (of events, say) lies still, as it may for as long as it likes.
func onPurpose(r *check.Result) bool {
	return r != nil && best(r) == nil && slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Code == "http1.answer_stalled" })
}

// recorded states the causes that the recording of a connection shows which still lasts, and returns what it shows. Would is the reason
// that the wait would end with; that it is one of writing is not in the bytes.
func (j *judge) recorded(rec *recording.Recording, would reason.Code) (*check.Flow, *check.Result, error) {
	flows, err := analysis.Recorded(context.Background(), []*recording.Recording{rec}, analysis.Config{Memory: sampleMemory})
	if err != nil {
		return nil, nil, err
	}
	f := evidence.FromRecorded(flows[0], rec)
	f.Watched |= check.Lasting
	if would == reason.WriteTimeout {
		f.Reason = would
	}
	r := check.Run(j.checks, &check.Case{Flow: f})
	return f, &r, nil
}

// recordingOf is what the tape t, which may be nil, has kept.
func recordingOf(t exchange.Tape) *recording.Recording {
	if t, ok := t.(flight.Taper); ok {
		return t.Recording()
	}
	return nil
}
