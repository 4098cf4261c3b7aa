package diagnosis

import (
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis/manual"
)

// notYet are the numbers of the catalogue that no check covers so far, and while there are any, codes that are silenced may be those of
// checks to come. The list only shrinks.
func notYet() []int { return nil }

// TestCatalogueIsCovered demands a check for every failure of the catalogue.
func TestCatalogueIsCovered(t *testing.T) {
	all := Checks()
	for n := 1; n <= manual.Numbers; n++ {
		name := manual.NameOf(n)
		if name == "" || strings.HasSuffix(name, ".") {
			t.Errorf("failure %d is called %q", n, name)
		}
		if covered := len(manual.Covering(all, n)) > 0; !covered && !slices.Contains(notYet(), n) {
			t.Errorf("no check covers failure %d: %s", n, name)
		}
	}
	if name := manual.NameOf(0) + manual.NameOf(manual.Numbers+1); name != "" {
		t.Errorf("the catalogue goes on: %q", name)
	}
}
