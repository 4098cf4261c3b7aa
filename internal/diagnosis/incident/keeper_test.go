package incident

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
)

const (
	site   = "a.test"
	origin = "https://o.test"
)

// keeper is a Keeper over a store in memory, which runs until the test ends.
func keeper(t *testing.T, cfg Config) (*Keeper, *store.Store) {
	t.Helper()
	s, err := store.Open(store.Config{Folder: cfg.Folder})
	if err != nil {
		t.Fatal(err)
	}
	k, err := New(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { k.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wait.Wait()
		_ = s.Close()
	})
	return k, s
}

func failure(cause string) Failure {
	f := Failure{Site: site, Origin: origin, Reason: reason.ReadFirstByteTimeout, Judged: true}
	if cause != "" {
		f.Finding = &finding.Finding{Code: finding.Code(cause), Title: "it fails", Severity: finding.Critical, Confidence: finding.Likely, Summary: "It fails."}
	}
	return f
}

func only(t *testing.T, s *store.Store) store.Incident {
	t.Helper()
	all, err := s.Incidents(t.Context(), store.Query{All: true})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d incidents, %v: %+v", len(all), err, all)
	}
	return all[0]
}

// TestLife opens an incident, resolves it by the rule of the package, and lets it flap.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		k, s := keeper(t, Config{ResolveAfter: 8 * time.Minute, Opened: func(store.Incident) { opened++ }})
		state := func(want store.State, when string) {
			t.Helper()
			if n := only(t, s); n.State != want {
				t.Errorf("%s: %s, not %s", when, n.State, want)
			}
		}
		id := k.Add(failure("x.y"))
		if k.ID(site, origin, reason.ReadFirstByteTimeout) != id || len(id) != 26 {
			t.Errorf("id %q", id)
		}
		time.Sleep(2 * time.Second)
		state(store.StateOpen, "after the first")
		if n := only(t, s); n.ID != id || n.Severity != "critical" || n.Confidence != "likely" {
			t.Errorf("%+v", n)
		}
		k.Add(failure("x.y"))
		time.Sleep(2 * time.Second)
		state(store.StateOngoing, "after the second")
		k.Well(site, origin, time.Now())
		time.Sleep(20 * time.Minute)
		state(store.StateOngoing, "only one request went well, at once")
		k.Well("other", origin, time.Now())
		time.Sleep(time.Minute)
		state(store.StateOngoing, "requests went well elsewhere")
		k.Well(site, origin, time.Now())
		time.Sleep(time.Minute)
		state(store.StateResolved, "quiet, and requests go well")

		k.Add(failure("x.y"))
		time.Sleep(2 * time.Second)
		state(store.StateOpen, "it came back")
		for range 12 { // twice the quiet is asked for now
			time.Sleep(time.Minute)
			k.Well(site, origin, time.Now())
		}
		state(store.StateOpen, "after 12 minutes of flapping")
		for range 5 {
			time.Sleep(time.Minute)
			k.Well(site, origin, time.Now())
		}
		state(store.StateResolved, "after 17 minutes")
		if n := only(t, s); n.Count != 3 || n.Reopened != 1 || opened != 2 {
			t.Errorf("%+v, told %d times", n, opened)
		}
		if e, err := s.Events(t.Context(), store.Query{}); err != nil || len(e) != 4 {
			t.Errorf("%v %+v", err, e)
		}
	})
}

