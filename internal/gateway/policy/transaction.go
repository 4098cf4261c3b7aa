package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Transaction is the policy at work on one exchange: Request, then Response, then End, from one goroutine. A nil one (mode off)
// lets everything pass.
type Transaction struct {
	stage *Stage
	x     *exchange.Exchange
	in    Inspection

	spent   time.Duration // in rules so far
	failed  *reason.Error // rules failed and were let pass; no further step
	blocked bool
	phase   string // the step that decided or failed

	request, response spool
	coding            string  // of the response's body
	replayed          *replay // of the request
	answer            *replay // of the response
	notes             []exchange.Match
	held              []func() // room for the bodies that the engine holds
}

// Request runs the rules on the request: its head, then its body, which is read up to the limit and replaced by one that
// gives the origin the same bytes. When ctx is over the exchange ends with its cause.
func (t *Transaction) Request(ctx context.Context) Decision {
	if t == nil {
		return Decision{}
	}
	d := t.step("request_headers", func(deadline time.Time) (*exchange.Response, error) {
		t.in = t.stage.engine.Begin(t.x)
		return t.in.RequestHead(deadline)
	})
	if d.Stop() || t.failed != nil {
		return d
	}
	r := &t.x.Request
	if r.Length == 0 || r.Body == nil || r.Body == exchange.NoBody {
		return t.step("request_body", func(deadline time.Time) (*exchange.Response, error) {
			return t.in.RequestBody(nil, false, deadline)
		})
	}
	t.x.WAF.Of = max(r.Length, -1)
	if r.Length > t.stage.cfg.RequestLimit && !t.partial() {
		return t.tooBig()
	}
	if d = t.readRequest(ctx); d.Stop() || t.failed != nil {
		return d
	}
	n, partial := t.request.size, t.replayed.end == nil
	if limit := t.stage.cfg.RequestLimit; n > limit {
		if n, partial = limit, true; !t.partial() {
			return t.tooBig()
		}
		t.note("REQUEST_BODY", reason.WAFSkippedByLimit, "the request body is longer than the "+strconv.FormatInt(n, 10)+" bytes that rules get; the rest passed uninspected")
	}
	if !partial {
		t.x.WAF.Of = n
	}
	t.replayed.mute = partial && t.stage.cfg.Mode == Block
	leave, d := t.queue(ctx, "request_body", n)
	if leave == nil {
		return d
	}
	defer leave()
	t.x.WAF.Inspected = n
	return t.step("request_body", func(deadline time.Time) (*exchange.Response, error) {
		return t.in.RequestBody(t.request.reader(n), partial, deadline)
	})
}

// Refused runs the rules on the head of a request that is refused anyway (see [exchange.Exchange].Refused), for the record: nothing waits for
// them but its answer, and no byte of a body is read.
func (t *Transaction) Refused() {
	if t == nil {
		return
	}
	d := t.step("request_headers", func(deadline time.Time) (*exchange.Response, error) {
		t.in = t.stage.engine.Begin(t.x)
		return t.in.RequestHead(deadline)
	})
	if d.Stop() || t.failed != nil {
		return
	}
	t.step("request_body", func(deadline time.Time) (*exchange.Response, error) { return t.in.RequestBody(nil, false, deadline) })
}

// queue waits until the rules may look at a body of size bytes. Where that did not come to pass, leave is nil.
func (t *Transaction) queue(ctx context.Context, phase string, size int64) (leave func(), d Decision) {
	release, err := t.stage.cfg.Gate.hold(ctx, size)
	if err == nil {
		t.held = append(t.held, release)
		leave, err = t.stage.cfg.Gate.enter(ctx, size)
	}
	switch {
	case err == nil:
		return leave, Decision{}
	case ctx.Err() != nil:
		return nil, Decision{Reason: err}
	}
	t.phase = phase
	return nil, t.fault(err)
}

// partial reports whether the beginning of a longer body is inspected and the rest let pass. Detect never refuses.
func (t *Transaction) partial() bool { return t.stage.cfg.Partial || t.stage.cfg.Mode == Detect }

// tooBig refuses a body that rules cannot see whole.
func (t *Transaction) tooBig() Decision {
	t.blocked, t.phase = true, "request_body"
	limit := strconv.FormatInt(t.stage.cfg.RequestLimit, 10)
	t.note("REQUEST_BODY", reason.LimitBodyTooBig, "the request body is longer than the "+limit+" bytes that rules look at")
	return Decision{Reason: reason.New(reason.LimitBodyTooBig, "rules look at "+limit+" bytes, waf.body_limit", nil)}
}

