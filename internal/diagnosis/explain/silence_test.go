package explain

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Silences that are nobody's say why; one that may be the server's stands out.
func TestSilenceOfNobody(t *testing.T) {
	tests := map[string]struct {
		words   string
		trouble bool
	}{
		"idle":            {"8.0 s idle", false},
		"closed":          {"8.0 s of silence after the close", false},
		"unclear":         {"whose turn cannot be told without secrets", false},
		"tickets_or_data": {"if the server had answered cannot be told", true},
	}
	for text, tt := range tests {
		f := flow.Flow{Decisive: -1, Facts: []fact.Fact{{Kind: fact.Silence, Size: 8e9, Text: text}}}
		var r row
		(&teller{flow: &f}).silence(&r, &f.Facts[0], false)
		if !strings.Contains(r.name, tt.words) {
			t.Errorf("%s: %q, want %q in it", text, r.name, tt.words)
		}
		if weight, told := factTrouble(&f.Facts[0]); (weight > 0) != tt.trouble || tt.trouble != strings.Contains(told, "8.0 s") {
			t.Errorf("%s: trouble %d %q", text, weight, told)
		}
	}
}
