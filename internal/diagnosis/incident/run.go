package incident

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/lunette-waf/lunette/internal/store"
)

const (
	mostTick    = time.Second
	leastTick   = 10 * time.Millisecond
	pruneEvery  = time.Minute
	warnEvery   = time.Minute
	endsWithin  = 10 * time.Second // what waits is written within that time once Run is to end
	mostAtATime = 8                // samples that are written before counts are looked after again
)

// Run writes counts each second and samples as they come, resolves what grew quiet, and prunes. When ctx ends it writes what waits, within
// ten seconds, and returns. It is called once.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(min(mostTick, max(leastTick, k.cfg.ResolveAfter/4)))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsWithin)
			defer cancel()
			if k.flush(ctx) {
				k.writeSamples(ctx, mostWaiting)
			}
			return
		case <-tick.C:
			k.turn(ctx)
		}
	}
}

// turn is what Run does each time.
func (k *Keeper) turn(ctx context.Context) {
	if !k.flush(ctx) {
		return
	}
	k.writeSamples(ctx, mostAtATime)
	now := k.cfg.Now()
	if now.Sub(k.resolved) >= min(time.Minute, k.cfg.ResolveAfter/20) {
		k.resolved = now
		k.resolve(ctx, now)
	}
	if now.Sub(k.pruned) >= pruneEvery || k.written > k.cfg.MaxSize/8 {
		k.pruned, k.written = now, 0
		k.prune(ctx, now)
	}
}

// flush tells the store what it does not know. It reports whether the store took it; what it did not take waits in memory.
func (k *Keeper) flush(ctx context.Context) bool {
	k.mu.Lock()
	entries := make([]*entry, 0, len(k.dirty))
	changes := make([]store.Change, 0, len(k.dirty))
	for e := range k.dirty {
		c := e.change
		c.Key, c.ID, c.Soon = e.key, e.id, k.cfg.soon()
		entries, changes = append(entries, e), append(changes, c)
		e.change = store.Change{}
	}
	clear(k.dirty)
	k.mu.Unlock()
	if len(changes) == 0 {
		return true
	}
	applied, err := k.store.Apply(ctx, changes)
	k.mu.Lock()
	for i, e := range entries {
		if err != nil {
			merge(&changes[i], &e.change)
			e.change = changes[i]
			k.dirty[e] = struct{}{}
		} else if id := applied[i].Incident.ID; id != "" {
			e.id = id
		}
	}
	k.forget(k.cfg.Now())
	k.mu.Unlock()
	if err != nil {
		k.warn("store", "incidents cannot be written; counts wait in memory and are written when that is over", err)
		return false
	}
	k.tell(ctx, applied)
	return true
}

// merge adds to c what happened after it.
func merge(c, later *store.Change) {
	c.Count += later.Count
	c.Stalls += later.Stalls
	if c.First.IsZero() || !later.First.IsZero() && later.First.Before(c.First) {
		c.First = later.First
	}
	if later.Last.After(c.Last) {
		c.Last = later.Last
	}
	if later.Reason != "" {
		c.Reason, c.Detail = later.Reason, later.Detail
	}
	if later.Title != "" {
		c.Title, c.Summary, c.Severity = later.Title, later.Summary, later.Severity
	}
	if later.Confidence != "" && c.Confidence != "certain" {
		c.Confidence = later.Confidence
	}
	if later.Proven != "" {
		c.Proven, c.Cure = later.Proven, later.Cure
	}
	c.Requests = append(c.Requests, later.Requests...)
	c.Requests = c.Requests[:min(len(c.Requests), mostRequests)]
}

// tell says which incidents began or came back.
func (k *Keeper) tell(ctx context.Context, applied []store.Applied) {
	var events []store.Event
	for i := range applied {
		n := &applied[i].Incident
		what, word := "incident_opened", "opened"
		switch {
		case applied[i].Opened:
		case applied[i].Reopened:
			what, word = "incident_reopened", "came back"
		default:
			continue
		}
		k.cfg.Log.Warn("incident "+word, "incident", n.ID, "site", n.Site, "origin", n.Origin, "cause", n.Cause, "reason", n.Reason, "confidence", n.Confidence,
			"summary", n.Summary, "next", k.next(n.ID))
		events = append(events, store.Event{At: n.Last, Site: n.Site, Origin: n.Origin, Kind: what, Text: fmt.Sprintf("incident %s %s: %s: %s", n.ID, word, n.Cause, n.Title)})
		if k.cfg.Opened != nil {
			k.cfg.Opened(*n)
		}
	}
	k.event(ctx, events...)
}

// next is what to type to see more of an incident.
func (k *Keeper) next(id string) string {
	if k.cfg.Folder == "" {
		return "GET /incidents at the admin address; set incidents.folder: until then incidents live in the memory of this process, without samples"
	}
	return "lunette incidents show " + id + " --folder " + Quoted(k.cfg.Folder)
}

