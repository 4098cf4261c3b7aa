package live

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// RingConfig bounds a Ring. Zero values mean the defaults.
type RingConfig struct {
	Age   int64 // nanoseconds that a packet is kept; default 10 s
	Bytes int64 // of all packets; default 32 MiB
}

// Ring is a Sink that keeps the last packets, with the secrets of their connections, until Open says where they go.
type Ring struct {
	cfg     RingConfig
	packets queue
	ends    []Ends // of packets, beside them
	held    map[Ends]*held
	bytes   int64 // of secrets
	to      Sink  // nil until Open
	passed  int64 // packets that were dropped because they were too old or too many
}

// held are the secrets of one connection.
type held struct {
	lines []byte
	last  int64 // when something of it was seen
}

const mostHeld = 16 << 20 // bytes of secrets

// NewRing returns an empty ring.
func NewRing(cfg RingConfig) *Ring {
	if cfg.Age <= 0 {
		cfg.Age = 10_000 * millisecond
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = mostBytes
	}
	return &Ring{cfg: cfg, held: map[Ends]*held{}}
}

// Secrets implements Sink.
func (r *Ring) Secrets(e Ends, lines []byte) error {
	if r.to != nil {
		if err := r.give(e); err != nil {
			return err
		}
		return r.to.Secrets(e, lines)
	}
	h := r.held[e]
	if h == nil {
		h = &held{last: r.newest()}
		r.held[e] = h
	}
	h.lines = append(h.lines, lines...)
	r.bytes += int64(len(lines))
	if r.bytes > mostHeld {
		r.forget()
	}
	return nil
}

func (r *Ring) newest() int64 {
	if n := len(r.packets.items); n > r.packets.at {
		return r.packets.items[n-1].packet.At
	}
	return 0
}

// forget drops the secrets of the connections that were idle the longest, until half of the room is free.
func (r *Ring) forget() {
	all := make([]Ends, 0, len(r.held))
	for e := range r.held {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Ends) int { return cmp.Compare(r.held[a].last, r.held[b].last) })
	for _, e := range all {
		if r.bytes <= mostHeld/2 {
			return
		}
		r.bytes -= int64(len(r.held[e].lines))
		delete(r.held, e)
	}
}

// Packet implements Sink.
func (r *Ring) Packet(e Ends, p *pcap.Packet) error {
	if r.to != nil {
		if err := r.give(e); err != nil {
			return err
		}
		return r.to.Packet(e, p)
	}
	if h := r.held[e]; h != nil {
		h.last = p.At
	}
	r.packets.push(p, p.At)
	r.ends = append(r.ends, e)
	for r.packets.len() > 0 && (r.packets.bytes > r.cfg.Bytes || p.At-r.packets.front().At > r.cfg.Age) {
		r.drop()
		r.passed++
	}
	return nil
}

// drop removes the oldest packet.
func (r *Ring) drop() {
	r.packets.pop()
	r.ends = r.ends[len(r.ends)-r.packets.len():]
}

// give hands on what is held of the secrets of e.
func (r *Ring) give(e Ends) error {
	h := r.held[e]
	if h == nil {
		return nil
	}
	delete(r.held, e)
	r.bytes -= int64(len(h.lines))
	return r.to.Secrets(e, h.lines)
}

// Passed is how many packets were dropped to make room for newer ones.
func (r *Ring) Passed() int64 { return r.passed }

// Open hands on what is kept, secrets first, and from then on all that comes. Secrets of a connection without a packet wait until it has one.
func (r *Ring) Open(to Sink) error {
	r.to = to
	for _, e := range r.ends {
		if err := r.give(e); err != nil {
			return err
		}
	}
	if err := r.give(Ends{}); err != nil {
		return err
	}
	for r.packets.len() > 0 {
		if err := to.Packet(r.ends[0], r.packets.front()); err != nil {
			return err
		}
		r.drop()
	}
	return nil
}
