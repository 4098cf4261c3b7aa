package oracle_test

import (
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/test/captures"
)

// TestWhy holds what is said of captures that the secrets at hand do not open, and that all others open whole.
func TestWhy(t *testing.T) {
	t.Parallel()
	expected := map[string]decrypt.Why{
		"client_node_optional_nocert/log": decrypt.WhyLaterHandshake, // Node logs the first handshake only
		"damaged_gcm_midstream/log":       decrypt.WhyStartMissing,
		"damaged_gcm_midstream/key":       decrypt.WhyStartMissing,
		"damaged_gcm_no_cke/key":          decrypt.WhyHandshakeHoles,
	}
	opened := 0
	for _, c := range captures.All(t) {
		for _, with := range []string{withLog, withKey, withNothing} {
			want, special := expected[c.Name+"/"+with]
			switch {
			case special:
			case with == withLog && (c.KeyLog != "" || c.DSB), with == withKey && c.RSA, with == withNothing && c.DSB, with == withKey && c.DSB:
				want = decrypt.WhyNot
			case with == withLog:
				continue
			case with == withKey:
				want = decrypt.WhyEphemeral
			default:
				want = decrypt.WhyNoSecrets
			}
			if want == decrypt.WhyNot {
				opened++
			}
			why(t, read(t, &c, with), with, want)
		}
	}
	if opened < 150 {
		t.Errorf("%d combinations of capture and secret should open, 150 at least", opened)
	}
}

// why checks the reason of all flows, of which those that failed before any key was in use have none.
func why(t *testing.T, one *reading, with string, want decrypt.Why) {
	t.Helper()
	unfinished := func(s *seen) bool { return s.TLS.Why == decrypt.WhyNoHandshake && !s.TLS.Established }
	if len(one.flows) > 0 && !slices.ContainsFunc(one.flows, func(s *seen) bool { return s.TLS.Why == want || unfinished(s) }) {
		t.Errorf("%s with %s: no connection says %q", one.Name, with, want)
	}
	for _, s := range one.flows {
		i := s.TLS
		if i.Why != want && i.Why != decrypt.WhyNoHandshake {
			t.Errorf("%s with %s: %q, not %q", one.Name, with, i.Why, want)
		}
		if (i.Closed > 0) != (i.Why != decrypt.WhyNot && i.Why != decrypt.WhyNoHandshake) {
			t.Errorf("%s with %s: %d records closed, and %q", one.Name, with, i.Closed, i.Why)
		}
	}
}