// Quoted is text as a shell takes it for one word.
func Quoted(text string) string {
	if text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:@%", r)
	}) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func (k *Keeper) event(ctx context.Context, events ...store.Event) {
	if len(events) == 0 {
		return
	}
	if err := k.store.AddEvent(ctx, events...); err != nil {
		k.warn("store", "an event cannot be written", err)
	}
}

// warn writes a warning of a kind at most once a minute.
func (k *Keeper) warn(what, text string, err error) {
	if now := k.cfg.Now(); now.Sub(k.warned[what]) >= warnEvery {
		k.warned[what] = now
		k.cfg.Log.Warn(text, "folder", k.cfg.Folder, "cause", err.Error(), "next", "look at the space and the rights of the folder")
	}
}

// forget takes out of memory what is no longer needed there. The lock is held.
func (k *Keeper) forget(now time.Time) {
	maps.DeleteFunc(k.stalls, func(_ string, s stalled) bool { return now.Sub(s.at) > stallsLast })
	if len(k.entries) < k.most/2 && len(k.kinds) < k.most {
		return
	}
	idle := func(e *entry) bool {
		_, dirty := k.dirty[e]
		return e == nil || !dirty && e.waiting == nil && now.Sub(e.lastSeen) > idleAfter
	}
	for s, x := range k.stalls { // they point to entries
		if idle(x.entry) {
			delete(k.stalls, s)
		}
	}
	maps.DeleteFunc(k.kinds, func(_ kind, kn *known) bool { return idle(kn.entry) })
	maps.DeleteFunc(k.entries, func(_ store.Key, e *entry) bool { return idle(e) })
}

// resolve ends the incidents that grew quiet (the package comment has the rule), and says where requests are to be watched.
func (k *Keeper) resolve(ctx context.Context, now time.Time) {
	all, err := k.store.Incidents(ctx, store.Query{Brief: true, Limit: mostKeys})
	if err != nil {
		k.warn("store", "incidents cannot be read", err)
		return
	}
	wells := *k.wells.Load()
	for i := range all {
		n := &all[i]
		wait := k.cfg.quiet(n.Flaps)
		well := wells[place{n.Site, n.Origin}]
		last := n.Last
		if last.After(now.Add(futureFrom)) { // the clock was set back: what is known in memory counts
			last = k.lastSeen(n.Key, now)
		}
		if now.Sub(last) < wait || well == nil || well.Load() < last.Add(wait/2).UnixNano() {
			continue
		}
		done, err := k.store.Quiet(ctx, n.Key, n.Last, now)
		if err != nil {
			k.warn("store", "an incident cannot be resolved", err)
		}
		if done {
			text := fmt.Sprintf("incident %s resolved: %s was not seen for %s while requests went well", n.ID, n.Cause, now.Sub(n.Last).Round(time.Millisecond))
			k.cfg.Log.Info("incident resolved", "incident", n.ID, "site", n.Site, "origin", n.Origin, "cause", n.Cause, "count", n.Count)
			k.event(ctx, store.Event{At: now, Site: n.Site, Origin: n.Origin, Kind: "incident_resolved", Text: text})
		}
	}
	k.renewWells(all)
}

// lastSeen is when a failure of this incident was added last, as the clock now counts; for one that this process has not seen, when it began.
func (k *Keeper) lastSeen(key store.Key, now time.Time) time.Time {
	k.mu.RLock()
	defer k.mu.RUnlock()
	at := k.clock.start
	if e := k.entries[key]; e != nil && e.added {
		at = e.lastSeen
	}
	return now.Add(-now.Sub(at))
}

// renewWells makes the places where requests are watched those of the open incidents among all.
func (k *Keeper) renewWells(all []store.Incident) {
	was := *k.wells.Load()
	wells := make(map[place]*atomic.Int64, len(was))
	for i := range all {
		if n := &all[i]; n.State != store.StateResolved {
			at := place{n.Site, n.Origin}
			if wells[at] = was[at]; wells[at] == nil {
				wells[at] = new(atomic.Int64)
			}
		}
	}
	k.wells.Store(&wells)
}

// prune keeps the store and the folder of samples within their bounds.
func (k *Keeper) prune(ctx context.Context, now time.Time) {
	before := now.Add(-k.cfg.Keep)
	if !k.clock.held(now) {
		before = time.Time{} // nothing goes for its age while the clock may be wrong
	}
	removed, err := k.store.Prune(ctx, store.Limits{Before: before, MaxSize: k.cfg.MaxSize, MaxIncidents: k.cfg.MaxIncidents})
	if err != nil {
		k.warn("store", "the store cannot be pruned", err)
		return
	}
	k.remove(removed)
	k.sweep(ctx)
}
