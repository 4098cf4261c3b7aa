package coraza

import (
	"fmt"
	"io"
	"time"

	"github.com/corazawaf/coraza/v3/debuglog"
)

// The engine has no way to be stopped, but it asks its debug logger before each rule and each value. A guard is such a
// logger, one per transaction, that logs nothing and stops the rules when their time is spent.

// It also tells when the variables of a phase are filled and its rules are about to run.

// errBudget is what a guard panics with.
type errBudget struct{}

// guard is the debug logger of one transaction.
type guard struct {
	event
	deadline time.Time // zero: none
	asked    uint8
	often    bool   // look at the clock each time: values may be long
	before   func() // runs once, before the next phase's rules
}

// every so many questions the clock is read.
const clockEvery = 32

func (g *guard) WithOutput(io.Writer) debuglog.Logger          { return g }
func (g *guard) WithLevel(debuglog.Level) debuglog.Logger      { return g }
func (g *guard) With(...debuglog.ContextField) debuglog.Logger { return g }
func (g *guard) Trace() debuglog.Event                         { return event{} }
func (g *guard) Info() debuglog.Event                          { return event{} }
func (g *guard) Warn() debuglog.Event                          { return event{} }
func (g *guard) Error() debuglog.Event                         { return event{} }

// Debug is asked between values.
func (g *guard) Debug() debuglog.Event {
	if g.asked++; (g.often || g.asked%clockEvery == 0) && !g.deadline.IsZero() && !time.Now().Before(g.deadline) {
		panic(errBudget{})
	}
	return guardEvent{g}
}

// guardEvent waits for the one message that stands before the rules of a phase.
type guardEvent struct{ g *guard }

// Msg implements debuglog.Event.
func (e guardEvent) Msg(msg string) {
	if f := e.g.before; f != nil && msg == "Evaluating phase" {
		e.g.before = nil
		f()
	}
}
func (e guardEvent) Str(string, string) debuglog.Event            { return e }
func (e guardEvent) Err(error) debuglog.Event                     { return e }
func (e guardEvent) Bool(string, bool) debuglog.Event             { return e }
func (e guardEvent) Int(string, int) debuglog.Event               { return e }
func (e guardEvent) Uint(string, uint) debuglog.Event             { return e }
func (e guardEvent) Stringer(string, fmt.Stringer) debuglog.Event { return e }
func (e guardEvent) IsEnabled() bool                              { return false }

// loadLog is the debug logger of a rule set: while rules load it counts them, later it hands a guard to each transaction.
type loadLog struct {
	event
	seen int // directives that the engine began to load
}

func (l *loadLog) WithOutput(io.Writer) debuglog.Logger          { return l }
func (l *loadLog) WithLevel(debuglog.Level) debuglog.Logger      { return l }
func (l *loadLog) With(...debuglog.ContextField) debuglog.Logger { return &guard{} }
func (l *loadLog) Trace() debuglog.Event                         { return event{} }
func (l *loadLog) Info() debuglog.Event                          { return event{} }
func (l *loadLog) Warn() debuglog.Event                          { return event{} }
func (l *loadLog) Error() debuglog.Event                         { return event{} }
func (l *loadLog) Debug() debuglog.Event                         { return loadEvent{l} }

// loadEvent counts the one message that stands at the beginning of each directive.
type loadEvent struct{ log *loadLog }

func (e loadEvent) Msg(msg string) {
	if msg == "Parsing directive" {
		e.log.seen++
	}
}
func (e loadEvent) Str(string, string) debuglog.Event            { return e }
func (e loadEvent) Err(error) debuglog.Event                     { return e }
func (e loadEvent) Bool(string, bool) debuglog.Event             { return e }
func (e loadEvent) Int(string, int) debuglog.Event               { return e }
func (e loadEvent) Uint(string, uint) debuglog.Event             { return e }
func (e loadEvent) Stringer(string, fmt.Stringer) debuglog.Event { return e }
func (e loadEvent) IsEnabled() bool                              { return true }

// event says nothing.
type event struct{}

func (e event) Msg(string)                                   {}
func (e event) Str(string, string) debuglog.Event            { return e }
func (e event) Err(error) debuglog.Event                     { return e }
func (e event) Bool(string, bool) debuglog.Event             { return e }
func (e event) Int(string, int) debuglog.Event               { return e }
func (e event) Uint(string, uint) debuglog.Event             { return e }
func (e event) Stringer(string, fmt.Stringer) debuglog.Event { return e }
func (e event) IsEnabled() bool                              { return false }
