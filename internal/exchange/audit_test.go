package exchange_test

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
)

func TestAuditParts(t *testing.T) {
	for _, c := range []struct {
		changes          []string
		configured, want string
	}{
		{nil, "ABZ", "ABZ"}, {[]string{"+E"}, "ABZ", "ABEZ"}, {[]string{"-B"}, "ABZ", "AZ"}, {[]string{"+E", "-E"}, "ABEZ", "ABZ"},
		{[]string{"-B", "+B"}, "AZ", "ABZ"}, {[]string{"ACZ"}, "ABZ", "ACZ"}, {[]string{"+E", "ACZ", "-C", "+K"}, "ABZ", "AKZ"}, {[]string{""}, "B", "B"},
	} {
		var p exchange.AuditParts
		for _, change := range c.changes {
			p.Change(change)
		}
		if got := p.Apply(exchange.AuditPart(c.configured)); got != exchange.AuditPart(c.want) {
			t.Errorf("%q on %s: %b, want %s", c.changes, c.configured, got, c.want)
		}
	}
	if exchange.AuditPart("a[@ é") != 0 {
		t.Error("bytes that are no letters have bits")
	}
}
