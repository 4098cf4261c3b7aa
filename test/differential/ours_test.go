package differential_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// ours is our engine. One belongs to one goroutine: what it traces is that of the exchange that runs.
type ours struct {
	engine *transaction.Engine
	known  map[int]bool // ids of rules that were not decided when they were compiled
	silent map[int]bool // of them, those that do not log
	hits   []hit
}

// hit is a rule that matched, with the values that it and its chain matched.
type hit struct {
	id     int
	silent bool     // it does not log
	values []string // sorted: a collection has no order that Coraza would keep
}

// runner returns an engine for a program, of which there may be several.
func runner(t testing.TB, p *compile.Program, cfg transaction.Config) *ours {
	t.Helper()
	o := &ours{known: map[int]bool{}, silent: map[int]bool{}}
	for i := range p.Rules {
		o.known[p.Rules[i].ID] = true
		o.silent[p.Rules[i].ID] = !p.Rules[i].Log
	}
	cfg.Trace = o.trace
	var err error
	if o.engine, err = transaction.New(p, cfg); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *ours) trace(id int, values []transaction.Matched) {
	h := hit{id: id, silent: o.silent[id]}
	for _, v := range values {
		h.values = append(h.values, matchedAs(v.Variable, v.Key, v.Value))
	}
	o.hits = append(o.hits, h.sorted())
}

// run takes r through all steps that it gets to.
func (o *ours) run(r *request) *result {
	o.hits = nil
	x := r.exchange()
	in := o.engine.Begin(x)
	out := &result{}
	answer, err := steps(in, x, r)
	out.tx = in.TX()
	in.End(&x.WAF)
	out.hits = o.hits
	out.phase, out.would, out.score = x.WAF.Phase, x.WAF.Verdict == "detect", x.WAF.Score
	if e := reason.Of(err); e != nil {
		switch e.Code {
		case reason.WAFTimeout, reason.WAFEngineError:
			out.fault = err.Error()
		case reason.LimitTooManyArgs:
			out.rule = 200007
		default:
			_, _ = fmt.Sscanf(e.Detail, "rule %d", &out.rule) // more may stand behind it; 0 where it names none
		}
	}
	if answer != nil {
		out.status, out.location = answer.Status, answer.Header.Get("Location")
	}
	return out
}

func steps(in *transaction.Inspection, x *exchange.Exchange, r *request) (*exchange.Response, error) {
	if a, err := in.RequestHead(time.Time{}); a != nil || err != nil {
		return a, err
	}
	var a *exchange.Response
	var err error
	if r.body == "" {
		a, err = in.RequestBody(nil, false, time.Time{})
	} else {
		a, err = in.RequestBody(strings.NewReader(r.body), false, time.Time{})
	}
	if a != nil || err != nil || r.reply == nil {
		return a, err
	}
	p := &exchange.Response{Status: r.reply.status, Proto: exchange.HTTP11, Header: r.reply.header}
	if a, err = in.ResponseHead(p, time.Time{}); a != nil || err != nil {
		return a, err
	}
	return in.ResponseBody(strings.NewReader(r.reply.body), false, time.Time{})
}

// source returns what engines are made of.
func source(t testing.TB, f *rules.Factory, s rules.Settings) *rules.Source {
	t.Helper()
	src, err := f.Source(s)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// textOf writes directives as a file for Coraza: files of the Core Rule Set are included, all else is written out.
func textOf(list []seclang.Directive) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, d := range list {
		switch {
		case !strings.HasPrefix(d.File, "@owasp_crs/"):
			b.WriteString(d.Source + "\n")
		case !seen[d.File]:
			seen[d.File] = true
			b.WriteString("Include " + d.File + "\n")
		}
	}
	return b.String()
}
