package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// cache keeps what was once looked up by label values. Reading takes no lock; the map is copied on the rare insert.
// At most max keys are kept: later ones are made anew each time.
type cache[K comparable, V any] struct {
	make func(K) V
	max  int

	m  atomic.Pointer[map[K]V]
	mu sync.Mutex
}

func newCache[K comparable, V any](limit int, make func(K) V) *cache[K, V] {
	return &cache[K, V]{make: make, max: limit}
}

func (c *cache[K, V]) get(k K) V {
	if m := c.m.Load(); m != nil {
		if v, ok := (*m)[k]; ok {
			return v
		}
	}
	return c.insert(k)
}

func (c *cache[K, V]) insert(k K) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	var old map[K]V
	if m := c.m.Load(); m != nil {
		old = *m
	}
	if v, ok := old[k]; ok {
		return v
	}
	v := c.make(k)
	if len(old) >= c.max {
		return v
	}
	m := maps.Clone(old)
	if m == nil {
		m = map[K]V{}
	}
	m[k] = v
	c.m.Store(&m)
	return v
}
