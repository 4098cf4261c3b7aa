package transaction

import (
	"fmt"
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Inspection is the rules' side of one exchange.
type Inspection struct {
	engine *Engine
	w      *work // nil once it is over
	broken bool  // a step failed: the state cannot be trusted any more
	unread bool  // rules had switched themselves off before the request's body came
}

// RequestHead runs the rules on the request's line and fields, duplicates kept apart. deadline bounds it; zero is none.
// Each step returns nil, nil to go on; an answer and a *reason.Error (waf.blocked_request, waf.blocked_response, waf.parse_error,
// limit.too_many_arguments) when rules end the exchange, which with Config.Detect they never do; nil and a *reason.Error (waf.timeout,
// waf.engine_error) when they failed. After a failure every further step does nothing.
func (in *Inspection) RequestHead(deadline time.Time) (*exchange.Response, error) {
	return in.step(deadline, 1, func(w *work) error {
		w.fillRequest()
		w.runPhase(1)
		return nil
	})
}

// RequestBody runs the rules on the body, nil for none, and on the trailer fields, which count among those of the head.
// partial says that more of the body exists than is given here; its trailer is not known then.
func (in *Inspection) RequestBody(r io.Reader, partial bool, deadline time.Time) (*exchange.Response, error) {
	return in.step(deadline, 2, func(w *work) error {
		if err := w.readRequestBody(r, partial); err != nil {
			return err
		}
		w.runPhase(2)
		return nil
	})
}

// ResponseHead runs the rules on the status and the fields of a response.
func (in *Inspection) ResponseHead(r *exchange.Response, deadline time.Time) (*exchange.Response, error) {
	return in.step(deadline, 3, func(w *work) error {
		w.fillResponse(r)
		w.runPhase(3)
		return nil
	})
}

// ResponseBody runs the rules on a response body; nil means that it is not looked at.
func (in *Inspection) ResponseBody(r io.Reader, partial bool, deadline time.Time) (*exchange.Response, error) {
	return in.step(deadline, 4, func(w *work) error {
		if err := w.readResponseBody(r, partial); err != nil {
			return err
		}
		w.runPhase(4)
		return nil
	})
}

// End runs phase 5, writes what the rules found into w (score, threshold, matches, phase; the verdict "detect" where they would have ended
// the exchange) and frees the inspection. Parts of matches are as they came: the caller masks them.
func (in *Inspection) End(w *exchange.WAF) {
	if in.w == nil {
		return
	}
	_, _ = in.step(time.Time{}, 5, func(w *work) error { // nothing is left that its result could decide
		w.runPhase(5)
		return nil
	})
	in.w.report(w)
	in.explain(w)
	if !in.broken {
		in.w.reset()
		in.engine.pool.Put(in.w)
	}
	in.w = nil
}

// TX returns a copy of the TX variables by name, captures aside: for tests and for those who explain a decision. It is nil after End.
func (in *Inspection) TX() map[string]string {
	if in.w == nil {
		return nil
	}
	out := map[string]string{}
	in.w.eachTX(func(name, value string) {
		if len(name) != 1 || name[0] < '0' || name[0] > '9' {
			out[name] = value
		}
	})
	return out
}

// spent is what a step panics with when its time or its bytes are.
type spent struct{ what string }

// step runs f within its bounds and turns what comes of it into an answer or a fault.
func (in *Inspection) step(deadline time.Time, phase uint8, f func(w *work) error) (answer *exchange.Response, err error) {
	w := in.w
	in.unread = in.unread || phase == 2 && w != nil && w.engineMode == seclang.ModeOff
	if w == nil || in.broken || w.engineMode == seclang.ModeOff || w.ended.rule != nil && phase != 5 {
		return nil, nil
	}
	w.deadline, w.unseen, w.phase = deadline, 0, phase
	defer func() {
		if p := recover(); p != nil {
			in.broken = true
			answer, err = nil, in.fault(p)
		}
	}()
	w.look()
	if err := f(w); err != nil {
		in.broken = true
		return nil, reason.New(reason.WAFEngineError, "read body for rules", err)
	}
	if w.ended.rule == nil || phase == 5 {
		return nil, nil
	}
	code := reason.WAFBlockedRequest
	if phase > 2 {
		code = reason.WAFBlockedResponse
	}
	return w.ended.answer(code), w.why(w.ended.rule.ID, code)
}

// explain adds to the record what only the engine knows: why a body could not be read or held too much, and that rules switched themselves off.
func (in *Inspection) explain(out *exchange.WAF) {
	for i := range out.Matches {
		m := &out.Matches[i]
		if cause := in.w.cause(m.ID); cause != "" {
			m.Data = cause
		}
	}
	if in.w.engineMode != seclang.ModeOff {
		return
	}
	if in.unread {
		out.Inspected = 0
	}
	if len(out.Matches) < maxMatches {
		out.Matches = append(out.Matches, exchange.Match{Message: "rules were switched off for this request by one of them (ctl:ruleEngine=Off)", Severity: "notice"})
	}
}

// fault says what a panic means.
func (in *Inspection) fault(p any) error {
	w := in.w
	switch v := p.(type) {
	case spent:
		at := fmt.Sprintf("%s for rules is spent in phase %d, after %d bytes that they looked at", v.what, w.phase, in.engine.cfg.Steps-w.steps)
		switch v.what {
		case "time":
			at += ", waf.time_limit"
		case "work":
			at += fmt.Sprintf(" of %d, waf.work_limit", in.engine.cfg.Steps)
		}
		return reason.New(reason.WAFTimeout, at, nil)
	case error:
		return reason.New(reason.WAFEngineError, "panic in a rule", v)
	default:
		return reason.New(reason.WAFEngineError, "panic in a rule", fmt.Errorf("panic: %v", v))
	}
}
