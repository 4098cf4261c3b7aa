// Package coraza runs the OWASP Core Rule Set on an exchange with the Coraza engine.
//
// Input: [Settings] (paranoia, thresholds, exclusions, files with rules of the user's own) and an [exchange.Exchange].
// Output: for each step of an exchange, nothing, an answer that ends it, or a fault; and at its end the matches that explain it.
//
// Promises: settings that compile to the same rules share one compiled set, which is freed when no engine uses it;
// what differs from request to request (mode, paranoia, thresholds) is set per transaction and costs no second compile.
// Load faults name file, line and rule. A panic in a rule and a spent time budget come back as errors, never as a crash.
// No literal pre-filter (SecRxPreFilter) is ever switched on: it loses detections.
//
// Non-goals: buffering and limiting bodies, deciding what a fault means, masking (policy does all three); audit logs.
//
// A single regular expression on a single value cannot be interrupted: the budget is looked at between values. So no value
// that comes to a rule is longer than 32 KiB: longer ones come in overlapping pieces, one by one.
// Bodies are parsed by their Content-Type: forms, multipart, JSON, XML. Of others see body.go.
// Uploaded files are written by the engine to TempDir while their rules run, and removed before the step returns.
package coraza

import (
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Settings says which rules run and how strictly. The zero value is the Core Rule Set, blocking, at its documented defaults.
type Settings struct {
	NoCore     bool        // leave the Core Rule Set out: only Files run, and nothing adds up scores
	Detect     bool        // evaluate everything, end nothing
	Paranoia   int         // 1 to 4; 0 means 1
	Inbound    int         // anomaly score from which a request is blocked; 0 means 5
	Outbound   int         // anomaly score from which a response is blocked; 0 means 4
	Methods    []string    // allowed request methods; empty means GET HEAD POST OPTIONS PUT PATCH DELETE
	Arguments  int         // values of one request that rules look at, more are refused; 0 means 3000
	Exclusions []Exclusion // what not to look at
	Files      []string    // SecLang files; absolute, or relative to the working directory
	TempDir    string      // where uploaded files lie while their rules run; "" means the system's
}

// Exclusion takes something out of inspection. At least one field must be set. Rules and tag choose rules (neither: all of
// the Core Rule Set), target narrows it to one variable of them, path to requests for one path.
type Exclusion struct {
	Rules  []int  // rule ids
	Tag    string // a tag, e.g. attack-sqli
	Target string // a variable, e.g. ARGS:q or REQUEST_COOKIES:/^s_/
	Path   string // decoded path; a trailing / or * makes it a prefix
}

// defaultMethods returns the methods that are allowed where Settings names none.
func defaultMethods() []string {
	return []string{"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
}

// Ranges and defaults of [Settings].
const (
	DefaultInbound  = 5
	DefaultOutbound = 4
	MaxParanoia     = 4

	DefaultArguments = 3000
)

// Engine is one site's view of a compiled rule set. Safe for concurrent use.
type Engine struct {
	set     *ruleSet
	closed  atomic.Bool
	factory *Factory
	vars    []variable // TX variables of each transaction
	detect  bool

	inbound, outbound int
	arguments         int
}

// variable is a TX variable that is set before the first rule runs.
type variable struct {
	name  string
	value []string
}

// Begin starts the inspection of one exchange. The caller must call End, from the same goroutine.
func (e *Engine) Begin(x *exchange.Exchange) *Inspection {
	in := &Inspection{engine: e, x: x}
	in.start()
	return in
}

// Close gives the compiled rules back: no further engine shares them. Inspections that are under way, or that begin
// because their exchange still holds the old configuration, end undisturbed.
func (e *Engine) Close() {
	if !e.closed.Swap(true) {
		e.factory.release(e.set)
	}
}

// Rules returns how many rules are loaded and how long they took to compile.
func (e *Engine) Rules() (n int, took time.Duration) { return len(e.set.rules), e.set.took }
