package counterfactual

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// script is an origin: what it does with each change.
type script struct {
	do    func(c Change) Outcome
	tries int
	conns int
}

func (s *script) Try(_ context.Context, c Change, _ time.Duration) Outcome {
	s.tries++
	o := s.do(c)
	if o.Connections == 0 {
		o.Connections = 1
	}
	s.conns += o.Connections
	return o
}

func modern() Did {
	return Did{TLS: true, ALPN: []string{"h2", "http/1.1"}, ServerName: "a.test", Names: []string{"a.test", "b.test"}, Profile: "modern", Renegotiation: "auto"}
}

func fails(c reason.Code) Outcome { return Outcome{Reason: c} }

var served = Outcome{Status: 200}

func TestProve(t *testing.T) {
	old := modern()
	old.MaxVersion = tls.VersionTLS12
	reused := Did{Reused: true, ALPN: nil}
	never := modern()
	never.Renegotiation = "never"
	for _, c := range []struct {
		name string
		c    Case
		do   func(Change) Outcome
		want Verdict
		yaml string
	}{
		{"the hello is too large", Case{Reason: reason.TLSTimeout, Did: modern()}, func(c Change) Outcome {
			if c.Groups != nil || c.MaxVersion != 0 {
				return served
			}
			return fails(reason.TLSTimeout)
		}, Demonstrated, "origin:\n  tls:\n    groups: [X25519, P-256, P-384, P-521]\n"},
		{"intolerant of TLS 1.3, and a reset may be seen as an end", Case{Reason: reason.TLSReset, Did: modern()}, func(c Change) Outcome {
			if c.MaxVersion != 0 {
				return served
			}
			return fails(reason.TLSEOF)
		}, Demonstrated, "origin:\n  tls:\n    max_version: \"1.2\"\n"},
		{"the finding points at the larger change, and a smaller one helps too", Case{Reason: reason.TLSReset, Finding: "tls.version_intolerant", Did: modern()}, func(c Change) Outcome {
			if c.MaxVersion != 0 || c.HTTP != "" {
				return served
			}
			return fails(reason.TLSReset)
		}, Demonstrated, "origin:\n  http: \"1.1\"\n"},
		{"only with two settings", Case{Status: 403, Did: modern()}, func(c Change) Outcome {
			if c.MaxVersion != 0 && c.HTTP != "" {
				return served
			}
			return Outcome{Status: 403}
		}, Demonstrated, "origin:\n  http: \"1.1\"\n  tls:\n    max_version: \"1.2\"\n"},
		{"a kept connection", Case{Reason: reason.ReadStaleReusedConnection, Did: reused}, func(c Change) Outcome {
			if c.Fresh {
				return served
			}
			return fails(reason.ReadResetBeforeHeader)
		}, Demonstrated, "origin:\n  timeouts:\n    keepalive_idle: 0s\n"},
		{"a setting refuses", Case{Reason: reason.TLSRenegotiationRefused, Did: never}, func(c Change) Outcome {
			if c.Renegotiation == "auto" {
				return served
			}
			return fails(reason.TLSRenegotiationRefused)
		}, Demonstrated, "origin:\n  tls:\n    renegotiation: auto\n"},
		{"the other name", Case{Reason: reason.CertNameMismatch, Did: modern()}, func(c Change) Outcome {
			if c.ServerName == "b.test" {
				return served
			}
			return fails(reason.CertNameMismatch)
		}, Demonstrated, "origin:\n  tls:\n    server_name: \"b.test\"\n"},
		{"a 421 is no cure", Case{Reason: reason.CertNameMismatch, Did: modern()}, func(c Change) Outcome {
			if c.ServerName == "b.test" {
				return Outcome{Status: 421}
			}
			return fails(reason.CertNameMismatch)
		}, NothingHelped, ""},
		{"passed by itself", Case{Reason: reason.TLSReset, Did: modern()}, func(Change) Outcome { return served }, PassedByItself, ""},
		{"another failure by now", Case{Reason: reason.TLSReset, Did: modern()}, func(Change) Outcome { return fails(reason.TCPRefused) }, FailsOtherwise, ""},
		{"nothing helps", Case{Reason: reason.TLSReset, Did: old}, func(Change) Outcome { return fails(reason.TLSReset) }, NothingHelped, ""},
		{"a setting that cannot be built is no cure", Case{Reason: reason.TLSReset, Did: modern()}, func(c Change) Outcome {
			if c.None() {
				return fails(reason.TLSReset)
			}
			return Outcome{Err: errors.New("no")}
		}, NothingHelped, ""},
		{"slow, and a little faster with a change", Case{Reason: reason.ReadFirstByteTimeout, Did: modern()}, func(c Change) Outcome {
			if c.HTTP != "" {
				return Outcome{Status: 200, Took: 600 * time.Millisecond}
			}
			return fails(reason.ReadFirstByteTimeout)
		}, NothingHelped, ""},
		{"slow, and it answers just in time now", Case{Reason: reason.ReadFirstByteTimeout, Did: modern()}, func(Change) Outcome {
			return Outcome{Status: 200, Took: 600 * time.Millisecond}
		}, PassedByItself, ""},
		{"too much to do", Case{Reason: reason.ReadResetBeforeHeader, Did: modern()}, func(c Change) Outcome {
			if c.None() {
				return fails(reason.ReadResetBeforeHeader)
			}
			return Outcome{Status: 503}
		}, Overloaded, ""},
		{"a limit", Case{Reason: reason.LimitQueueFull, Did: modern()}, nil, NotWorth, ""},
		{"a status that is no failure of the connection", Case{Status: 500, Did: modern()}, nil, NotWorth, ""},
		{"nobody listens", Case{Reason: reason.TCPRefused, Did: modern()}, nil, NotWorth, ""},
	} {
		s := &script{do: c.do}
		d := Prove(t.Context(), Bounds{}, c.c, s)
		if d.Verdict != c.want || d.YAML != c.yaml {
			t.Errorf("%s: %s %q, want %s %q; %s", c.name, d.Verdict, d.YAML, c.want, c.yaml, d.Sentence)
		}
		if d.Connections != s.conns || d.Connections > 12 || len(d.Tries) != s.tries {
			t.Errorf("%s: %d connections, the origin saw %d", c.name, d.Connections, s.conns)
		}
		if d.Sentence == "" || strings.Contains(d.Sentence, "%!") || c.want == Demonstrated == strings.HasPrefix(d.Sentence, "Nothing") {
			t.Errorf("%s: sentence %q", c.name, d.Sentence)
		}
	}
}

