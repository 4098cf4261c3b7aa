package app

import (
	"fmt"
	"runtime/debug"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/site"
)

// refused lets the rules of its site look at a request that the listener is about to refuse. What they say is for the record.
func (p *pipeline) refused(x *exchange.Exchange) {
	if p.rec.Admit() != nil {
		return
	}
	g := p.graph.Load()
	if m, ok := g.table.Refused(x); ok {
		p.inspectRefused(g, x, &m)
	}
}

// inspectRefused runs the rules of m.Policy on the head of a request that is refused whatever they say.
func (p *pipeline) inspectRefused(g *graph, x *exchange.Exchange, m *site.Match) {
	defer func() { // the refusal must be answered all the same
		if v := recover(); v != nil {
			p.log.Error("rules panicked on a refused request; please report this", "id", x.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	st := g.routes[m.Policy.Index].policy
	if st == nil {
		return
	}
	tx := st.Begin(x)
	defer tx.End()
	tx.Refused()
}