// TestStalls counts a stall and its end once, and what nobody judged with what was judged.
func TestStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s := keeper(t, Config{})
		stall := failure("x.y")
		stall.Request, stall.Stall = "R1", true
		k.Add(stall)
		time.Sleep(5 * time.Second)
		end := failure("")
		end.Request, end.Judged, end.Reason = "R1", false, reason.ReadEOFBeforeHeader
		k.Add(end)
		time.Sleep(2 * time.Second)
		if n := only(t, s); n.Count != 1 || n.Stalls != 1 || n.State != store.StateOngoing && n.State != store.StateOpen {
			t.Errorf("%+v", n)
		}
		k.Add(end) // another attempt of the request
		unjudged := failure("")
		unjudged.Judged, unjudged.Request = false, "R2"
		k.Add(unjudged)
		time.Sleep(2 * time.Second)
		if n := only(t, s); n.Count != 3 {
			t.Errorf("%+v", n)
		}
		stall.Request = "R3"
		k.Add(stall)
		other := failure("z.z")
		other.Request = "R3"
		k.Add(other)
		time.Sleep(2 * time.Second)
		all, _ := s.Incidents(t.Context(), store.Query{})
		if len(all) != 2 || all[0].Count+all[1].Count != 5 {
			t.Errorf("%+v", all)
		}
	})
}

// TestFlood adds 30,000 failures of one kind from many goroutines: one incident, no lost count, and next to no memory.
func TestFlood(t *testing.T) {
	k, s := keeper(t, Config{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const workers, each = 30, 1000
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := range each {
				f := failure("x.y")
				f.Request = fmt.Sprintf("REQUEST%019d", i)
				k.Add(f)
			}
		})
	}
	wait.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes more are in use", grown)
	}
	if !k.flush(t.Context()) {
		t.Fatal("not flushed")
	}
	eventually(t, s, func(n int, count int64) bool { return n == 1 && count == workers*each })
}

// eventually waits until the store says what it should: a flush may be under way in another goroutine.
func eventually(t *testing.T, s *store.Store, good func(n int, count int64) bool) {
	t.Helper()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-ticks.C {
		all, err := s.Incidents(t.Context(), store.Query{All: true, Limit: 100_000, Brief: true})
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for i := range all {
			sum += all[i].Count
		}
		if good(len(all), sum) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d incidents, %d failures", len(all), sum)
		}
	}
}

// TestOverflow has more kinds of failures than are followed: no count is lost, memory is bounded, and room is made later.
func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s := keeper(t, Config{ResolveAfter: 24 * time.Hour})
		const most, kinds = 100, 250
		k.mu.Lock()
		k.most = most
		k.mu.Unlock()
		for i := range kinds {
			f := failure("x.y")
			f.Origin = fmt.Sprint("https://", i)
			k.Add(f)
		}
		if len(k.entries) > most+1 || len(k.kinds) > 2*most {
			t.Errorf("%d entries, %d kinds", len(k.entries), len(k.kinds))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		eventually(t, s, func(n int, count int64) bool { return n == most+1 && count == kinds })
		time.Sleep(2 * idleAfter)
		k.Add(failure("x.y"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.entries) > 10 || len(k.kinds) > 10 {
			t.Errorf("%d entries, %d kinds stay", len(k.entries), len(k.kinds))
		}
	})
}

// TestWantsSample says yes to the first, and then to one each while.
func TestWantsSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := keeper(t, Config{})
		asked := func() (n int) {
			for range 10 {
				if k.WantsSample(site, origin, reason.TCPRefused) {
					n++
				}
			}
			return n
		}
		if asked() != 1 || asked() != 0 {
			t.Error("not once at first")
		}
		time.Sleep(6 * time.Second)
		if asked() != 1 {
			t.Error("not once later")
		}
	})
}

// TestRestart knows after a restart what was there before.
func TestRestart(t *testing.T) {
	s, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var ids []string
	for range 2 {
		k, err := New(Config{}, s)
		if err != nil {
			t.Fatal(err)
		}
		f := failure("x.y")
		f.Finding, f.Judged = map[bool]*finding.Finding{true: f.Finding}[len(ids) == 0], len(ids) == 0
		ids = append(ids, k.Add(f))
		if !k.flush(t.Context()) {
			t.Fatal("not flushed")
		}
	}
	if n := only(t, s); ids[0] != ids[1] || n.Count != 2 || n.Cause != "x.y" {
		t.Errorf("%v %+v", ids, n)
	}
}
