package differential_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"unsafe"

	engine "github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/debuglog"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	"github.com/lunette-waf/lunette/internal/rules/body"
)

// theirs is Coraza with the same rules. Safe for concurrent use.
type theirs struct {
	waf   engine.WAF
	given map[string]string // TX variables before the first rule
	mends mends
}

// setUp is what our engine does without being told.
const setUp = `SecRequestBodyAccess On
SecResponseBodyAccess On
SecRequestBodyLimit 1073741824
SecRequestBodyInMemoryLimit 1073741824
SecRequestBodyLimitAction ProcessPartial
SecRequestBodyJsonDepthLimit 256
SecResponseBodyLimit 1073741824
SecResponseBodyLimitAction ProcessPartial
SecArgumentsLimit 3000
SecAuditEngine Off
`

// newTheirs loads text, which is run with the TX variables given and with what explains differences mended. With detect nothing is ended.
func newTheirs(text string, detect bool, list []row, given ...map[string]string) (*theirs, error) {
	mode := "SecRuleEngine On\n"
	if detect {
		mode = "SecRuleEngine DetectionOnly\n"
	}
	o := &theirs{given: map[string]string{}, mends: mends{list}}
	files := mendedFiles{list}
	cfg := engine.NewWAFConfig().WithRootFS(files).WithDebugLogger(loadLog{}).WithDirectives(files.replace(mode + setUp + o.mends.rewritten(text)))
	var err error
	if o.waf, err = engine.NewWAF(cfg); err != nil {
		return nil, err
	}
	for _, m := range given {
		for name, value := range m {
			o.given[name] = value
		}
	}
	return o, nil
}

// run takes r through all steps that it gets to.
func (o *theirs) run(r *request) *result {
	tx := o.waf.NewTransactionWithID("0123456789ABCDEFGHJKMNPQRS")
	state, _ := tx.(plugintypes.TransactionState)
	v := state.Variables()
	for name, value := range o.given {
		v.TX().Set(name, []string{value})
	}
	o.mends.apply(v, r, body.None, atStart)
	g, _ := tx.DebugLogger().(*guard)
	g.cache = cacheOf(tx)
	g.markers = o.mends.markers(v)
	out := &result{tx: map[string]string{}}
	it, ok := o.steps(tx, v, r, g, out)
	if !ok {
		return out // its state is that of a panic
	}
	for _, d := range v.TX().FindAll() {
		if k := strings.ToLower(d.Key()); len(k) != 1 || k[0] < '0' || k[0] > '9' {
			out.tx[k] = d.Value()
		}
	}
	tx.ProcessLogging()
	if it == nil {
		if d, ok := tx.(interface {
			DetectionOnlyInterruption() *types.Interruption
		}); ok {
			if it := d.DetectionOnlyInterruption(); it != nil {
				out.would = true
				out.phase = o.phaseOf(tx, it.RuleID)
			}
		}
	} else {
		out.ended(it)
		out.location = o.mends.located(v, out.location)
		out.phase = o.phaseOf(tx, it.RuleID)
	}
	for _, m := range tx.MatchedRules() {
		h := hit{id: m.Rule().ID()}
		if l, ok := m.(interface{ Log() bool }); ok && !l.Log() {
			h.silent = true
		}
		for _, d := range m.MatchedDatas() {
			h.values = append(h.values, matchedAs(d.Variable().Name(), d.Key(), d.Value()))
		}
		out.hits = append(out.hits, h.sorted())
	}
	_ = tx.Close() // it removes files of uploads, which are none of the comparison
	return out
}

func (*theirs) phaseOf(tx types.Transaction, id int) string {
	for _, m := range tx.MatchedRules() {
		if m.Rule().ID() == id {
			switch m.Rule().Phase() {
			case types.PhaseRequestHeaders:
				return "request_headers"
			case types.PhaseRequestBody:
				return "request_body"
			case types.PhaseResponseHeaders:
				return "response_headers"
			case types.PhaseResponseBody:
				return "response_body"
			}
		}
	}
	return ""
}

// ended notes an interruption, its status in the terms of our answers.
func (out *result) ended(it *types.Interruption) {
	out.rule, out.status = it.RuleID, it.Status
	if it.Action == "redirect" {
		out.location = it.Data
		if out.status < 300 || out.status > 399 {
			out.status = 302
		}
	}
}

// steps runs the phases; ok is false after a panic.
func (o *theirs) steps(tx types.Transaction, v plugintypes.TransactionVariables, r *request, g *guard, out *result) (it *types.Interruption, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			out.fault = fmt.Sprint("panic: ", p)
		}
	}()
	return o.phases(tx, v, r, g), true
}

