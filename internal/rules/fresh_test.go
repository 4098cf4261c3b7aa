package rules_test

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
)

// TestFreshMemory: an engine whose memory was given back finds in the first request what it finds in later ones. The value is long enough for
// automata to be put off, and its transformed text the first that is looked at for few patterns alone.
func TestFreshMemory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "own.conf", `SecRule ARGS "@rx zxattackword" "id:1020,phase:2,deny,log,t:none,t:removeWhitespace"`+"\n")
	e := open(t, rules.Settings{Paranoia: 1, Files: []string{filepath.Join(dir, "own.conf")}})
	for i := range 12 {
		if i%3 == 0 {
			runtime.GC() // twice, and pools are empty
			runtime.GC()
		}
		if o := run(e, get("/?q="+strings.Repeat("x", 51+i)+"%20zxattackword"), ""); o.err == nil {
			t.Errorf("request %d passes", i)
		}
	}
}
