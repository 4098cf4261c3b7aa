package incident

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
)

// Overflow is site, origin and cause of the incident that counts failures of which there are too many kinds to follow each.
const Overflow = "other"

// kind is what is known of a failure before anybody looked at it.
type kind struct {
	site, origin string
	reason       reason.Code
}

// known is a kind of failure that was seen.
type known struct {
	entry      *entry       // of its latest cause
	nextSample atomic.Int64 // nanoseconds since the Keeper began; until then none is wanted
}

// entry is an incident as it is followed in memory.
type entry struct {
	key      store.Key
	id       string
	change   store.Change // what the store does not know yet
	sampled  bool         // it has its oldest sample, or one waits
	waiting  *waiting     // its newest sample that waits; nil
	lastSeen time.Time
	added    bool // lastSeen is when this process added one
}

// place is where requests go well or not.
type place struct{ site, origin string }

// Keeper groups failures into incidents. Its methods but Run are for any goroutine and never wait for a disk.
type Keeper struct {
	cfg        Config
	most       int // keys that are followed in memory, and half of the kinds
	store      *store.Store
	recipients []age.Recipient

	wells atomic.Pointer[map[place]*atomic.Int64] // when a request went well last, at places with open incidents; replaced, never changed

	mu      sync.RWMutex
	kinds   map[kind]*known
	entries map[store.Key]*entry
	dirty   map[*entry]struct{} // with something that the store does not know
	samples []*waiting          // in the order in which they came
	stalls  map[string]stalled  // by id of the request

	// Those of Run alone.
	warned   map[string]time.Time // when a warning of this kind was given last
	resolved time.Time            // when quiet incidents were looked for last
	pruned   time.Time
	written  int64 // bytes of samples since then
	clock    clock // its start is for any goroutine
}

// New makes a Keeper that knows what s holds already, and sweeps what a process that was killed left of samples. It does nothing until Run.
func New(cfg Config, s *store.Store) (*Keeper, error) {
	k := &Keeper{cfg: cfg.filled(), most: mostKeys, store: s, kinds: map[kind]*known{}, entries: map[store.Key]*entry{}, dirty: map[*entry]struct{}{}, stalls: map[string]stalled{}, warned: map[string]time.Time{}}
	k.clock.start = k.cfg.Now()
	k.wells.Store(&map[place]*atomic.Int64{})
	if cfg.Folder != "" {
		if path, err := filepath.Abs(cfg.Folder); err == nil {
			k.cfg.Folder = path
		}
		if len(cfg.Recipients) == 0 && !cfg.Plain {
			return nil, errors.New("keep incidents: samples need recipients to be encrypted to, or leave to be plain")
		}
		for _, text := range cfg.Recipients {
			r, err := ParseRecipient(text)
			if err != nil {
				return nil, fmt.Errorf("keep incidents: %w", err)
			}
			k.recipients = append(k.recipients, r)
		}
		if err := samplesFolder(filepath.Join(cfg.Folder, SamplesFolder)); err != nil {
			return nil, fmt.Errorf("keep incidents: %w", err)
		}
	}
	all, err := s.Incidents(context.Background(), store.Query{All: true, Limit: mostKeys / 2})
	if err != nil {
		return nil, fmt.Errorf("keep incidents: %w", err)
	}
	for i := len(all) - 1; i >= 0; i-- { // the latest cause of a kind last
		n := &all[i]
		e := &entry{key: n.Key, id: n.ID, sampled: len(n.Samples) > 0, lastSeen: n.Last}
		k.entries[n.Key] = e
		k.kinds[kind{n.Site, n.Origin, reason.Code(n.Reason)}] = &known{entry: e}
	}
	k.renewWells(all)
	k.sweep(context.Background())
	return k, nil
}

