package rules_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
)

// counting opens engines of sites that count what they see.
func counting(t *testing.T) (f *rules.Factory, next func(site string) *rules.Engine) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "a.conf", `SecAction "id:100100,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.seen=+1"
SecRule IP:seen "@ge 3" "id:100101,phase:1,deny,log,msg:'often'"
`)
	f = rules.NewFactory()
	return f, func(site string) *rules.Engine {
		e, err := f.Open(rules.Settings{Site: site, NoCore: true, Files: []string{filepath.Join(dir, "a.conf")}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

// TestReloadKeepsCollections opens engines as reloads do: the new one before the old one closes, or shortly after.
func TestReloadKeepsCollections(t *testing.T) {
	f, next := counting(t)
	seen := func(e *rules.Engine) bool { return run(e, get("/"), "").answer == nil }
	e := next("a")
	if !seen(e) {
		t.Error("the first request is denied")
	}
	renewed := next("a")
	e.Close()
	e.Close() // twice is once
	if !seen(renewed) || f.Stores() != 1 {
		t.Errorf("the second request is denied, or %d stores are held", f.Stores())
	}
	renewed.Close()
	late, other := next("a"), next("b")
	if seen(late) {
		t.Error("the third request passes: what was counted is lost")
	}
	if !seen(other) || f.Stores() != 2 {
		t.Errorf("another site counts with it, or %d stores are held", f.Stores())
	}
	late.Close()
	other.Close()
}

// TestReloadsWithChangingNames lets a site have another name at each of 10,000 reloads, each with a request: what is held is bounded.
func TestReloadsWithChangingNames(t *testing.T) {
	f, next := counting(t)
	old, most := next("site 0"), 0
	for i := range 10_000 {
		e := next(fmt.Sprintf("site %d", i+1))
		run(e, get("/"), "")
		old.Close()
		old, most = e, max(most, f.Stores())
	}
	old.Close()
	if most > 70 {
		t.Errorf("%d stores were held, for one site in use", most)
	}
}
