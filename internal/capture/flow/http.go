package flow

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// startClear begins HTTP in clear.
func (b *Builder) startClear(f *front) {
	b.flow.Protocol = ProtocolHTTP
	if b.http != nil {
		return // again after a refused CONNECT
	}
	if at := f.side[fact.SideClient].first(); at.Frame != 0 {
		b.tell(&fact.Fact{Kind: fact.PlainRequest, At: at.Time(), Frame: at.Frame, Side: fact.SideClient})
	}
	b.startHTTP(false)
}

func (b *Builder) startHTTP(secure bool) {
	cfg := &b.stages.cfg
	b.http = httptimeline.New(httptimeline.Config{
		Fact:   func(f fact.Fact) { b.facts.add(&f) },
		Done:   b.keep,
		Bodies: cfg.Bodies,
		Secure: secure,
		Unmask: cfg.Unmask,
	})
}

// plain hands bytes in clear, or opened ones, to HTTP.
func (b *Builder) plain(side fact.Side, at fact.Stamp, p []byte) {
	if tap := b.stages.cfg.Tap; tap != nil {
		tap(b.conn.ID, side, at, p)
	}
	b.http.Data(side, at, p)
}

// endHTTP tells HTTP once that a side sends no more.
func (b *Builder) endHTTP(side fact.Side, at fact.Stamp, how fact.Kind) {
	if b.http != nil && !b.ends[side] {
		b.ends[side] = true
		b.http.End(side, at, how)
	}
}

// keep takes an exchange that is over.
func (b *Builder) keep(e *httptimeline.Exchange) {
	cfg := &b.stages.cfg
	if len(b.flow.Exchanges) >= cfg.MaxExchanges || !cfg.Budget.Take(e.Weight()) {
		b.flow.ExchangesOmitted++
		return
	}
	b.flow.Exchanges = append(b.flow.Exchanges, e)
}

func (b *Builder) sortExchanges() {
	slices.SortFunc(b.flow.Exchanges, func(x, y *httptimeline.Exchange) int { return cmp.Compare(x.Number, y.Number) })
}
