package parity_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/redact"
)

// TestParityRecorded holds that a recording of our own end, as the doctor makes them, leads to the same cause as the gateway's facts.
func TestParityRecorded(t *testing.T) {
	t.Parallel()
	ca, err := certs.NewCA("parity", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	keys := &keyLog{}
	var stages []*stage
	for _, f := range lab.Faults() {
		if unplayed(f) == "" && unrecorded(f) == "" {
			s := start(t, ca, keys, f)
			s.relay = newRelay(t, s.origin.Addr())
			stages = append(stages, s)
		}
	}
	var all sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for _, s := range stages {
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			s.play(t, ca)
			s.relay.stop()
		})
	}
	all.Wait()
	for _, s := range stages {
		if s.shown != nil {
			t.Run(s.fault.Name, func(t *testing.T) { compareRecorded(t, s, keys) })
		}
	}
}

func compareRecorded(t *testing.T, s *stage, keys *keyLog) {
	mask, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	live, at := evidence.OfExchange(s.shown, func(a *exchange.Attempt) []fact.Fact { return origin.Facts(a, mask) })
	if live == nil {
		t.Fatal("no attempt was made")
	}
	a, recs := &s.shown.Attempts[at], s.relay.recs
	i := slices.IndexFunc(recs, func(r *recording.Recording) bool { return r.Client == a.Local })
	if i < 0 {
		t.Fatalf("the connection from %v was not recorded", a.Local)
	}
	recs[i].Facts = noted(live.Flow.Facts)
	store := secrets.New()
	if _, err := store.AddKeyLog("lab", bytes.NewReader(keys.text.Bytes())); err != nil {
		t.Fatal(err)
	}
	flows, err := analysis.Recorded(t.Context(), recs, analysis.Config{Secrets: store})
	if err != nil {
		t.Fatal(err)
	}
	recorded := &check.Case{}
	for j, f := range flows {
		if made := evidence.FromRecorded(f, recs[j]); j == i {
			recorded.Flow = made
		} else {
			recorded.Others = append(recorded.Others, made)
		}
	}
	if c := chanceOf(s.fault, live.Flow, recorded.Flow); c != nil {
		c.compare(t, live, recorded)
		return
	}
	ours, theirs := first(live), first(recorded)
	want, differs := differences()[s.fault.Name]
	if ours != theirs && (!differs || ours != want.live || theirs != want.captured) {
		t.Errorf("live %q, recorded %q, the lab says %q\n%s", ours, theirs, s.fault.Finding, tell(live, recorded))
	}
}
