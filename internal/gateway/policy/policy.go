// Package policy runs a rules engine in the way of an exchange: request head, request body, response head, response body.
//
// Input: an [exchange.Exchange] and an [Engine]. Output: a [Decision] for the request and one for the response, a request
// body that gives the origin exactly the bytes that the rules saw, and the WAF part of the record.
//
// Trailer fields of a request are inspected with its body; where only a part of the body was, block mode drops them.
//
// Promises: mode off costs nothing, no allocation and no byte of a body read. Mode detect never ends an exchange and never
// changes a message. At most Config.Memory bytes of a body lie in memory, the rest up to the limit in a temporary file
// (0600, unlinked at once). What was inspected of how much is always recorded. Every fault (a panic in a rule, an engine error,
// a spent budget, a full disk) ends the exchange or lets it pass as Config.FailOpen says, and the record names it.
// Bodies of compressed responses are inspected decoded where the coding is gzip or deflate, and forwarded as they came;
// other codings are not inspected, and the record says so.
//
// A request that is refused for its form, or by its site, is shown to rules too ([Transaction.Refused]): its head alone, within the same budget.
//
// Non-goals: rules (an engine's), what the client is shown (the pipeline), WebSocket messages: an upgrade request passes the rules like
// any other, what flows after it does not.
package policy

import (
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Inspection is an engine's side of one exchange. Steps come in this order, each at most once; End comes last and always.
//
// A step returns nil, nil to go on; an answer and a *reason.Error when rules end the exchange; nil and a *reason.Error when
// the engine failed. deadline is when its time is spent, zero for no bound. A nil body is one that is absent or not looked at;
// partial says that there is more of it than rules get.
type Inspection interface {
	RequestHead(deadline time.Time) (*exchange.Response, error)
	RequestBody(body io.Reader, partial bool, deadline time.Time) (*exchange.Response, error)
	ResponseHead(r *exchange.Response, deadline time.Time) (*exchange.Response, error)
	ResponseBody(body io.Reader, partial bool, deadline time.Time) (*exchange.Response, error)
	// End fills score, threshold, matches and phase, sets the verdict to detect where rules would have ended the exchange,
	// and frees what the inspection holds.
	End(w *exchange.WAF)
}

// Engine starts inspections. Safe for concurrent use.
type Engine interface {
	Begin(x *exchange.Exchange) Inspection
}

// Use makes an Engine of one that knows nothing of this package: its Begin returns a type of its own.
func Use[I Inspection](e interface {
	Begin(x *exchange.Exchange) I
}) Engine {
	return using[I]{e}
}

type using[I Inspection] struct {
	e interface {
		Begin(x *exchange.Exchange) I
	}
}

func (u using[I]) Begin(x *exchange.Exchange) Inspection { return u.e.Begin(x) }

// Mode is what the rules may do.
type Mode string

// The modes.
const (
	Block  Mode = "block"  // the default
	Detect Mode = "detect" // evaluate and record, end nothing
	Off    Mode = "off"
)

// Verdicts of [exchange.WAF].
const (
	VerdictPass   = "pass"
	VerdictBlock  = "block"
	VerdictDetect = "detect"
	VerdictError  = "error"
)

// Decision says whether the exchange goes on. The zero Decision says yes.
type Decision struct {
	// Reason is nil to go on; else why not. waf.* and limit.body_too_big come from here, other codes from reading the body.
	Reason *reason.Error
	// Answer is the status and the fields that rules ask for; nil, or a status of 0, means those that belong to Reason.
	Answer *exchange.Response
}

// Stop reports whether the exchange ends here.
func (d Decision) Stop() bool { return d.Reason != nil }
