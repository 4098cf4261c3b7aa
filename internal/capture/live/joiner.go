package live

import (
	"fmt"
	"net/netip"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// Sink takes what a Joiner hands on. What it is given is valid until it returns.
type Sink interface {
	// Secrets takes lines of an NSS key log, each with its end of line. e is the connection; zero for a renegotiation whose connection
	// is known by its time alone.
	Secrets(e Ends, lines []byte) error
	// Packet takes a packet. e is zero for what is not TCP.
	Packet(e Ends, p *pcap.Packet) error
}

// Ends are both ends of a connection, the lower one first, so that they are the same for both directions.
type Ends struct{ a, b netip.AddrPort }

// EndsOf names a connection by its ends, in any order. IPv4-mapped addresses are unmapped, zones dropped.
func EndsOf(x, y netip.AddrPort) Ends {
	x, y = plain(x), plain(y)
	if y.Compare(x) < 0 {
		x, y = y, x
	}
	return Ends{x, y}
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// Config says how long packets wait and which go on. The zero value hands on every packet.
type Config struct {
	Hold  int64 // nanoseconds that a packet waits for secrets; default 300 ms, at most 500 ms; negative: not at all
	Bytes int64 // of packets that wait; default 32 MiB; beyond it the oldest go on early
	Only  bool  // only connections that Opened named
}

// Bounds and times, in nanoseconds.
const (
	millisecond = int64(1e6)
	defaultHold = 300 * millisecond
	maxHold     = 500 * millisecond
	closedFor   = 2000 * millisecond // packets of a connection that is over still count as its own
	renewedFor  = 2000 * millisecond // secrets of unknown connections are taken for those of a renegotiation
	mostConns   = 100_000
	mostWaiting = 16_384 // client randoms whose connection was not seen yet
	mostBytes   = 32 << 20
)

// Stats is what a Joiner has seen so far.
type Stats struct {
	Packets, Bytes int64 // handed on
	Left           int64 // packets of connections that were not wanted
	Early          int64 // packets that went on before their time, for want of memory
	Conns          int64 // TCP connections among the packets handed on
	Opened         int64 // of these, those that secrets were handed on for
	Unmatched      int64 // randoms in key logs whose connection was not seen
	Faulty         int64 // lines that are none of a key log
}

// Joiner is the order. It is for one goroutine at a time.
type Joiner struct {
	cfg     Config
	sink    Sink
	decoder *packet.Decoder
	segment packet.Segment
	waiting queue
	conns   conns
	logs    keyLogs
	stats   Stats
}

// New returns a Joiner that hands on to sink.
func New(cfg Config, sink Sink) *Joiner {
	switch {
	case cfg.Hold == 0:
		cfg.Hold = defaultHold
	case cfg.Hold < 0:
		cfg.Hold = 0
	}
	cfg.Hold = min(cfg.Hold, maxHold)
	if cfg.Bytes <= 0 {
		cfg.Bytes = mostBytes
	}
	return &Joiner{cfg: cfg, sink: sink, decoder: packet.New(), conns: newConns(), logs: newKeyLogs()}
}

// Opened says that a connection is wanted, at or after its first packet. It is needed with Config.Only; else it does nothing.
func (j *Joiner) Opened(e Ends) { j.conns.get(e).wanted = true }

// Closed says that a connection is over. Its last packets may still come.
func (j *Joiner) Closed(e Ends, now int64) {
	if c := j.conns.find(e); c != nil {
		c.until = now + closedFor
	}
}

// Own takes lines of a key log that belong to a connection, and hands them on at once. They are believed.
func (j *Joiner) Own(e Ends, lines []byte) error {
	if c := j.conns.get(e); !c.secrets {
		c.secrets = true
		if c.seen {
			j.stats.Opened++
		}
	}
	return j.sink.Secrets(e, lines)
}

// Packet takes a packet, of which it keeps a copy, and hands on what has waited long enough. now is in nanoseconds since the Unix epoch,
// and never less than before.
func (j *Joiner) Packet(p *pcap.Packet, now int64) error {
	if len(p.Data) > pcap.MaxPacket {
		return fmt.Errorf("take packet: %d bytes are more than %d", len(p.Data), pcap.MaxPacket)
	}
	j.waiting.push(p, now)
	for j.waiting.bytes > j.cfg.Bytes {
		j.stats.Early++
		if err := j.next(now); err != nil {
			return err
		}
	}
	return j.Release(now)
}

// Release hands on what has waited long enough. Call it a few times a second when no packets come.
func (j *Joiner) Release(now int64) error {
	for {
		at, ok := j.waiting.oldest()
		if !ok || now-at < j.cfg.Hold {
			return nil
		}
		if err := j.next(now); err != nil {
			return err
		}
	}
}

// Flush hands on all that waits.
func (j *Joiner) Flush(now int64) error {
	for j.waiting.len() > 0 {
		if err := j.next(now); err != nil {
			return err
		}
	}
	return nil
}

// Stats returns the figures of now.
func (j *Joiner) Stats() Stats {
	s := j.stats
	s.Unmatched, s.Faulty = int64(len(j.logs.waiting))+j.logs.forgotten, j.logs.faulty
	return s
}

// next hands on the oldest packet.
func (j *Joiner) next(now int64) error {
	p := j.waiting.front()
	defer j.waiting.pop()
	s := &j.segment
	if j.decoder.Decode(p, s) != packet.TCP {
		if j.cfg.Only {
			j.stats.Left++
			return nil
		}
		return j.hand(Ends{}, p)
	}
	e := EndsOf(s.Src, s.Dst)
	c := j.conns.get(e)
	if j.cfg.Only && !c.isWanted(now) {
		j.stats.Left++
		return nil
	}
	if !c.seen {
		c.seen = true
		j.stats.Conns++
		if c.secrets {
			j.stats.Opened++
		}
	}
	if err := j.match(e, c, now); err != nil {
		return err
	}
	return j.hand(e, p)
}

func (j *Joiner) hand(e Ends, p *pcap.Packet) error {
	j.stats.Packets++
	j.stats.Bytes += int64(len(p.Data))
	return j.sink.Packet(e, p)
}
