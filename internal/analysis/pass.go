package analysis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

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

// readInput reads one file to its end. A blocked source is closed when ctx ends.
func (p *pass) readInput(ctx context.Context, in *Input) error {
	src, err := in.Open()
	if err != nil {
		return fmt.Errorf("read capture: %w", err)
	}
	defer src.Close()
	defer context.AfterFunc(ctx, func() {
		p.stopped.Store(true)
		unblock(src)
	})()
	p.reader = nil
	reader, err := pcap.NewReader(src, pcap.Config{Buffer: p.buffer, Secrets: p.addSecrets})
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	p.reader = reader
	before := p.base
	err = p.packetsOf()
	p.base = max(p.base, p.last.Frame)
	report := InputReport{Name: in.Name, Info: *reader.Info(), FirstFrame: before + 1, Packets: p.base - before}
	p.read += reader.Offset()
	p.reader = nil
	var damage *pcap.DamageError
	if errors.As(err, &damage) {
		report.Damage, err = damage, nil
	}
	p.inputs = append(p.inputs, report)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	return nil
}

// unblock ends a Read that waits.
func unblock(src io.Closer) {
	if s, ok := src.(*spooled); ok {
		s.interrupt()
		return
	}
	src.Close()
}

// packetsOf hands the packets of the present file out.
func (p *pass) packetsOf() error {
	var pkt pcap.Packet
	var seg packet.Segment
	for !p.stopped.Load() {
		if err := p.reader.Next(&pkt); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		pkt.Number += p.base
		p.count(&pkt)
		verdict := p.decoder.Decode(&pkt, &seg)
		p.packets.add(verdict)
		if verdict != packet.TCP && verdict != packet.ICMPError {
			continue
		}
		if !p.cfg.Filter.wantsSegment(&seg) || p.only != nil && !p.only[tupleOf(seg.Src, seg.Dst)] {
			continue
		}
		if !within(seg.Payload, pkt.Data) {
			seg.Payload = bytes.Clone(seg.Payload) // put together from fragments in memory of the decoder
		}
		to := int(seg.Hash % uint64(len(p.pending)))
		b := p.pending[to]
		if b == nil {
			b = p.pool.batch(p.current)
			p.pending[to] = b
		}
		b.segments = append(b.segments, seg)
		b.verdicts = append(b.verdicts, verdict)
	}
	return nil
}

// within reports whether part stands in the memory of whole: both go on to the same last byte.
func within(part, whole []byte) bool {
	if len(part) == 0 {
		return true
	}
	return cap(whole) > 0 && &part[:cap(part)][cap(part)-1] == &whole[:cap(whole)][cap(whole)-1]
}

func (p *pass) count(pkt *pcap.Packet) {
	p.last = fact.Stamp{At: max(p.last.At, pkt.At), Frame: pkt.Number}
	if p.first.Frame == 0 {
		p.first = fact.Stamp{At: pkt.At, Frame: pkt.Number}
	}
	p.packets.All++
	p.packets.Bytes += int64(pkt.Length)
	if pkt.Length > len(pkt.Data) {
		p.packets.Cut++
	}
}

func (c *Packets) add(v packet.Verdict) {
	switch v {
	case packet.TCP:
		c.TCP++
	case packet.ICMPError:
		c.ICMPErrors++
	case packet.Fragment:
		c.Fragments++
	case packet.Malformed:
		c.Malformed++
	default:
		c.Other++
	}
}

// buffer gives the reader its next memory. What stands in the one before it is handed to the workers; the one before that may be used again,
// as the reader has copied what it had left to read there.
func (p *pass) buffer(n int) []byte {
	p.flush()
	next := p.pool.take(max(n, bufferSize))
	p.previous, p.current = p.current, next
	p.pressure.look()
	if p.reader != nil {
		if done := p.read + p.reader.Offset(); done-p.told >= p.progress {
			p.told = done
			p.cfg.Progress(done, p.total)
		}
	}
	return next.data
}

// flush hands the pending batches out and lets go of the buffer before the present one.
func (p *pass) flush() {
	for i, b := range p.pending {
		if b != nil {
			p.workers[i].queue <- b
			p.pending[i] = nil
		}
	}
	if p.previous != nil {
		p.previous.release()
		p.previous = nil
	}
}

// addSecrets takes a Decryption Secrets Block. In later passes all of them are known already.
func (p *pass) addSecrets(kind pcap.SecretsType, data []byte) {
	if kind != pcap.SecretsTLSKeyLog || p.only != nil {
		return
	}
	report, err := p.cfg.Secrets.AddKeyLog("secrets in the capture", bytes.NewReader(data))
	if err == nil {
		p.secrets = append(p.secrets, report)
	}
}

// collect moves what a pass found into the report and returns the flows.
func (p *pass) collect(r *Report) *keeper {
	kept := &keeper{most: p.cfg.MaxFlows}
	for _, w := range p.workers {
		kept.merge(&w.kept)
		s := w.tracker.Stats()
		r.Connections += s.Connections
		r.Evicted += s.Evicted
		r.Ignored += s.Ignored
		r.Omitted += w.unkept
	}
	r.Inputs, r.Start, r.End, r.Packets, r.Secrets = p.inputs, p.first, p.last, p.packets, p.secrets
	return kept
}