// Add counts a failure, takes its sample where one is wanted, and returns the id of its incident. It never waits. An id may turn out to be
// another one's, should a process have begun the same incident meanwhile: the store finds the incident by either.
func (k *Keeper) Add(f Failure) string {
	now := k.cfg.Now()
	if f.At.IsZero() {
		f.At = now
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	which := kind{f.Site, f.Origin, f.Reason}
	e := k.entryOf(k.keyOf(which, &f))
	e.lastSeen, e.added = now, true
	kn := k.kinds[which]
	if kn == nil && len(k.kinds) < 2*k.most && e.key.Site != Overflow {
		kn = &known{}
		k.kinds[which] = kn
	}
	if kn != nil {
		kn.entry = e
	}
	k.count(e, &f, now)
	if f.Sample != nil && k.cfg.Folder != "" && !k.take(e, &f) && kn != nil {
		kn.nextSample.Store(0) // no room for it: another is wanted soon
	}
	return e.id
}

// keyOf is the incident that a failure belongs to.
func (k *Keeper) keyOf(which kind, f *Failure) store.Key {
	key := store.Key{Site: f.Site, Origin: f.Origin, Cause: string(f.Reason)}
	switch {
	case f.Finding != nil:
		key.Cause = string(f.Finding.Code)
	case f.Judged:
	default:
		if s, ok := k.stalls[f.Request]; ok && f.Request != "" && s.entry.key.Site == f.Site && s.entry.key.Origin == f.Origin {
			return s.entry.key
		}
		if kn := k.kinds[which]; kn != nil && kn.entry != nil {
			return kn.entry.key
		}
	}
	return key
}

// entryOf is the entry of a key, which is begun where there is none, or the one for all others where there is no room.
func (k *Keeper) entryOf(key store.Key) *entry {
	if e := k.entries[key]; e != nil {
		return e
	}
	if len(k.entries) >= k.most {
		key = store.Key{Site: Overflow, Origin: Overflow, Cause: Overflow}
		if e := k.entries[key]; e != nil {
			return e
		}
	}
	e := &entry{key: key, id: exchange.NewID(k.cfg.Now())}
	k.entries[key] = e
	return e
}

// stalled is a stall that was counted and whose end is awaited.
type stalled struct {
	entry *entry
	at    time.Time
}

// count adds f to what the store is to be told.
func (k *Keeper) count(e *entry, f *Failure, now time.Time) {
	c := &e.change
	one := int64(1)
	if f.Again {
		one = 0
	}
	if f.Request != "" {
		s, ok := k.stalls[f.Request]
		switch {
		case ok && s.entry == e: // it was counted when it was reported
			one = 0
		case f.Stall && len(k.stalls) < mostStalls:
			k.stalls[f.Request] = stalled{e, now}
		}
		if !f.Stall {
			delete(k.stalls, f.Request)
		}
		if len(c.Requests) < mostRequests && one > 0 {
			c.Requests = append(c.Requests, f.Request)
		}
	}
	k.dirty[e] = struct{}{}
	c.Count += one
	if f.Stall {
		c.Stalls += one
	}
	if c.First.IsZero() || f.At.Before(c.First) {
		c.First = f.At
	}
	if f.At.After(c.Last) {
		c.Last = f.At
	}
	c.Reason, c.Detail = string(f.Reason), WithoutQueries(f.Detail)
	e.describe(f)
}

// describe takes over what was found; where nothing was, what the reason means.
func (e *entry) describe(f *Failure) {
	c := &e.change
	switch {
	case f.Finding != nil:
		c.Title, c.Summary, c.Severity = f.Finding.Title, WithoutQueries(f.Finding.Summary), f.Finding.Severity.String()
		if s := f.Finding.Confidence.String(); c.Confidence != "certain" {
			c.Confidence = s
		}
	case f.Stall && c.Title == "" && e.key.Cause == string(f.Reason):
		c.Title, _ = Meaning(f.Reason, true, "")
		c.Severity = "warning"
	case !f.Stall && c.Summary == "" && e.key.Cause == string(f.Reason):
		c.Title, _ = Meaning(f.Reason, false, "")
		c.Severity = "critical"
	}
}

// Proven says what a counterfactual demonstrated about an incident: one sentence, and the lines of YAML below sites[] that made the
// difference. The incident must have failures.
func (k *Keeper) Proven(key store.Key, sentence, yaml string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.entries[key]
	if e == nil {
		return
	}
	e.change.Proven, e.change.Cure = sentence, yaml
	k.dirty[e] = struct{}{}
}

// Well says that a request to the origin went well. It costs a look into a map.
func (k *Keeper) Well(site, origin string, at time.Time) {
	wells := *k.wells.Load()
	if len(wells) == 0 {
		return
	}
	if w := wells[place{site, origin}]; w != nil {
		w.Store(at.UnixNano())
	}
}

// WantsSample reports whether the next failure of this kind should come with a sample, and be judged: the first, and then one every
// Config.SampleEvery. It says yes to one of all who ask.
func (k *Keeper) WantsSample(site, origin string, r reason.Code) bool {
	now := k.clock.since(k.cfg.Now()).Nanoseconds() // setting the clock must not keep samples away
	which := kind{site, origin, r}
	k.mu.RLock()
	kn := k.kinds[which]
	k.mu.RUnlock()
	if kn == nil {
		k.mu.Lock()
		if kn = k.kinds[which]; kn == nil && len(k.kinds) < 2*k.most {
			kn = &known{}
			k.kinds[which] = kn
		}
		k.mu.Unlock()
	}
	if kn == nil {
		return false
	}
	next := kn.nextSample.Load()
	return now >= next && kn.nextSample.CompareAndSwap(next, now+int64(k.cfg.SampleEvery))
}

// ID is that of the incident to which the last failure of this kind belongs; "" where there was none.
func (k *Keeper) ID(site, origin string, r reason.Code) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if kn := k.kinds[kind{site, origin, r}]; kn != nil && kn.entry != nil {
		return kn.entry.id
	}
	return ""
}
