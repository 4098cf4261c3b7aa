package analysis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
)

// pass is one reading of all inputs: one goroutine reads and decodes, the workers follow the connections.
type pass struct {
	cfg              *Config
	only             map[tuple]bool // the connections to look at; nil: all
	buffers          int
	pool             *pool
	workers          []*worker
	waiting, results *budget.Budget
	pressure         *pressure
	stopped          atomic.Bool // the context ended

	// Of the reading goroutine; the workers may read last after their queues were closed.
	decoder           *packet.Decoder
	current, previous *buffer
	pending           []*batch // by worker
	base              int64    // frames of the inputs before
	read, told, total int64    // bytes of the inputs: of those before, when Progress was last told, of all
	progress          int64    // step between two calls of it
	reader            *pcap.Reader
	first, last       fact.Stamp
	packets           Packets
	inputs            []InputReport
	secrets           []secrets.Report
	marks             map[int64]string // by the frame that bears it
}

func newPass(cfg *Config, only map[tuple]bool) *pass {
	p := &pass{cfg: cfg, only: only, buffers: 4 + 2*cfg.Workers, decoder: packet.New(), total: cfg.total()}
	p.waiting, p.results = budget.New(cfg.Memory/4), budget.New(cfg.Memory/4)
	p.pressure = newPressure(cfg.Memory, p.buffers)
	p.pool = newPool(p.buffers, p.buffers*cfg.Workers)
	p.pending = make([]*batch, cfg.Workers)
	p.progress = max(p.total/100, 4<<20)
	return p
}

// run reads everything once. It returns when all goroutines that it started have ended.
func (p *pass) run(ctx context.Context) error {
	var working sync.WaitGroup
	for range p.cfg.Workers {
		w := newWorker(p)
		p.workers = append(p.workers, w)
		working.Go(func() { w.run(ctx) })
	}
	err := p.readAll(ctx)
	for _, w := range p.workers {
		close(w.queue)
	}
	working.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (p *pass) readAll(ctx context.Context) error {
	defer p.flush()
	for i := range p.cfg.Inputs {
		if err := p.readInput(ctx, &p.cfg.Inputs[i]); err != nil {
			return err
		}
	}
	p.cfg.Progress(p.read, p.total)
	return nil
}

// collect moves what a pass found into the report and returns the flows, and the connections that there were.
func (p *pass) collect(r *Report) (*keeper, *census) {
	r.Until = p.until()
	kept, opened := &keeper{most: p.cfg.MaxFlows}, &census{}
	for _, w := range p.workers {
		kept.merge(&w.kept)
		opened.merge(&w.opened)
		s := w.tracker.Stats()
		r.Connections += s.Connections
		r.Evicted += s.Evicted
		r.Ignored += s.Ignored
		r.Omitted += w.unkept
	}
	r.Inputs, r.Start, r.End, r.Packets, r.Secrets = p.inputs, p.first, p.last, p.packets, p.secrets
	return kept, opened
}

// until is up to when the inputs say that they saw everything: 0 where there are several, where packets lack, or where it is too late to be
// believed.
func (p *pass) until() int64 {
	const most = 24 * time.Hour // of quiet at the end
	if len(p.inputs) != 1 {
		return 0
	}
	in := &p.inputs[0]
	if in.Damage != nil || len(in.Info.Damage) > 0 || in.Info.Dropped > 0 || in.Info.End <= p.last.At || in.Info.End-p.last.At > int64(most) {
		return 0
	}
	return in.Info.End
}

// end is what connections that are still open end with.
func (p *pass) end() fact.Stamp {
	return fact.Stamp{At: max(p.last.At, p.until()), Frame: p.last.Frame}
}
