package secrets

import "bytes"

// outcome is what became of a secret.
type outcome uint8

const (
	added outcome = iota
	duplicate
	conflict // another secret is there under the same label and key
	full
)

// add puts what a line holds into s.
func (s *Store) add(l *line) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch known := s.known(l); {
	case known == nil:
	case bytes.Equal(known, l.secret):
		return duplicate
	default:
		return conflict
	}
	cost := 1 + len(l.secret)/128
	if s.used+cost > s.limit {
		return full
	}
	s.used += cost
	s.put(l)
	s.generation.Add(1)
	return added
}

// known returns what is there in the place of l, nil for nothing. The lock is held.
func (s *Store) known(l *line) []byte {
	switch l.kind {
	case kindPreMaster:
		return s.preMasters[string(l.key[:])]
	case kindEncrypted:
		return s.encrypted[string(l.key[:encryptedSize])]
	}
	return s.tableOf(l.kind).get(&l.key)
}

// put adds l, which is not there. The lock is held.
func (s *Store) put(l *line) {
	switch l.kind {
	case kindPreMaster:
		s.preMasters[string(l.key[:])] = bytes.Clone(l.secret)
	case kindEncrypted:
		s.encrypted[string(l.key[:encryptedSize])] = bytes.Clone(l.secret)
	default:
		s.tableOf(l.kind).put(&l.key, l.secret)
	}
}

func (s *Store) tableOf(k kind) *table {
	switch k {
	case kindMaster:
		return &s.masters
	case kindSession:
		return &s.ofSession
	}
	return &s.traffic[k-kindTraffic]
}
