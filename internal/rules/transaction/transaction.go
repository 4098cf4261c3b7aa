// Package transaction runs a program on one exchange.
//
// Input: a [compile.Program], an [exchange.Exchange], step by step its messages. Output: for each step nothing, an answer that ends
// the exchange, or a fault; at the end the record of what matched.
//
// Promises: variables are views over the exchange's own bytes; a benign request costs no copy and few allocations, what is needed is pooled. Each value is
// classified and scanned once, transformed once for each distinct chain, and only rules that may match run. Results equal those of running every
// rule one by one. Time and steps are bounded by [Config]: exceeding them is an error that says so, never a silent pass.
// An [Inspection] belongs to one goroutine.
//
// Non-goals: reading files and settings (package rules), buffering bodies and deciding about faults (gateway/policy), masking.
package transaction

import (
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/body"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/persist"
)

// Config is how a program is run for one site. The zero Config is the documented default.
type Config struct {
	Detect    bool              // evaluate everything, end nothing
	Given     map[string]string // TX variables before the first rule, by lower case name
	Inbound   int               // thresholds, for the record
	Outbound  int
	Arguments int         // values of the query and of forms that rules look at; more set ARGUMENTS_LIMIT_REACHED; 0 means 3000
	Body      body.Limits // of request and response bodies
	Steps     int64       // bytes that operators may look at in one exchange, transformed values counted each; 0 means 1 GiB
	Store     *persist.Store
}

// Engine runs one program for one site. Safe for concurrent use.
type Engine struct{}

// New returns an engine for p.
func New(p *compile.Program, cfg Config) (*Engine, error) { return nil, nil }

// Begin starts the inspection of one exchange. The caller must call End, from the same goroutine.
func (e *Engine) Begin(x *exchange.Exchange) *Inspection { return nil }

// Inspection is the rules' side of one exchange.
type Inspection struct{}

// RequestHead runs the rules on the request's line and fields, duplicates kept apart. deadline bounds it; zero is none.
// Each step returns nil, nil to go on; an answer and a *reason.Error (waf.blocked_request, waf.blocked_response, waf.parse_error,
// limit.too_many_arguments) when rules end the exchange, which with Config.Detect they never do; nil and a *reason.Error (waf.timeout,
// waf.engine_error) when they failed. After a failure every further step does nothing.
func (in *Inspection) RequestHead(deadline time.Time) (*exchange.Response, error) { return nil, nil }

// RequestBody runs the rules on the body, nil for none, and on the trailer fields, which count among those of the head.
// partial says that more of the body exists than is given here; its trailer is not known then.
func (in *Inspection) RequestBody(r io.Reader, partial bool, deadline time.Time) (*exchange.Response, error) {
	return nil, nil
}

// ResponseHead runs the rules on the status and the fields of a response.
func (in *Inspection) ResponseHead(r *exchange.Response, deadline time.Time) (*exchange.Response, error) {
	return nil, nil
}

// ResponseBody runs the rules on a response body; nil means that it is not looked at.
func (in *Inspection) ResponseBody(r io.Reader, partial bool, deadline time.Time) (*exchange.Response, error) {
	return nil, nil
}

// End runs phase 5, writes what the rules found into w (score, threshold, matches, phase; the verdict "detect" where they would have ended
// the exchange) and frees the inspection. Parts of matches are as they came: the caller masks them.
func (in *Inspection) End(w *exchange.WAF) {}
