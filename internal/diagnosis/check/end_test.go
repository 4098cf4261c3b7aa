package check

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

func TestGaveUpWords(t *testing.T) {
	for purpose, want := range map[string]string{"": "a timer of the proxy ran out", "plain": "the doctor stopped waiting"} {
		f := Flow{Purpose: purpose, Facts: []fact.Fact{{Kind: fact.GaveUp, Text: "timeouts.tls"}}}.Prepared()
		if got := f.Ended().GaveUpWords(); got != want {
			t.Errorf("%q: %q, want %q", purpose, got, want)
		}
	}
}
