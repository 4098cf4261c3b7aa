package app

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/config"
)

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
