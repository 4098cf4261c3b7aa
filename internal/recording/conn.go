package recording

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// DefaultLimit is how many bytes of a connection are kept, both sides together, unless New is told otherwise.
const DefaultLimit = 1 << 20

// mostPieces bounds the pieces of a connection: 64 KiB of reads of one byte each.
const mostPieces = 1 << 16

const (
	mostFacts  = 1000
	mostKeyLog = 64 << 10 // bytes
)

// Conn is a connection that is being recorded.
type Conn struct {
	net.Conn
	mu    sync.Mutex
	rec   *Recording
	limit int
	ended [3]bool
	turn  uint64   // counts what began, where clocks do not tell
	turns []uint64 // of each piece
}

// New records c into r from now on; limit bounds the bytes kept, 0 for DefaultLimit. r belongs to the Conn until it is closed.
func New(c net.Conn, r *Recording, limit int) *Conn {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Conn{Conn: c, rec: r, limit: limit}
}

func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	at := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.keep(at, c.next(), fact.SideServer, p[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		c.end(at, fact.SideServer, fact.TCPClosed)
	case errors.Is(err, syscall.ECONNRESET):
		c.end(at, fact.SideServer, fact.TCPReset)
	}
	return n, err
}

func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	at, turn := time.Now(), c.next() // before: an answer must not seem to come first
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.keep(at, turn, fact.SideClient, p[:n])
	}
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		c.end(time.Now(), fact.SideServer, fact.TCPReset)
	}
	return n, err
}

// Close closes the connection and ends the recording.
func (c *Conn) Close() error {
	c.mu.Lock()
	now := time.Now()
	c.end(now, fact.SideClient, fact.TCPClosed)
	if c.rec.End.IsZero() {
		c.rec.End = now
	}
	c.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends our side where the connection can.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	c.end(time.Now(), fact.SideClient, fact.TCPClosed)
	c.mu.Unlock()
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Note adds a fact that bytes do not show; its time is now unless it has one.
func (c *Conn) Note(f fact.Fact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.At.IsZero() {
		f.At = time.Now()
	}
	f.Conn = c.rec.ID
	if len(c.rec.Facts) < mostFacts {
		c.rec.Facts = append(c.rec.Facts, f)
	}
}

// KeyLog is a writer for tls.Config.KeyLogWriter.
func (c *Conn) KeyLog() io.Writer { return keyLog{c} }

type keyLog struct{ c *Conn }

func (k keyLog) Write(p []byte) (int, error) {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	if len(k.c.rec.KeyLog)+len(p) <= mostKeyLog {
		k.c.rec.KeyLog = append(k.c.rec.KeyLog, p...)
	}
	return len(p), nil
}

// Snapshot is a copy of what was recorded so far; pieces share their bytes, which never change.
func (c *Conn) Snapshot() *Recording {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := *c.rec
	r.Pieces, r.Facts, r.KeyLog = slices.Clone(r.Pieces), slices.Clone(r.Facts), slices.Clone(r.KeyLog)
	if r.End.IsZero() {
		r.End = time.Now()
	}
	return &r
}

// keep adds what was read or written. What is beyond the bounds is counted where it stood; runs of it are joined.
func (c *Conn) keep(at time.Time, turn uint64, s fact.Side, p []byte) {
	n := min(len(p), c.limit)
	if len(c.rec.Pieces) >= mostPieces {
		n = 0
	}
	c.limit -= n
	if n > 0 {
		c.put(turn, Piece{At: at, Side: s, Data: slices.Clone(p[:n])})
	}
	if n == len(p) {
		return
	}
	c.limit = 0
	lost := int64(len(p) - n)
	c.rec.Omitted += lost
	for i := len(c.rec.Pieces) - 1; i >= 0 && c.rec.Pieces[i].Lost > 0; i-- {
		if c.rec.Pieces[i].Side == s {
			c.rec.Pieces[i].Lost += lost
			c.rec.Pieces[i].Until = at
			return
		}
	}
	c.put(turn, Piece{At: at, Side: s, Lost: lost, Until: at})
}

// put adds a piece in order of time: a read and a write may end in another order than they began, and either while another goroutine
// closes. Bytes of one side stay as they come.
func (c *Conn) put(turn uint64, p Piece) {
	for len(c.turns) < len(c.rec.Pieces) {
		c.turns = append(c.turns, 0)
	}
	all, turns := append(c.rec.Pieces, p), append(c.turns, turn)
	i := len(all) - 1
	later := func(o int) bool {
		return all[o].At.After(p.At) || all[o].At.Equal(p.At) && turns[o] > turn // coarse clocks stand still
	}
	for ; i > 0 && (all[i-1].Side != p.Side || all[i-1].End != fact.None) && later(i-1); i-- {
		all[i], turns[i] = all[i-1], turns[i-1]
	}
	all[i], turns[i] = p, turn
	c.rec.Pieces, c.turns = all, turns
}

// next is the number of what begins now.
func (c *Conn) next() uint64 {
	c.turn++
	return c.turn
}

func (c *Conn) end(at time.Time, s fact.Side, how fact.Kind) {
	if !c.ended[s] && !c.ended[fact.SideNone] {
		c.ended[s] = true
		c.ended[fact.SideNone] = how == fact.TCPReset
		c.put(c.next(), Piece{At: at, Side: s, End: how})
	}
}
