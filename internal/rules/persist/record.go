package persist

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Record is a collection as one request sees it. Names of variables are lower case; others are turned so.
type Record struct {
	store   *Store
	shard   *shard
	id      identity
	timeout time.Duration // of what this request stores anew
	opened  time.Time
	isNew   bool
	counted bool // whether this request's changes are in UPDATE_COUNTER: it counts requests that changed something
}

// Key is the key that the record was opened with.
func (r *Record) Key() string { return r.id.key }

// Get returns a variable, built-in ones included, and whether there is one.
func (r *Record) Get(name string) (string, bool) {
	name = strings.ToLower(name)
	now := r.store.now()
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	e := r.shard.find(r.id, now)
	if v, ok := r.builtin(e, name, now); ok {
		return v, true
	}
	if e == nil {
		return "", false
	}
	v, _ := r.shard.lookup(e, name, now)
	return v.value, v.set
}

// Set stores a value, cut to 4 KiB. A term set by Expire stays. Of the built-in variables only timeout, in seconds, can be set.
func (r *Record) Set(name, value string) {
	if len(value) > maxValue {
		value = value[:maxValue]
	}
	r.change(name, func(variable) string { return value })
}

// Add adds n to a variable, one that is no number counting as 0, and returns what it is then. It stops at 0, as ModSecurity's
// counters do, and at the ends of the range instead of wrapping.
func (r *Record) Add(name string, n int64) int64 {
	var sum int64
	r.change(name, func(old variable) string {
		sum = max(add(number(old.value), n), 0)
		return strconv.FormatInt(sum, 10)
	})
	return sum
}

// Deprecate takes amount off a variable for each whole period since it was set first or was last made smaller so, down to 0.
// Where there is no such variable nothing happens.
func (r *Record) Deprecate(name string, amount int64, period time.Duration) {
	name = strings.ToLower(name)
	now := r.store.now()
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	e := r.shard.find(r.id, now)
	if e == nil || amount <= 0 || period <= 0 {
		return
	}
	v, _ := r.shard.lookup(e, name, now)
	steps := int64(now.Sub(v.decayed) / period)
	if !v.set || steps <= 0 {
		return
	}
	left := number(v.value)
	if left/amount < steps {
		left = 0
	} else {
		left -= amount * steps
	}
	v.value, v.decayed = strconv.FormatInt(left, 10), v.decayed.Add(time.Duration(steps)*period)
	r.shard.put(e, name, v)
	r.count(e, now)
	r.shard.settle()
}

// Remove takes a variable away.
func (r *Record) Remove(name string) {
	name = strings.ToLower(name)
	now := r.store.now()
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	if e := r.shard.find(r.id, now); e != nil {
		if _, ok := r.shard.lookup(e, name, now); ok {
			r.shard.remove(e, name)
			r.count(e, now)
		}
	}
}

// Expire makes a variable go after d, whatever is set meanwhile. A variable that is set later only has the term too.
func (r *Record) Expire(name string, d time.Duration) {
	name = strings.ToLower(name)
	if isBuiltin(name) {
		return
	}
	now := r.store.now()
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	e := r.shard.make(r, now)
	v, _ := r.shard.lookup(e, name, now)
	v.expires = now.Add(max(d, 0))
	r.shard.put(e, name, v)
	r.count(e, now)
	r.shard.settle()
}

// Each calls f with each variable, built-in ones included, in the order of their names. f may use the record.
func (r *Record) Each(f func(name, value string)) {
	type pair struct{ name, value string }
	var all []pair
	now := r.store.now()
	r.shard.mu.Lock()
	e := r.shard.find(r.id, now)
	for _, name := range builtins() {
		v, _ := r.builtin(e, name, now)
		all = append(all, pair{name, v})
	}
	if e != nil {
		for name := range e.vars {
			if v, _ := r.shard.lookup(e, name, now); v.set {
				all = append(all, pair{name, v.value})
			}
		}
	}
	r.shard.mu.Unlock()
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	for _, p := range all {
		f(p.name, p.value)
	}
}

// change stores what f makes of a variable, in one step that nobody can come between.
func (r *Record) change(name string, f func(variable) string) {
	name = strings.ToLower(name)
	now := r.store.now()
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	if name == "timeout" {
		e := r.shard.make(r, now)
		v := variable{value: strconv.FormatInt(seconds(e.timeout), 10)}
		e.timeout = time.Duration(min(max(number(f(v)), 0), math.MaxInt32)) * time.Second
		r.count(e, now)
		r.shard.settle()
		return
	}
	if isBuiltin(name) {
		f(variable{})
		return
	}
	e := r.shard.make(r, now)
	v, _ := r.shard.lookup(e, name, now)
	if !v.set {
		v.decayed = now
	}
	v.value, v.set = f(v), true
	r.shard.put(e, name, v)
	r.count(e, now)
	r.shard.settle()
}

// count notes a change: the record's time starts anew, and the request is counted once.
func (r *Record) count(e *entry, now time.Time) {
	e.updated = now
	if !r.counted {
		r.counted = true
		e.updates++
	}
}

func builtins() [7]string {
	return [...]string{"create_time", "is_new", "key", "last_update_time", "timeout", "update_counter", "update_rate"}
}

func isBuiltin(name string) bool {
	switch name {
	case "create_time", "is_new", "key", "last_update_time", "timeout", "update_counter", "update_rate":
		return true
	}
	return false
}

// builtin is a variable that the store keeps by itself. e is nil for a record that nothing was stored in.
func (r *Record) builtin(e *entry, name string, now time.Time) (string, bool) {
	if !isBuiltin(name) {
		return "", false
	}
	if e == nil {
		e = &entry{created: r.opened, updated: r.opened, timeout: r.timeout}
	}
	n := int64(0)
	switch name {
	case "key":
		return r.id.key, true
	case "is_new":
		if r.isNew {
			n = 1
		}
	case "create_time":
		n = e.created.Unix()
	case "last_update_time":
		n = e.updated.Unix()
	case "timeout":
		n = seconds(e.timeout)
	case "update_counter":
		n = e.updates
	case "update_rate": // changes a minute since the record exists
		if age := seconds(now.Sub(e.created)); age > 0 {
			n = e.updates * 60 / age
		}
	}
	return strconv.FormatInt(n, 10), true
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // at an overflow the nearest number, else 0
	return n
}

func add(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}
