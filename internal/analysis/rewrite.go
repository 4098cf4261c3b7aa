package analysis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// WriteDecrypted writes the packets that report is made of to dst, as a pcapng that begins with the secrets of its flows
// (a Decryption Secrets Block), so that other programs open it decrypted. cfg is that of the Run, with Flow.KeyLog set. With a
// filter, or a Partial report, only the packets of the flows in report are written, and fragments, of which nobody knows whose they are.
func WriteDecrypted(ctx context.Context, cfg Config, report *Report, dst io.Writer) error {
	cfg = cfg.filled()
	if err := inOrder(&cfg); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(dst, bufferSize)
	out, err := pcap.NewWriter(buffered, "Lunette")
	if err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	c := copier{ctx: ctx, out: out, wanted: map[tuple][]span{}, links: map[pcap.LinkType]int{}, all: cfg.Filter.Empty() && !report.Partial}
	if err := c.writeSecrets(report); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	for i := range cfg.Inputs {
		if i < len(report.Inputs) {
			c.base = report.Inputs[i].FirstFrame - 1
		}
		if err := c.copyInput(&cfg.Inputs[i]); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// span is from the first to the last frame of a flow.
type span struct{ first, last int64 }

// copier copies packets.
type copier struct {
	ctx    context.Context
	out    *pcap.Writer
	wanted map[tuple][]span
	all    bool
	base   int64                 // frames of the inputs before
	links  map[pcap.LinkType]int // number of the interface that stands for a link type
}

func (c *copier) writeSecrets(report *Report) error {
	var log strings.Builder
	seen := map[string]bool{}
	for _, f := range report.Flows {
		ends := tupleOf(f.Client, f.Server)
		c.wanted[ends] = append(c.wanted[ends], span{int64(f.ID), max(f.Start.Frame, f.End.Frame)})
		for _, line := range f.KeyLog {
			if !seen[line] {
				seen[line] = true
				log.WriteString(line + "\n")
			}
		}
	}
	if log.Len() == 0 {
		return nil
	}
	return c.out.Secrets(pcap.SecretsTLSKeyLog, []byte(log.String()))
}

func (c *copier) copyInput(in *Input) error {
	src, err := in.open()
	if err != nil {
		return err
	}
	defer src.Close()
	r, err := in.reader(src, pcap.Config{})
	if err != nil {
		return err
	}
	decoder := packet.New()
	var p pcap.Packet
	var s packet.Segment
	var damage *pcap.DamageError
	for c.ctx.Err() == nil {
		if err := r.Next(&p); err == io.EOF || errors.As(err, &damage) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", in.Name, err)
		}
		if !c.wants(decoder, &p, &s) {
			continue
		}
		if err := c.write(&p); err != nil {
			return fmt.Errorf("write capture: %w", err)
		}
	}
	return context.Cause(c.ctx)
}

func (c *copier) wants(d *packet.Decoder, p *pcap.Packet, s *packet.Segment) bool {
	if c.all {
		return true
	}
	switch d.Decode(p, s) {
	case packet.TCP: // other connections may have had the same ports
		frame := c.base + p.Number
		return slices.ContainsFunc(c.wanted[tupleOf(s.Src, s.Dst)], func(f span) bool { return f.first <= frame && frame <= f.last })
	case packet.ICMPError:
		return c.wanted[tupleOf(s.Src, s.Dst)] != nil
	case packet.Fragment:
		return true
	}
	return false
}

// write gives each link type an interface of its own: what interfaces were called before is not carried over.
func (c *copier) write(p *pcap.Packet) error {
	n, known := c.links[p.Link]
	if !known {
		var err error
		if n, err = c.out.Interface(pcap.Interface{Link: p.Link}); err != nil {
			return err
		}
		c.links[p.Link] = n
	}
	p.Interface = n
	return c.out.Packet(p)
}
