package secrets

import (
	"bytes"
	"crypto/sha256"
)

// maxSessions bounds the sessions that are remembered: at least so many of the latest, at most twice as many.
const maxSessions = 100_000

// sessions are those that were met. Names lie in two generations: when the younger one is full it becomes the older, and
// what stood there is forgotten.
type sessions struct {
	young, old map[[sha256.Size]byte]*session
	limit      int
}

// session is one master secret, or the promise of one, that several names share: its root's. Trees stay flat because
// root shortens the way that it went.
type session struct {
	master []byte
	parent *session
}

// nameOf makes a name of bounded length from a session id (≤ 32 bytes) or ticket (≤ 64 KiB).
func nameOf(id []byte) [sha256.Size]byte { return sha256.Sum256(id) }

// root follows parents; there is no loop, because only a root gets a parent, and never itself.
func (s *session) root() *session {
	for s.parent != nil {
		if s.parent.parent != nil {
			s.parent = s.parent.parent
		}
		s = s.parent
	}
	return s
}

// find returns the session of a name, nil when it is not known.
func (s *sessions) find(name [sha256.Size]byte) *session {
	if found := s.young[name]; found != nil {
		return found.root()
	}
	if found := s.old[name]; found != nil {
		return found.root()
	}
	return nil
}

// set notes the session of a name.
func (s *sessions) set(name [sha256.Size]byte, to *session) {
	if s.young == nil || len(s.young) >= s.limit {
		s.young, s.old = make(map[[sha256.Size]byte]*session), s.young
	}
	s.young[name] = to
}

// join lets two names share what is known, or will be known, of either. Two secrets that differ stay apart.
func (s *sessions) join(a, b [sha256.Size]byte) (changed bool) {
	ra, rb := s.find(a), s.find(b)
	switch {
	case ra == nil && rb == nil:
		ra = &session{}
		s.set(a, ra)
		s.set(b, ra)
	case ra == nil:
		s.set(a, rb)
	case rb == nil:
		s.set(b, ra)
	case ra == rb || ra.master != nil && rb.master != nil && !bytes.Equal(ra.master, rb.master):
		return false
	default:
		if rb.master == nil {
			rb.master = ra.master
		}
		ra.parent, ra.master = rb, nil
	}
	return true
}

// Remember notes that a session (by id or ticket, as its bytes) has this master secret. When the name stands for another
// one already, the later counts. Nothing is noted without a name or a secret, or when the secret is longer than 48 bytes.
func (s *Store) Remember(session, master []byte) {
	if len(session) == 0 || len(master) == 0 || len(master) > masterSize {
		return
	}
	name := nameOf(session)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.sessions.find(name)
	switch {
	case found != nil && bytes.Equal(found.master, master):
		return
	case found != nil && found.master == nil:
		found.master = bytes.Clone(master)
	default:
		s.sessions.set(name, newSession(master))
	}
	s.generation.Add(1)
}

func newSession(master []byte) *session { return &session{master: bytes.Clone(master)} }

// Recall returns the master secret of a session, nil when it is not known.
func (s *Store) Recall(session []byte) []byte {
	if len(session) == 0 {
		return nil
	}
	name := nameOf(session)
	s.mu.Lock() // root shortens ways
	defer s.mu.Unlock()
	if found := s.sessions.find(name); found != nil {
		return found.master
	}
	return nil
}

// Alias says that sessions a and b have one secret, whichever of them gets known, and when.
func (s *Store) Alias(a, b []byte) {
	if len(a) == 0 || len(b) == 0 {
		return
	}
	na, nb := nameOf(a), nameOf(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions.join(na, nb) {
		s.generation.Add(1)
	}
}
