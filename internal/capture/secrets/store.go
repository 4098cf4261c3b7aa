package secrets

import (
	"bytes"
	"crypto/rsa"
	"slices"
	"sync"
	"sync/atomic"
)

// maxSecrets bounds a Store: four million secrets of key logs, which take about 600 MB.
const maxSecrets = 4_000_000

// Store holds secrets. Safe for concurrent use. What its methods return must not be written to.
type Store struct {
	mu         sync.RWMutex
	traffic    [labels]table
	masters    table             // by client random
	ofSession  table             // by name of the session
	preMasters map[string][]byte // by client random
	encrypted  map[string][]byte // by the first 8 bytes of the encrypted pre-master secret
	used       int               // of limit
	limit      int

	keys     []*rsa.PrivateKey
	psks     [][]byte
	sessions sessions

	generation atomic.Uint64
}

// New returns an empty Store.
func New() *Store {
	return &Store{limit: maxSecrets, sessions: sessions{limit: maxSessions},
		preMasters: map[string][]byte{}, encrypted: map[string][]byte{}}
}

// AddPSK adds a pre-shared key. An empty one, or one that is there already, changes nothing.
func (s *Store) AddPSK(key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(key) == 0 || slices.ContainsFunc(s.psks, func(k []byte) bool { return bytes.Equal(k, key) }) {
		return
	}
	s.psks = append(s.psks, bytes.Clone(key))
	s.generation.Add(1)
}

// Master returns the master secret of a handshake (CLIENT_RANDOM), nil when it is not known.
func (s *Store) Master(clientRandom []byte) []byte { return s.lookUp(&s.masters, clientRandom) }

// Traffic returns a secret of TLS 1.3, nil when it is not known.
func (s *Store) Traffic(l Label, clientRandom []byte) []byte {
	if l >= labels {
		return nil
	}
	return s.lookUp(&s.traffic[l], clientRandom)
}

func (s *Store) lookUp(t *table, clientRandom []byte) []byte {
	if len(clientRandom) != randomSize {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return t.get((*[randomSize]byte)(clientRandom))
}

// PreMaster returns a pre-master secret by client random (PMS_CLIENT_RANDOM), nil when it is not known.
func (s *Store) PreMaster(clientRandom []byte) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.preMasters[string(clientRandom)]
}

// PreMasterOf returns one by the first 8 bytes of its encrypted form (RSA), nil when it is not known. The form is
// the ciphertext itself, without the two bytes of length that TLS puts before it.
func (s *Store) PreMasterOf(encrypted []byte) []byte {
	if len(encrypted) < encryptedSize {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.encrypted[string(encrypted[:encryptedSize])]
}

// MasterOfSession returns a master secret by session id (RSA Session-ID:… Master-Key:…), nil when it is not known.
func (s *Store) MasterOfSession(id []byte) []byte {
	if len(id) == 0 {
		return nil
	}
	name := nameOf(id)
	return s.lookUp(&s.ofSession, name[:])
}

// TrafficSecrets calls yield for every secret under l, in the order in which they came, until it returns false: for flows
// whose hellos are missing. Those that are added meanwhile may be left out; yield may call s.
func (s *Store) TrafficSecrets(l Label, yield func(clientRandom, secret []byte) bool) {
	if l >= labels {
		return
	}
	for i := uint32(0); ; i++ {
		s.mu.RLock()
		t := &s.traffic[l]
		if i >= t.n {
			s.mu.RUnlock()
			return
		}
		e := t.entry(i)
		s.mu.RUnlock()
		if !yield(e.key[:], e.value()) {
			return
		}
	}
}

// RSAKeys returns the keys, those first whose modulus is n (may be nil).
func (s *Store) RSAKeys(n []byte) []*rsa.PrivateKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := slices.Clone(s.keys)
	n = bytes.TrimLeft(n, "\x00")
	slices.SortStableFunc(keys, func(a, b *rsa.PrivateKey) int {
		return fits(b, n) - fits(a, n)
	})
	return keys
}

func fits(k *rsa.PrivateKey, n []byte) int {
	if len(n) > 0 && bytes.Equal(k.N.Bytes(), n) {
		return 1
	}
	return 0
}

// PSKs returns the pre-shared keys.
func (s *Store) PSKs() [][]byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.psks)
}

// Empty reports whether there is nothing at all to decrypt with.
func (s *Store) Empty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.used == 0 && len(s.keys) == 0 && len(s.psks) == 0
}

// Generation grows whenever something was added or remembered: a flow that lacked its secret may be worth another try.
func (s *Store) Generation() uint64 { return s.generation.Load() }
