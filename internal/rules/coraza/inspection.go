package coraza

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/corazawaf/coraza/v3/collection"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Inspection is the rules' side of one exchange. It belongs to one goroutine.
//
// Each step returns nil, nil to go on; an answer and a *reason.Error (waf.blocked_request, waf.blocked_response,
// waf.parse_error, limit.too_many_arguments) when rules end the exchange, which with Settings.Detect they never do; nil and a *reason.Error
// (waf.timeout, waf.engine_error) when they failed. After a failure every further step does nothing.
type Inspection struct {
	engine *Engine
	x      *exchange.Exchange
	tx     types.Transaction
	guard  *guard
	broken bool // the engine's state cannot be trusted any more

	shown, size int64 // bytes of a request body that rules were shown, of so many
	unseen      string
}

func (in *Inspection) start() {
	in.tx = in.engine.set.waf.NewTransactionWithID(in.x.ID)
	in.guard, _ = in.tx.DebugLogger().(*guard)
	if v := in.variables(); v != nil {
		for _, s := range in.engine.vars {
			v.TX().Set(s.name, s.value)
		}
	}
}

func (in *Inspection) variables() plugintypes.TransactionVariables {
	if s, ok := in.tx.(plugintypes.TransactionState); ok {
		return s.Variables()
	}
	return nil
}

// RequestHead runs the rules on the request's line and fields, duplicates kept apart. deadline bounds it; zero is none.
func (in *Inspection) RequestHead(deadline time.Time) (*exchange.Response, error) {
	return in.step(deadline, reason.WAFBlockedRequest, func() (*types.Interruption, error) {
		r, c := &in.x.Request, in.x.Client
		if c != nil {
			in.tx.ProcessConnection(in.x.Address().Unmap().String(), int(c.Addr.Port()), c.Local.Addr().Unmap().String(), int(c.Local.Port()))
		}
		in.tx.ProcessURI(r.Target, r.Method, r.Version())
		for i, f := range r.Header {
			in.tx.AddRequestHeader(ownName(r.Header, i), f.Value)
		}
		if r.Authority != "" && !r.Header.Has("Host") {
			in.tx.AddRequestHeader("Host", r.Authority)
		}
		in.tx.SetServerName(hostOnly(r.Authority))
		if v := in.variables(); v != nil {
			unalias(v.RequestCookies())
			unalias(v.ArgsGet())
		}
		return in.tx.ProcessRequestHeaders(), nil
	})
}

// RequestBody runs the rules on the body, nil for none, and on the trailer fields, which count among those of the head.
// partial says that more of the body exists than is given here; its trailer is not known then.
func (in *Inspection) RequestBody(body io.Reader, partial bool, deadline time.Time) (*exchange.Response, error) {
	defer in.removeUploads()
	return in.step(deadline, reason.WAFBlockedRequest, func() (*types.Interruption, error) {
		shown, err := in.prepare(body, partial)
		if err != nil {
			return nil, err
		}
		if shown != nil {
			if it, _, err := in.tx.ReadRequestBodyFrom(shown); it != nil || err != nil {
				return it, err
			}
		}
		if v := in.variables(); partial && v != nil {
			set(v.InboundDataError(), "1")
		}
		if body != nil && !partial && in.x.Request.Body != nil {
			for _, f := range in.x.Request.Body.Trailer() { // an origin may take them for fields of the head
				in.tx.AddRequestHeader(own(f.Name), f.Value)
			}
		}
		if v := in.variables(); body != nil && v != nil && in.guard != nil {
			in.guard.before = func() { unaliasBody(v); in.cut(v) }
		}
		return in.tx.ProcessRequestBody()
	})
}

// ResponseHead runs the rules on the status and the fields of a response.
func (in *Inspection) ResponseHead(r *exchange.Response, deadline time.Time) (*exchange.Response, error) {
	return in.step(deadline, reason.WAFBlockedResponse, func() (*types.Interruption, error) {
		for i, f := range r.Header {
			in.tx.AddResponseHeader(ownName(r.Header, i), f.Value)
		}
		return in.tx.ProcessResponseHeaders(r.Status, r.Proto.String()), nil
	})
}

// ResponseBody runs the rules on a response body; nil means that it is not looked at.
func (in *Inspection) ResponseBody(body io.Reader, partial bool, deadline time.Time) (*exchange.Response, error) {
	return in.step(deadline, reason.WAFBlockedResponse, func() (*types.Interruption, error) {
		if body != nil {
			if it, _, err := in.tx.ReadResponseBodyFrom(body); it != nil || err != nil {
				return it, err
			}
		}
		if v := in.variables(); partial && v != nil {
			set(v.OutboundDataError(), "1")
		}
		return in.tx.ProcessResponseBody()
	})
}

// step runs f with the guard armed and turns what comes out of it into an answer or a fault.
func (in *Inspection) step(deadline time.Time, code reason.Code, f func() (*types.Interruption, error)) (answer *exchange.Response, err error) {
	if in.broken {
		return nil, nil
	}
	if in.guard != nil {
		in.guard.deadline = deadline
	}
	defer func() {
		if p := recover(); p != nil {
			in.broken = true
			answer, err = nil, fault(p)
		}
	}()
	it, ferr := f()
	if ferr != nil {
		in.broken = true
		return nil, reason.New(reason.WAFEngineError, "run rules", ferr)
	}
	if it == nil {
		return nil, nil
	}
	return answerTo(it, code), in.engine.why(it.RuleID, code)
}

func fault(p any) error {
	switch v := p.(type) {
	case errBudget:
		return reason.New(reason.WAFTimeout, "time for rules is spent", nil)
	case error:
		return reason.New(reason.WAFEngineError, "panic in a rule", v)
	default:
		return reason.New(reason.WAFEngineError, "panic in a rule", fmt.Errorf("panic: %v", v))
	}
}

// answerTo returns the answer that a rule asks for: its status, 0 where that is the engine's default and the reason knows
// better, and the place that a redirect names.
func answerTo(it *types.Interruption, code reason.Code) *exchange.Response {
	r := &exchange.Response{Status: it.Status}
	if it.Action == "redirect" && it.Data != "" {
		r.Header.Add("Location", it.Data)
		if r.Status < 300 || r.Status > 399 {
			r.Status = 302
		}
	}
	if r.Status < 300 || r.Status > 599 || r.Status == 403 && code == reason.WAFBlockedResponse {
		r.Status = 0
	}
	return r
}

// removeUploads removes the files that the engine wrote while it read a multipart body.
func (in *Inspection) removeUploads() {
	v := in.variables()
	if v == nil {
		return
	}
	for _, name := range v.FilesTmpNames().Get("") {
		_ = os.Remove(name) // nothing can be done about it here, and the name holds no secret
	}
	v.FilesTmpNames().Remove("")
}

// End writes what the rules found into w (score, threshold, matches, phase; the verdict "detect" where they would have ended the
// exchange) and frees the transaction. Parts of matches are as they came: the caller masks them.
func (in *Inspection) End(w *exchange.WAF) {
	tx := in.tx
	if tx == nil {
		return
	}
	defer func() { in.tx = nil }()
	in.report(w)
	in.confess(w)
	if in.broken {
		return // its state is unknown: left to the garbage collector rather than to the engine's pool
	}
	in.guard.deadline = time.Time{}
	tx.ProcessLogging()
	_ = tx.Close() // it removes buffers that we do not let it write to disk
}

func set(c collection.Single, value string) {
	if s, ok := c.(interface{ Set(string) }); ok {
		s.Set(value)
	}
}

func hostOnly(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		return host
	}
	return authority
}
