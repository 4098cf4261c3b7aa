package match

import (
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"strconv"
	"sync"
	"weak"
)

// Cache gives the same [Set] for the same list of patterns, and makes sets of lists that have patterns in common of the same automata. It
// remembers what somebody holds and nothing else: with the last set that is made of it, an automaton goes. So it needs no bound of its own.
// Safe for concurrent use. The zero value is empty.
type Cache struct {
	building sync.Mutex // one set is made at a time, so that the next finds what the last is made of
	sets     held[digest, Set]
	views    held[digest, Set]
	parts    held[digest, part]
	automata held[digest, dfa]
	making   [stripes]sync.Mutex // of automata, by the first byte of their digest
	singles  held[string, Single]
	valid    valid
}

// stripes is how many automata that others may want are made at a time, at most.
const stripes = 64

// valid remembers expressions that can be read.
type valid struct {
	mu sync.Mutex
	m  map[digest]struct{}
}

// maxValid is how many expressions valid remembers before it begins anew.
const maxValid = 1 << 14

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{} }

// New is [New], or the set that an earlier call with equal patterns and limits made, while somebody holds it.
func (c *Cache) New(patterns []Pattern, l Limits) (*Set, []PatternError) {
	return c.set(patterns, l, true)
}

// Base is New for those who look for candidates in sets that Only made of it: it has no tables for that itself, and Candidates, Scan and Verify must not
// be called.
func (c *Cache) Base(patterns []Pattern, l Limits) (*Set, []PatternError) {
	return c.set(patterns, l, false)
}

func (c *Cache) set(patterns []Pattern, l Limits, whole bool) (*Set, []PatternError) {
	if l.States <= 0 {
		l.States = defaultStates
	}
	if l.Memory <= 0 {
		l.Memory = defaultMemory
	}
	key := keyOfSet(patterns, l, whole)
	if s := c.sets.get(key); s != nil {
		return s, nil
	}
	c.building.Lock()
	defer c.building.Unlock()
	if s := c.sets.get(key); s != nil { // another made it while this one waited
		return s, nil
	}
	s, errs := c.make(patterns, l)
	if errs != nil {
		return nil, errs
	}
	if whole {
		s.arrange()
	} else {
		s.leave()
	}
	s.key = key
	c.sets.put(key, s)
	return s, nil
}

// Only returns a set of the same patterns as s, which the cache made, under the same numbers, that looks for those of want alone: the others never
// match. It shares their automata with s.
func (c *Cache) Only(s *Set, want Bits) *Set {
	text := s.key[:]
	for _, w := range want {
		text = binary.LittleEndian.AppendUint64(text, w)
	}
	key := digest(sha256.Sum256(text))
	c.building.Lock()
	defer c.building.Unlock()
	if v := c.views.get(key); v != nil {
		return v
	}
	v := s.only(want)
	c.views.put(key, v)
	return v
}

// Single is [NewSingle], or the same expression compiled before, while somebody holds it.
func (c *Cache) Single(expr string) (*Single, error) {
	if s := c.singles.get(expr); s != nil {
		return s, nil
	}
	s, err := NewSingle(expr)
	if err == nil {
		c.singles.put(expr, s)
	}
	return s, err
}

// Check reports what is wrong with an expression that is not compiled. It remembers those that are right.
func (c *Cache) Check(expr string) error {
	key := digest(sha256.Sum256([]byte(expr)))
	v := &c.valid
	v.mu.Lock()
	_, ok := v.m[key]
	v.mu.Unlock()
	if ok {
		return nil
	}
	if _, _, err := parse(expr); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil || len(v.m) >= maxValid {
		v.m = map[digest]struct{}{}
	}
	v.m[key] = struct{}{}
	return nil
}

// Sets returns how many sets are held. One that nobody holds any longer counts until the garbage collector has been there.
func (c *Cache) Sets() int { return c.sets.len() }

// held finds values that somebody else holds.
type held[K comparable, V any] struct {
	mu sync.Mutex
	m  map[K]weak.Pointer[V]
}

// get returns the value of k, nil where there is none any longer.
func (h *held[K, V]) get(k K) *V {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.m[k].Value()
}

// put notes v until nobody holds it.
func (h *held[K, V]) put(k K, v *V) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.m == nil {
		h.m = map[K]weak.Pointer[V]{}
	}
	h.m[k] = weak.Make(v)
	runtime.AddCleanup(v, h.drop, k)
}

// drop forgets k, unless it has a new value by now.
func (h *held[K, V]) drop(k K) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.m[k].Value() == nil {
		delete(h.m, k)
	}
}

func (h *held[K, V]) len() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.m {
		if p.Value() != nil {
			n++
		}
	}
	return n
}

// digest names what a set is made of.
type digest [sha256.Size]byte

// keyOfSet names the set of patterns.
func keyOfSet(patterns []Pattern, l Limits, whole bool) digest {
	text := binary.AppendVarint(strconv.AppendBool(nil, whole), l.Memory)
	for _, p := range patterns {
		d := p.key(l)
		text = append(text, d[:]...)
	}
	return sha256.Sum256(text)
}

// key names p by itself. Every text stands behind its length, so that no two patterns have one key.
func (p *Pattern) key(l Limits) digest {
	text := binary.AppendVarint([]byte{byte(p.Kind)}, int64(l.States))
	text = binary.AppendVarint(text, int64(len(p.Expr)))
	text = append(text, p.Expr...)
	for _, w := range p.Words {
		text = binary.AppendVarint(text, int64(len(w)))
		text = append(text, w...)
	}
	return sha256.Sum256(text)
}
