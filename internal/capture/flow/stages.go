package flow

import (
	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Stages are what the flows of one goroutine share: settings, secrets, buffers.
type Stages struct {
	cfg  Config
	src  *secrets.Store
	done func(*Flow)
	end  fact.Stamp

	buffers tlsrecord.Buffers
	opening decrypt.Scratch
}

// NewStages returns Stages that look for secrets in src and call done with each flow once it is over.
func NewStages(cfg Config, src *secrets.Store, done func(*Flow)) *Stages {
	s := &Stages{cfg: cfg.filled(), src: src, done: done}
	s.cfg.Decrypt.Scratch = &s.opening
	return s
}

// Open returns the handler of a new connection.
func (s *Stages) Open(c *tcpstream.Conn) *Builder {
	b := &Builder{stages: s, conn: c, opened: c.End.Frame, flow: &Flow{ID: c.ID, Decisive: -1}}
	b.facts = collector{conn: c.ID, most: s.cfg.MaxFacts, budget: s.cfg.Budget}
	return b
}

// End says where the whole capture ends: who is awaited in connections that are still open was silent until then. It is called before
// Tracker.Close; connections that are over earlier know nothing of it.
func (s *Stages) End(at fact.Stamp) { s.end = at }

// Silence is the pause that is a fact, nanoseconds: for tcpstream.Config.
func (s *Stages) Silence() int64 { return s.cfg.Silence }
