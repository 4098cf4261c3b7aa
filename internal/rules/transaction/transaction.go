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
	"errors"
	"strings"
	"sync"

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
	// Trace is told of each rule that matched, chain and all, before its exchange is ended; nil: nobody is. It is for those who compare or
	// explain: it makes what it hands over, in the goroutine of the inspection.
	Trace func(rule int, values []Matched)
}

// Matched is a value that a rule or a member of its chain matched, transformed. Its strings must not outlive the inspection.
type Matched struct{ Variable, Key, Value string }

// Defaults of [Config].
const (
	defaultArguments = 3000
	defaultLeaves    = 10_000 // of package body
	defaultSteps     = 1 << 30
)

// Engine runs one program for one site. Safe for concurrent use.
type Engine struct {
	cfg   Config
	plan  *plan
	given []given
	pool  *sync.Pool // of *work, for all engines of the plan
}

// given is a TX variable that the site sets before the first rule.
type given struct {
	slot  int32 // -1: no rule names it
	name  string
	value string
}

// New returns an engine for p.
func New(p *compile.Program, cfg Config) (*Engine, error) {
	if p == nil {
		return nil, errors.New("make rules engine: there is no program")
	}
	plan := newPlan(p)
	return newEngine(plan, &sync.Pool{New: func() any { return newWork(plan) }}, cfg), nil
}

// With returns an engine for the same program with another cfg. It shares all memory but that of cfg: a thousand cost what one does.
func (e *Engine) With(cfg Config) *Engine { return newEngine(e.plan, e.pool, cfg) }

func newEngine(p *plan, pool *sync.Pool, cfg Config) *Engine {
	if cfg.Arguments <= 0 {
		cfg.Arguments = defaultArguments
	}
	if cfg.Steps <= 0 {
		cfg.Steps = defaultSteps
	}
	e := &Engine{cfg: cfg, plan: p, pool: pool}
	for name, value := range cfg.Given {
		name = strings.ToLower(name)
		g := given{slot: -1, name: name, value: value}
		if s, ok := p.program.Slot(name); ok {
			g.slot = s
		}
		e.given = append(e.given, g)
	}
	return e
}

// Begin starts the inspection of one exchange. The caller must call End, from the same goroutine.
func (e *Engine) Begin(x *exchange.Exchange) *Inspection {
	w, _ := e.pool.Get().(*work)
	w.begin(e, x)
	return &Inspection{engine: e, w: w}
}
