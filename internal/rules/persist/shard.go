package persist

import (
	"sync"
	"sync/atomic"
	"time"
)

// What a record and a variable are charged with besides the bytes of their texts: map cells, headers, list links.
const (
	entryCost    = 256
	variableCost = 96
)

type identity struct{ collection, key string }

// variable is one value. A variable may have a term before it has a value: expirevar may stand before setvar.
type variable struct {
	value   string
	set     bool
	expires time.Time // zero: as long as the record
	decayed time.Time // since when deprecatevar counts
}

// entry is a record that something was stored in.
type entry struct {
	id           identity
	vars         map[string]variable
	created      time.Time
	updated      time.Time
	timeout      time.Duration
	updates      int64
	bytes        int64
	newer, older *entry
}

// shard is a part of the store with a lock and a bound of its own.
type shard struct {
	mu             sync.Mutex
	records        map[identity]*entry
	newest, oldest *entry
	bytes, limit   int64
	entries        int
	evicted        *atomic.Uint64
}

// find returns the record, as the most recently used one; nil where there is none or its time is over. The lock is held.
func (h *shard) find(id identity, now time.Time) *entry {
	e := h.records[id]
	if e == nil {
		return nil
	}
	if now.Sub(e.updated) >= e.timeout {
		h.drop(e)
		return nil
	}
	h.unlink(e)
	h.link(e)
	return e
}

// make returns the record, created where there is none. The lock is held.
func (h *shard) make(r *Record, now time.Time) *entry {
	if e := h.find(r.id, now); e != nil {
		return e
	}
	e := &entry{id: r.id, vars: map[string]variable{}, created: now, updated: now, timeout: r.timeout}
	e.bytes = entryCost + int64(len(r.id.collection)+len(r.id.key))
	h.records[r.id] = e
	h.bytes += e.bytes
	h.link(e)
	return e
}

// settle brings the shard back into its bounds, the least recently used first. A record that alone is too large goes too.
func (h *shard) settle() {
	for h.oldest != nil && (len(h.records) > h.entries || h.bytes > h.limit) {
		h.drop(h.oldest)
		h.evicted.Add(1)
	}
}

func (h *shard) drop(e *entry) {
	delete(h.records, e.id)
	h.bytes -= e.bytes
	h.unlink(e)
}

func (h *shard) charge(e *entry, n int) {
	e.bytes += int64(n)
	h.bytes += int64(n)
}

func (h *shard) link(e *entry) {
	e.older, e.newer = h.newest, nil
	if h.newest != nil {
		h.newest.newer = e
	} else {
		h.oldest = e
	}
	h.newest = e
}

func (h *shard) unlink(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		h.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		h.oldest = e.newer
	}
}

// lookup returns a variable of e that has not run out. The lock is held.
func (h *shard) lookup(e *entry, name string, now time.Time) (variable, bool) {
	v, ok := e.vars[name]
	if ok && !v.expires.IsZero() && !now.Before(v.expires) {
		h.remove(e, name)
		return variable{}, false
	}
	return v, ok
}

// put stores a variable. Where there are too many, or the name is too long, it is not kept.
func (h *shard) put(e *entry, name string, v variable) {
	old, ok := e.vars[name]
	switch {
	case ok:
		h.charge(e, len(v.value)-len(old.value))
	case len(e.vars) >= maxVariables || len(name) > maxName:
		return
	default:
		h.charge(e, variableCost+len(name)+len(v.value))
	}
	e.vars[name] = v
}

func (h *shard) remove(e *entry, name string) {
	if v, ok := e.vars[name]; ok {
		h.charge(e, -(variableCost + len(name) + len(v.value)))
		delete(e.vars, name)
	}
}
