package decrypt

import (
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Handler is told what a Session finds.
type Handler interface {
	// Fact brings an observation; Conn is left to the receiver, who joins runs of application data.
	Fact(f fact.Fact)
	// Plain brings application data; p is valid until it returns. early says that it is 0-RTT data.
	Plain(side fact.Side, at fact.Stamp, p []byte, early bool)
	// Missing says that application data of about n bytes is lacking here: a record is lost or did not open.
	Missing(side fact.Side, at fact.Stamp, n int64)
}

// Config bounds a Session. Zero values mean the defaults.
type Config struct {
	Search int // sequence numbers tried after a loss; default 4096
	// Scratch is memory that the sessions of one goroutine may share. Nil: each Session has its own.
	Scratch *Scratch
}

const defaultSearch = 4096

// Scratch is room for the plaintext of the record at hand. The zero value is ready. It is for one goroutine.
type Scratch struct{ b []byte }

// room returns an empty slice that holds the plaintext of any record.
func (s *Scratch) room() []byte {
	if s.b == nil {
		s.b = make([]byte, 0, tlswire.MaxRecordPayload+64)
	}
	return s.b[:0]
}