// TestProveAtRandom: of origins that fail at random, whatever the odds, fewer than one in a hundred is taken for a proof.
func TestProveAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const runs = 4000
	for _, odds := range []float64{0.1, 0.3, 0.45, 0.55, 0.65, 0.75, 0.9} {
		claimed := 0
		for range runs {
			s := &script{do: func(Change) Outcome {
				if r.Float64() < odds {
					return fails(reason.TLSReset)
				}
				return served
			}}
			if d := Prove(t.Context(), Bounds{Toss: r.IntN}, Case{Reason: reason.TLSReset, Did: modern()}, s); d.Verdict == Demonstrated {
				claimed++
			}
		}
		if claimed > runs/100 {
			t.Errorf("failing at random in %.0f of a hundred: %d of %d taken for a proof", 100*odds, claimed, runs)
		}
	}
}

// TestProveByTurns: nor is one behind a balancer, of whose servers some are sick.
func TestProveByTurns(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const runs = 4000
	for _, sick := range []string{"10", "01", "110", "100", "1110", "1100"} {
		claimed := 0
		for range runs {
			s := &script{}
			s.do = func(Change) Outcome {
				if sick[(s.tries-1)%len(sick)] == '1' {
					return fails(reason.TLSReset)
				}
				return served
			}
			if d := Prove(t.Context(), Bounds{Toss: r.IntN}, Case{Reason: reason.TLSReset, Did: modern()}, s); d.Verdict == Demonstrated {
				claimed++
			}
		}
		if claimed > runs/100 {
			t.Errorf("servers %s: %d of %d taken for a proof", sick, claimed, runs)
		}
	}
}

