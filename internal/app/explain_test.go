package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// Nothing that a record says of a match is lost on the way to who explains it.
func TestWAFOfRecord(t *testing.T) {
	got := wafOf(&telemetry.RecordWAF{Mode: "block", SpentMS: 1.5, Rules: []telemetry.RecordRule{{
		ID: 113, Message: "m", Severity: "critical", Score: 5, Target: "&ARGS:a", Part: "0", Data: "d", Tags: []string{"t"},
		Transformations: "t:trim", Paranoia: 2, Scoring: true, File: "own.conf", Line: 17,
	}}})
	want := &exchange.WAF{Mode: "block", Spent: 1_500_000, Matches: []exchange.Match{{
		ID: 113, Message: "m", Severity: "critical", Score: 5, Target: "&ARGS:a", Part: "0", Data: "d", Tags: []string{"t"},
		Transformations: "t:trim", Paranoia: 2, Scoring: true, File: "own.conf", Line: 17,
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestKeyOf(t *testing.T) {
	cfg := &config.Config{Sites: []config.Site{
		{Names: []string{"a.test"}},
		{Names: []string{"b.test", "c.test"}, Routes: []config.Route{{Path: "/x"}, {Path: "/y/"}}},
	}}
	for _, c := range []struct{ site, route, want string }{
		{"a.test", "", "sites[0]"}, {"b.test", "", "sites[1]"}, {"b.test", "/y/", "sites[1].routes[1]"},
		{"b.test", "/gone", ""}, {"gone.test", "", ""},
	} {
		if got := keyOf(cfg, c.site, c.route); got != c.want {
			t.Errorf("%s%s: %q, want %q", c.site, c.route, got, c.want)
		}
	}
	if got := keyOf(nil, "a.test", ""); got != "" {
		t.Errorf("without a configuration: %q", got)
	}
}
