package fact

import (
	"regexp"
	"testing"
)

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]Kind{}
	word := regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	for k := range kinds {
		name := k.String()
		if !word.MatchString(name) {
			t.Errorf("kind %d is called %q, which is no snake case", k, name)
		}
		if before, twice := seen[name]; twice {
			t.Errorf("kinds %d and %d are both called %q", before, k, name)
		}
		seen[name] = k
	}
	if kinds.String() != "unknown" {
		t.Errorf("a kind that does not exist is called %q", kinds)
	}
}
