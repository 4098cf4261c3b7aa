// Package persist keeps the persistent collections of SecLang (IP, GLOBAL, SESSION, USER, RESOURCE) in memory.
//
// Input: a collection and a key, such as ("ip", "192.0.2.1"), from initcol, setsid, setuid, setrsc; then reads and changes of its
// variables. Output: their values, with the built-in ones of the ModSecurity manual: CREATE_TIME, IS_NEW, KEY, LAST_UPDATE_TIME,
// TIMEOUT, UPDATE_COUNTER, UPDATE_RATE.
//
// Promises: no change is lost under concurrency; records and bytes are bounded, the least recently used record goes first; every
// operation takes constant time but [Record.Each]; what ran out of time is never seen again; no goroutine, no clock but Config.Now. A [Pool]
// holds stores by name for as long as somebody uses them, and a while longer.
//
// Non-goals: other machines, disks: what is here ends with the process.
package persist

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// Config bounds a store. The zero value is the documented default.
type Config struct {
	Entries int              // records at most; 0 is 65,536
	Bytes   int64            // bytes of names, values and bookkeeping at most; 0 is 64 MiB
	Timeout time.Duration    // a record goes so long after its last change (SecCollectionTimeout); 0 is an hour
	Now     func() time.Time // nil is time.Now
}

// The defaults, and how much of a store one shard should have at least, so that small stores evict in the right order.
const (
	defaultEntries = 65536
	defaultBytes   = 64 << 20
	defaultTimeout = time.Hour
	maxShards      = 64
	shardEntries   = 256
	shardBytes     = 256 << 10
	maxVariables   = 256     // of one record: names may come from requests
	maxName        = 256     // bytes of a name; longer ones are not kept
	maxValue       = 4 << 10 // bytes of a value; longer ones are cut
)

// Store holds records. It is safe for concurrent use.
type Store struct {
	shards  []shard
	seed    maphash.Seed
	now     func() time.Time
	timeout time.Duration
	evicted atomic.Uint64
}

// New returns an empty store.
func New(c Config) *Store {
	if c.Entries <= 0 {
		c.Entries = defaultEntries
	}
	if c.Bytes <= 0 {
		c.Bytes = defaultBytes
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	n := 1
	for n < maxShards && c.Entries/(2*n) >= shardEntries && c.Bytes/int64(2*n) >= shardBytes {
		n *= 2
	}
	s := &Store{shards: make([]shard, n), seed: maphash.MakeSeed(), now: c.Now, timeout: c.Timeout}
	for i := range s.shards {
		s.shards[i] = shard{records: map[identity]*entry{}, entries: c.Entries / n, limit: c.Bytes / int64(n), evicted: &s.evicted}
	}
	return s
}

// Open names a record. Nothing is stored until something is set: a record that is only read stays new.
// One request opens its own Record; several goroutines may use it and others of the same name.
func (s *Store) Open(collection, key string) *Record { return s.OpenFor(collection, key, 0) }

// OpenFor is Open for rules with a timeout of their own: what they store anew goes so long after its last change. 0 is Config.Timeout.
func (s *Store) OpenFor(collection, key string, timeout time.Duration) *Record {
	if timeout <= 0 {
		timeout = s.timeout
	}
	id := identity{collection, key}
	r := &Record{store: s, shard: &s.shards[s.place(id)], id: id, timeout: timeout}
	now := s.now()
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	r.opened = now
	r.isNew = r.shard.find(id, now) == nil
	return r
}

// place is the shard of id. Collection and key are hashed apart, so that no two records share a place by how they are joined.
func (s *Store) place(id identity) uint64 {
	h := maphash.String(s.seed, id.key) ^ maphash.String(s.seed, id.collection)*0x9e3779b97f4a7c15
	return h & uint64(len(s.shards)-1) //nolint:gosec // a count of shards is positive
}

// Stats says what a store holds.
type Stats struct {
	Entries int    // records, those out of time that nobody asked for included
	Bytes   int64  // that they are charged with
	Evicted uint64 // records that had to go for want of room, since New
}

// Stats counts. It locks one shard after the other.
func (s *Store) Stats() Stats {
	out := Stats{Evicted: s.evicted.Load()}
	for i := range s.shards {
		h := &s.shards[i]
		h.mu.Lock()
		out.Entries += len(h.records)
		out.Bytes += h.bytes
		h.mu.Unlock()
	}
	return out
}
