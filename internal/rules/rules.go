// Package rules opens rules engines: the OWASP Core Rule Set and rules of the user's own, as one program for each set of equal rules.
//
// Input: [Settings] (paranoia, thresholds, exclusions, files of rules). Output: an [Engine] that inspects exchanges.
//
// Promises: settings that compile to the same rules share one program, which is freed when no engine uses it; what differs between
// sites with the same rules (mode, thresholds, methods) costs no second compile. Faults of rules and exclusions come back all at
// once, with file, line and column. Data files that changed are read again. Persistent collections belong to a site and outlive its engines: from
// one to the next that opens before it closes, or within ten minutes.
//
// Non-goals: the language (seclang), the program (compile), its run (transaction), buffering and masking (gateway/policy).
package rules

import (
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// Settings says which rules run and how strictly. The zero value is the Core Rule Set, blocking, at its documented defaults.
type Settings struct {
	Site       string      // whose persistent collections rules use; "" is a site like any other
	NoCore     bool        // leave the Core Rule Set out: only Files run, and nothing adds up scores
	Detect     bool        // evaluate everything, end nothing
	Paranoia   int         // 1 to 4; 0 means 1
	Inbound    int         // anomaly score from which a request is blocked; 0 means 5
	Outbound   int         // anomaly score from which a response is blocked; 0 means 4
	Methods    []string    // allowed request methods; empty means GET HEAD POST OPTIONS PUT PATCH DELETE
	Arguments  int         // values of one request that rules look at, leaves of JSON aside; more are refused; 0 means 3000
	Leaves     int         // values of one JSON, XML, GraphQL or protobuf body; more are refused; 0 means 10,000
	Depth      int         // of nesting in such a body; 0 means 256
	Work       int64       // bytes that operators may look at for one exchange, see transaction.Config.Steps; 0 means 1 GiB
	Exclusions []Exclusion // what not to look at
	Files      []string    // SecLang files; absolute, or relative to the working directory
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
	DefaultLeaves    = 10_000
	DefaultDepth     = 256
)

// Engine is one site's view of a compiled program. Safe for concurrent use.
type Engine struct {
	set     *ruleSet
	run     *transaction.Engine
	site    string // whose persistent collections it uses
	inputs  Inputs
	closed  atomic.Bool
	factory *Factory
}

// Begin starts the inspection of one exchange. The caller must call End, from the same goroutine.
func (e *Engine) Begin(x *exchange.Exchange) *transaction.Inspection { return e.run.Begin(x) }

// Close gives the compiled rules and the site's collections back: no further engine shares the rules. Inspections that are under way, or that begin
// because their exchange still holds the old configuration, end undisturbed.
func (e *Engine) Close() {
	if !e.closed.Swap(true) {
		e.factory.release(e.set)
		e.factory.stores.Release(e.site)
	}
}

// Rules returns how many rules are loaded and how long they took to compile.
func (e *Engine) Rules() (n int, took time.Duration) { return len(e.set.program.Rules), e.set.took }

// Inputs returns what the rules were read from. The caller must not change it.
func (e *Engine) Inputs() Inputs { return e.inputs }

// Program returns the compiled program, for those who describe it.
func (e *Engine) Program() *compile.Program { return e.set.program }