func (o *theirs) phases(tx types.Transaction, v plugintypes.TransactionVariables, r *request, g *guard) *types.Interruption {
	tx.ProcessConnection("192.0.2.7", 40000, "192.0.2.1", 443)
	tx.ProcessURI(r.target, r.method, "HTTP/1.1")
	for _, f := range r.header {
		tx.AddRequestHeader(strings.Clone(f.Name), f.Value)
	}
	tx.SetServerName(hostOnly(r.header.Get("Host")))
	if it := tx.ProcessRequestHeaders(); it != nil {
		return it
	}
	if r.body != "" {
		if p := v.RequestBodyProcessor(); p.Get() == "" && tx.IsRequestBodyAccessible() {
			set(p, processor(r))
		}
		if it, _, err := tx.WriteRequestBody([]byte(r.body)); it != nil || err != nil {
			return it
		}
		g.before = func() {
			p := body.None
			if tx.IsRequestBodyAccessible() {
				p, _ = body.Lookup(v.RequestBodyProcessor().Get())
			}
			o.mends.apply(v, r, p, atBody)
		}
	}
	if it, err := tx.ProcessRequestBody(); it != nil || err != nil || r.reply == nil {
		return it
	}
	for _, f := range r.reply.header {
		tx.AddResponseHeader(strings.Clone(f.Name), f.Value)
	}
	if it := tx.ProcessResponseHeaders(r.reply.status, "HTTP/1.1"); it != nil {
		return it
	}
	if r.reply.body != "" {
		if it, _, err := tx.ReadResponseBodyFrom(bytes.NewReader([]byte(r.reply.body))); it != nil || err != nil {
			return it
		}
	}
	it, _ := tx.ProcessResponseBody()
	return it
}

// processor is how we read a body of which no rule says how: a decision of ours, see docs/rules-bodies.md, so that Coraza is told.
func processor(r *request) string {
	p := body.ByType(r.header.Get("Content-Type"))
	if p == body.None {
		p = body.Sniff(r.body, false, body.Limits{Values: 3000})
	}
	switch p {
	case body.URLEncoded:
		return "URLENCODED"
	case body.MultipartForm:
		return "MULTIPART"
	case body.JSON:
		return "JSON"
	case body.XML:
		return "XML"
	}
	return "RAW"
}

func set(c any, value string) {
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

// Coraza keeps transformed values by the address of their name and their place in a walk whose order changes from rule to rule, so that
// now and then it takes one value for another. The cache is emptied before each variable of each rule: the debug logger is told of them.

// cacheOf returns the cache of a transaction.
func cacheOf(tx types.Transaction) reflect.Value {
	f := reflect.ValueOf(tx).Elem().FieldByName("transformationCache")
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

// guard is the debug logger of one transaction.
type guard struct {
	event

	cache   reflect.Value
	markers *markers
	before  func() // runs once, before the next phase's rules
}

func (g *guard) WithOutput(io.Writer) debuglog.Logger          { return g }
func (g *guard) WithLevel(debuglog.Level) debuglog.Logger      { return g }
func (g *guard) With(...debuglog.ContextField) debuglog.Logger { return g }
func (g *guard) Trace() debuglog.Event                         { return event{} }
func (g *guard) Debug() debuglog.Event                         { return guardEvent{g: g} }
func (g *guard) Info() debuglog.Event                          { return event{} }
func (g *guard) Warn() debuglog.Event                          { return event{} }
func (g *guard) Error() debuglog.Event                         { return event{} }

// guardEvent waits for the messages that stand before each rule, each of its variables, and the rules of a phase.
type guardEvent struct {
	event

	g *guard
}

// Msg implements debuglog.Event.
func (e guardEvent) Msg(msg string) {
	if e.g.markers != nil {
		e.g.markers.hear(msg)
	}
	if (msg == "Evaluating rule" || msg == "Expanding arguments for rule") && e.g.cache.IsValid() && e.g.cache.Len() > 0 {
		e.g.cache.Clear()
	}
	if f := e.g.before; f != nil && msg == "Evaluating phase" {
		e.g.before = nil
		f()
	}
}

// Int implements debuglog.Event: the message about a phase comes with its number.
func (e guardEvent) Int(string, int) debuglog.Event { return e }

// loadLog is the debug logger of a rule set: it hands a guard to each transaction.
type loadLog struct{ event }

func (l loadLog) WithOutput(io.Writer) debuglog.Logger        { return l }
func (l loadLog) WithLevel(debuglog.Level) debuglog.Logger    { return l }
func (loadLog) With(...debuglog.ContextField) debuglog.Logger { return &guard{} }
func (loadLog) Trace() debuglog.Event                         { return event{} }
func (loadLog) Debug() debuglog.Event                         { return event{} }
func (loadLog) Info() debuglog.Event                          { return event{} }
func (loadLog) Warn() debuglog.Event                          { return event{} }
func (loadLog) Error() debuglog.Event                         { return event{} }

// event says nothing.
type event struct{}

func (event) Msg(string)                                     {}
func (e event) Str(string, string) debuglog.Event            { return e }
func (e event) Err(error) debuglog.Event                     { return e }
func (e event) Bool(string, bool) debuglog.Event             { return e }
func (e event) Int(string, int) debuglog.Event               { return e }
func (e event) Uint(string, uint) debuglog.Event             { return e }
func (e event) Stringer(string, fmt.Stringer) debuglog.Event { return e }
func (event) IsEnabled() bool                                { return false }