// readRequest fills the spool with one byte more than the limit, to know whether there is more, and puts the replay in place.
func (t *Transaction) readRequest(ctx context.Context) Decision {
	cfg, r := &t.stage.cfg, &t.x.Request
	t.request.memory, t.request.dir = cfg.Memory, cfg.TempDir
	lost, rerr, werr := t.request.fill(r.Body, cfg.RequestLimit+1, r.Length)
	t.replayed = &replay{spool: &t.request, lost: lost, body: r.Body, end: rerr}
	r.Body = t.replayed
	switch {
	case ctx.Err() != nil:
		return Decision{Reason: asReason(context.Cause(ctx), reason.ClientGone)}
	case werr != nil:
		t.phase = "request_body"
		return t.fault(reason.New(reason.WAFFailClosed, "request body cannot be kept in "+cfg.TempDir, werr))
	case rerr != nil && !errors.Is(rerr, io.EOF):
		return Decision{Reason: asReason(rerr, reason.ClientBadRequest)}
	}
	return Decision{}
}

// step runs one step of the engine within the budget, and turns what comes of it into a decision.
func (t *Transaction) step(phase string, f func(deadline time.Time) (*exchange.Response, error)) Decision {
	start := time.Now()
	var deadline time.Time
	if b := t.stage.cfg.Budget; b > 0 {
		deadline = start.Add(b - t.spent)
	}
	answer, err := guarded(deadline, f)
	t.spent += time.Since(start)
	if err == nil {
		return Decision{}
	}
	t.phase = phase
	why := asReason(err, reason.WAFEngineError)
	if answer == nil {
		return t.fault(why)
	}
	if t.stage.cfg.Mode == Detect {
		return Decision{} // an engine that blocks although told not to
	}
	t.blocked = true
	return Decision{Reason: why, Answer: answer}
}

// guarded runs f and returns a panic as an error.
func guarded(deadline time.Time, f func(deadline time.Time) (*exchange.Response, error)) (answer *exchange.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, reason.New(reason.WAFEngineError, "panic in the rules engine", fmt.Errorf("panic: %v", p))
		}
	}()
	return f(deadline)
}

// fault decides on what failed: the exchange ends, or passes without any further inspection.
func (t *Transaction) fault(why *reason.Error) Decision {
	t.failed = why
	if t.stage.cfg.FailOpen || t.stage.cfg.Mode == Detect {
		t.note("", reason.WAFFailOpen, "let pass without inspection, for rules failed: "+why.Error())
		return Decision{}
	}
	t.note("", reason.WAFFailClosed, "ended, for rules failed: "+why.Error())
	return Decision{Reason: why}
}

// note adds to the record what no rule said. Its id is 0.
func (t *Transaction) note(target string, code reason.Code, text string) {
	t.notes = append(t.notes, exchange.Match{Message: string(code) + ": " + text, Severity: "notice", Target: target})
}

// End completes the record and frees what the inspection held. It comes after the last byte of the answer, and always.
func (t *Transaction) End() {
	if t == nil {
		return
	}
	w := &t.x.WAF
	start := time.Now()
	if t.in != nil {
		_, _ = guarded(start, func(time.Time) (*exchange.Response, error) { // a panic here has nothing left to decide
			t.in.End(w)
			return nil, nil
		})
	}
	for _, release := range t.held {
		release()
	}
	w.Spent = t.spent + time.Since(start)
	switch {
	case t.failed != nil:
		w.Verdict = VerdictError
	case t.blocked:
		w.Verdict = VerdictBlock
	case w.Verdict == "":
		w.Verdict = VerdictPass
	}
	if w.Phase == "" {
		w.Phase = t.phase
	}
	t.mask(w.Matches)
	t.mask(w.Audit.Unlogged)
	w.Matches = append(w.Matches, t.notes...)
	t.keepBodies(w)
	if r := t.replayed; r != nil && w.Of < 0 && errors.Is(r.end, io.EOF) {
		w.Of = r.spool.size + r.past
	}
	t.request.close()
	t.response.close()
	if t.replayed != nil {
		t.replayed.spool = &spool{} // a late reader gets an end, not freed memory
	}
	if t.answer != nil {
		t.answer.spool = &spool{} // an idle connection keeps the last answer, which must not keep t and the rules
	}
}

// mask hides secrets in what matched.
func (t *Transaction) mask(list []exchange.Match) {
	for i := range list {
		m := &list[i]
		if m.Part != "" { // "" in an engine's note about what it was not shown
			m.Part = t.stage.cfg.Mask(m.Target, m.Part)
		}
		if m.Data != "" {
			m.Data = t.stage.cfg.Mask(m.Target, m.Data)
		}
	}
}

func asReason(err error, code reason.Code) *reason.Error {
	var r *reason.Error
	if errors.As(err, &r) {
		return r
	}
	return reason.New(code, "", err)
}
