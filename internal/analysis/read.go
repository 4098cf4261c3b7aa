package analysis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/fact"
)

// readInput reads one file to its end. A blocked source is closed when ctx ends.
func (p *pass) readInput(ctx context.Context, in *Input) error {
	src, err := in.open()
	if err != nil {
		return err
	}
	defer src.Close()
	defer context.AfterFunc(ctx, func() {
		p.stopped.Store(true)
		unblock(src)
	})()
	p.reader = nil
	reader, err := in.reader(src, pcap.Config{Buffer: p.buffer, Secrets: p.addSecrets})
	if err != nil {
		return err
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
	if s, ok := src.(interface{ Interrupt() }); ok { // Close alone may not end it
		s.Interrupt()
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
		p.noteMark(&pkt)
		verdict := p.decoder.Decode(&pkt, &seg)
		p.packets.add(verdict)
		if verdict != packet.TCP && verdict != packet.ICMPError {
			continue
		}
		if p.only != nil && !p.only[tupleOf(seg.Src, seg.Dst)] {
			continue
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