// TestProveSurely: what fails surely is demonstrated surely, whichever change cures it, within the bounds.
func TestProveSurely(t *testing.T) {
	all := modern()
	c := Case{Reason: reason.TLSReset, Did: all}
	plan := c.plan()
	if len(plan) < 6 {
		t.Fatalf("only %d changes", len(plan))
	}
	for _, cure := range plan {
		s := &script{do: func(c Change) Outcome {
			if c.Does == cure.Does {
				return served
			}
			return fails(reason.TLSReset)
		}}
		d := Prove(t.Context(), Bounds{}, c, s)
		if d.Verdict != Demonstrated || d.Change.Does != cure.Does || s.conns > 12 {
			t.Errorf("%s: %s, %s, %d connections", cure.Does, d.Verdict, d.Sentence, s.conns)
		}
	}
}

// TestProveBounds: neither connections nor time are exceeded, and nothing is claimed then.
func TestProveBounds(t *testing.T) {
	twice := &script{do: func(c Change) Outcome {
		o := Outcome{Reason: reason.TLSReset, Connections: 2}
		if c.HTTP != "" && c.MaxVersion == 0 {
			o = Outcome{Status: 200, Connections: 2}
		}
		return o
	}}
	did := modern()
	did.Reused = true
	if d := Prove(t.Context(), Bounds{Connections: 7}, Case{Reason: reason.TLSReset, Did: did}, twice); d.Verdict != Unfinished || twice.conns > 7 || !strings.Contains(d.Sentence, "HTTP/1.1") {
		t.Errorf("%s, %d connections: %s", d.Verdict, twice.conns, d.Sentence)
	}
	slow := &script{}
	ctx, cancel := context.WithCancel(t.Context())
	slow.do = func(Change) Outcome {
		if slow.tries == 3 {
			cancel()
		}
		return fails(reason.TLSTimeout)
	}
	if d := Prove(ctx, Bounds{}, Case{Reason: reason.TLSTimeout, Did: modern()}, slow); d.Verdict != Unfinished || slow.tries != 3 {
		t.Errorf("%s after %d tries", d.Verdict, slow.tries)
	}
	late := &script{do: func(Change) Outcome { return fails(reason.TLSTimeout) }}
	if d := Prove(t.Context(), Bounds{Time: time.Millisecond, Patience: time.Second}, Case{Reason: reason.TLSTimeout, Did: modern()}, late); d.Verdict != Unfinished || late.tries != 0 {
		t.Errorf("%s after %d tries", d.Verdict, late.tries)
	}
	if b := (Bounds{Connections: 99, Time: time.Hour}).withDefaults(); b.Connections != 12 || b.Time != 5*time.Second {
		t.Errorf("bounds can be passed: %+v", b)
	}
}

// TestPlan: what would change nothing is not tried, and what a finding points at comes first.
func TestPlan(t *testing.T) {
	d := modern()
	d.MaxVersion, d.ALPN, d.Names, d.Profile = tls.VersionTLS12, []string{"http/1.1"}, []string{"a.test"}, "legacy"
	c := Case{Reason: reason.TLSReset, Did: d}
	if plan := c.plan(); len(plan) != 0 || c.Worth() {
		t.Errorf("planned %+v", plan)
	}
	for finding, want := range map[string]string{
		"tls.version_intolerant": "TLS 1.2", "tls.large_client_hello_dropped": "post-quantum", "network.sni_reset": `"b.test"`,
		"tls.no_common_cipher": "CBC", "http2.goaway_race": "HTTP/1.1", "": "post-quantum",
	} {
		c := Case{Reason: reason.TLSReset, Finding: finding, Did: modern()}
		if first := c.plan()[0]; !strings.Contains(first.Does, want) {
			t.Errorf("%s: first comes %q, want %q", finding, first.Does, want)
		}
	}
}
