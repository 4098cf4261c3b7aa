package httptimeline

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/lunette-waf/lunette/internal/fact"
)

// sink hashes the body of one message, and looks at how it begins.
type sink struct {
	hash hash.Hash // nil before the first byte
	look look
}

// take counts, hashes and keeps p, which is the next of m's body.
func (t *Timeline) take(s *sink, m *Message, at fact.Stamp, p []byte) {
	if len(p) == 0 {
		return
	}
	m.Last = at
	m.Size += int64(len(p))
	if m.Missing == 0 {
		if s.hash == nil {
			s.hash = t.newHash()
		}
		s.hash.Write(p)
	}
	if s.look.coding != "" {
		t.looked(s, m, at, p)
	}
	if room := t.cfg.Bodies - len(m.Body); room > 0 {
		m.Body = append(m.Body, p[:min(room, len(p))]...)
	}
}

// lack notes n missing bytes, or some number of them where n is not above 0.
func (t *Timeline) lack(s *sink, m *Message, n int64) {
	m.Missing += max(n, 1)
	s.look.coding = ""
	t.release(s)
}

// finish ends m's body. What was kept of it is masked as a whole, however it came in.
func (t *Timeline) finish(s *sink, m *Message, complete bool) {
	m.Complete = complete && m.Missing == 0
	if s.look.coding != "" && m.Complete {
		t.lookedOver(s, m, m.Last)
	}
	s.look.coding = ""
	if s.hash != nil && m.Complete {
		var sum [sha256.Size]byte
		m.SHA256 = hex.EncodeToString(s.hash.Sum(sum[:0]))
	}
	t.release(s)
	if len(m.Body) > 0 && !t.cfg.Unmask {
		m.Body = t.mask.AppendText(nil, string(m.Body))
	}
}

func (t *Timeline) newHash() hash.Hash {
	if n := len(t.hashes); n > 0 {
		h := t.hashes[n-1]
		t.hashes = t.hashes[:n-1]
		h.Reset()
		return h
	}
	return sha256.New()
}

// release gives the hash back for the next message.
func (t *Timeline) release(s *sink) {
	if s.hash != nil && len(t.hashes) < 8 {
		t.hashes = append(t.hashes, s.hash)
	}
	s.hash = nil
}
