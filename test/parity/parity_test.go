// Package parity_test holds that the gateway's own facts, a capture, a recording and the doctor's probe lead to the same cause.
//
// Each fault of the lab is played through the origin leg, once while tcpdump watches, once through a relay that records as the doctor
// does, and once more for the doctor itself; the checks then judge all. Where a fault cannot show in one of them, the tables say why.
package parity_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/redact"
	"github.com/lunette-waf/lunette/test/peer"
)

// atOnce is how many faults are played at the same time.
const atOnce = 16

func TestParity(t *testing.T) {
	ca, err := certs.NewCA("parity", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	keys := &keyLog{}
	var stages []*stage
	var servers []string
	for _, f := range lab.Faults() {
		if unplayed(f) == "" {
			s := start(t, ca, keys, f)
			stages, servers = append(stages, s), append(servers, s.origin.Addr())
		}
	}
	path := peer.Capture(t, servers, func() {
		var all sync.WaitGroup
		turn := make(chan struct{}, atOnce)
		for _, s := range stages {
			turn <- struct{}{}
			all.Go(func() {
				defer func() { <-turn }()
				s.play(t, ca)
			})
		}
		all.Wait()
	})
	seen := watch(t, path, keys)
	for _, s := range stages {
		if s.shown != nil {
			t.Run(s.fault.Name, func(t *testing.T) { compare(t, s.fault, s.shown, seen) })
		}
	}
}

// watch reads the capture and makes the cases of its flows.
func watch(t *testing.T, path string, keys *keyLog) []*check.Case {
	t.Helper()
	in, err := analysis.File(path)
	if err != nil {
		t.Fatal(err)
	}
	store := secrets.New()
	if _, err := store.AddKeyLog("lab", bytes.NewReader(keys.text.Bytes())); err != nil {
		t.Fatal(err)
	}
	report, err := analysis.Run(t.Context(), analysis.Config{Inputs: []analysis.Input{in}, Secrets: store, Memory: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range report.Warnings {
		t.Log(w)
	}
	return evidence.Cases(report.Flows)
}

// compare demands the same first finding of both.
func compare(t *testing.T, f lab.Fault, x *exchange.Exchange, seen []*check.Case) {
	mask, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	live, at := evidence.OfExchange(x, func(a *exchange.Attempt) []fact.Fact { return origin.Facts(a, mask) })
	if live == nil {
		t.Fatal("no attempt was made")
	}
	captured := find(seen, &x.Attempts[at])
	if captured == nil {
		if why := unseen(f); why == "" {
			t.Fatalf("the capture lacks the connection %v > %v", x.Attempts[at].Local, x.Attempts[at].Address)
		}
		return
	}
	ours, theirs := first(live), first(captured)
	if c := chanceOf(f, live.Flow, captured.Flow); c != nil {
		c.compare(t, live, captured)
		return
	}
	want, differs := differences()[f.Name]
	switch {
	case differs && ours == theirs:
		t.Errorf("both say %q: the table may forget that they differ", ours)
	case differs && (ours != want.live || theirs != want.captured):
		t.Errorf("live %q, captured %q; the table says %q and %q\n%s", ours, theirs, want.live, want.captured, tell(live, captured))
	case !differs && ours != theirs:
		t.Errorf("live %q, captured %q, the lab says %q\n%s", ours, theirs, f.Finding, tell(live, captured))
	case !differs && f.Finding != "" && ours != f.Finding:
		t.Logf("both say %q, the lab says %q; the gateway said %s %s", ours, f.Finding, live.Flow.Reason, live.Flow.Detail)
	}
}

// find is the case of the connection of an attempt.
func find(seen []*check.Case, a *exchange.Attempt) *check.Case {
	for _, c := range seen {
		if c.Flow.Server == a.Address && (c.Flow.Client == a.Local || !a.Local.IsValid()) {
			return c
		}
	}
	return nil
}

// first is the code of what the checks state first, but for what is merely worth knowing; "" for nothing.
func first(c *check.Case) finding.Code {
	for _, f := range diagnosis.Run(c).Findings {
		if f.Severity > finding.Info {
			return f.Code
		}
	}
	return ""
}

// tell shows the facts of cases, live ones first, for whoever mends.
func tell(cases ...*check.Case) string {
	var b strings.Builder
	for i, c := range cases {
		b.WriteString([]string{"live " + string(c.Flow.Reason) + " " + c.Flow.Detail + ":\n", "the other:\n"}[i])
		for j := range c.Flow.Facts {
			x := &c.Flow.Facts[j]
			b.WriteString("  " + x.At.Sub(c.Flow.Start).String() + " " + x.Side.String() + " " + x.Kind.String() + " " + x.Text + "\n")
		}
		for _, f := range diagnosis.Run(c).Findings {
			b.WriteString("  = " + string(f.Code) + " " + f.Severity.String() + " " + f.Confidence.String() + ": " + f.Summary + "\n")
		}
	}
	return b.String()
}
