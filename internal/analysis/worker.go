package analysis

import (
	"context"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/fact"
)

// worker follows a share of the connections. It is for one goroutine.
type worker struct {
	pass    *pass
	queue   chan *batch
	tracker *tcpstream.Tracker
	stages  *flow.Stages
	kept    keeper
	opened  census
	unkept  int64 // connections that there was no room for
	calls   int64 // of the pressure that were followed
}

func newWorker(p *pass) *worker {
	w := &worker{pass: p, queue: make(chan *batch, p.buffers)}
	w.kept.most = p.cfg.MaxFlows
	w.opened.most = max(1, maxNumbered/p.cfg.Workers)
	cfg := p.cfg.Flow
	cfg.Budget = p.results
	w.stages = flow.NewStages(cfg, p.cfg.Secrets, w.over)
	w.tracker = tcpstream.New(tcpstream.Config{Budget: p.waiting, Window: p.cfg.TCP, MaxConns: max(1, maxConns/p.cfg.Workers),
		Silence: w.stages.Silence()}, w.open)
	return w
}

// run works until the queue is closed. After the context ended it only gives the batches back.
func (w *worker) run(ctx context.Context) {
	for b := range w.queue {
		if ctx.Err() == nil {
			w.work(b)
		}
		w.pass.pool.done(b)
	}
	if ctx.Err() == nil {
		w.stages.End(w.pass.end())
		w.tracker.Close()
	}
}

func (w *worker) work(b *batch) {
	w.pass.pressure.follow(&w.calls, w.tracker.Shed)
	for i := range b.segments {
		if b.verdicts[i] == packet.ICMPError {
			w.tracker.ICMP(&b.segments[i])
			continue
		}
		w.tracker.Segment(&b.segments[i])
	}
}

// open is called for each new connection.
func (w *worker) open(c *tcpstream.Conn) tcpstream.Handler {
	w.opened.add(c.ID)
	if !w.pass.cfg.Filter.wantsEnds(c.Client, c.Server) || !w.pass.cfg.Filter.wantsStart(c.Start) {
		return unwatched{}
	}
	if !w.pass.results.Take(flowWeight) {
		w.unkept++
		return unwatched{}
	}
	return w.stages.Open(c)
}

// over is called with each flow at its end.
func (w *worker) over(f *flow.Flow) {
	if lacksSecrets(f) {
		w.kept.lack(f)
	}
	if !w.pass.cfg.Filter.wants(f) {
		w.pass.results.Give(f.Weight() + flowWeight)
		return
	}
	for _, gone := range w.kept.add(f) {
		w.pass.results.Give(gone.Weight() + flowWeight)
	}
}

// unwatched is a connection that nobody wants to know about. It is followed all the same, as it counts among the others.
type unwatched struct{}

func (unwatched) Data(fact.Side, fact.Stamp, []byte)   {}
func (unwatched) Gap(fact.Side, fact.Stamp, int64)     {}
func (unwatched) End(fact.Side, fact.Stamp, fact.Kind) {}
func (unwatched) Fact(fact.Fact)                       {}
func (unwatched) Done()                                {}
