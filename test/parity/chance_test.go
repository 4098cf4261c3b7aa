package parity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab"
)

// chance is what two sides find where the machine decided what came first, or how long it took, and they cannot know it of each other.
// The facts tell whether it was so: where it was not, the two must agree as ever.
type chance struct {
	met         func(live, other *check.Flow) bool
	live, other []finding.Code // one of each is said
	why         string
}

func chances() map[string]chance {
	const (
		crossed = "the end was on its way when the gateway wrote its ClientHello, which it cannot know"
		behind  = "the gateway closes at the answer and asks for nothing behind it, be it that the reset was there before"
		worked  = "an origin that takes longer than the check allows may have worked on the request"
	)
	hello := chance{endBeforeHello, []finding.Code{"tls.closed_after_hello"}, []finding.Code{"tcp.reset_after_accept"}, crossed}
	either := func(c finding.Code) chance {
		both := []finding.Code{"tcp.one_request_per_connection", c}
		return chance{tookLong, both, both, worked}
	}
	return map[string]chance{
		"accept-then-close": hello,
		"accept-then-reset": hello,
		"early-reset":       {resetFirst, []finding.Code{""}, []finding.Code{"http1.early_answer"}, behind},
		"dies-on-reuse":     either("http1.reset_before_answer"),
		"closes-on-reuse":   either("http1.closed_before_answer"),
	}
}

// chanceOf is the chance that a fault met in this run, nil for none.
func chanceOf(f lab.Fault, live, other *check.Flow) *chance {
	if c, ok := chances()[f.Name]; ok && c.met(live, other) {
		return &c
	}
	return nil
}

// compare demands of each side one of what it may say.
func (c *chance) compare(t *testing.T, live, other *check.Case) {
	t.Helper()
	ours, theirs := first(live), first(other)
	t.Logf("%q and %q: %s", ours, theirs, c.why)
	if !slices.Contains(c.live, ours) || !slices.Contains(c.other, theirs) {
		t.Errorf("live %q, the other %q; the table says %q and %q\n%s", ours, theirs, c.live, c.other, tell(live, other))
	}
}

// endBeforeHello reports whether the other saw the server's end before the ClientHello that the gateway sent.
func endBeforeHello(live, other *check.Flow) bool {
	hello, end := other.First(fact.TLSClientHello), other.EndAfter(-1)
	return live.Has(fact.TLSClientHello) && end.At >= 0 && end.Side == fact.SideServer && (hello < 0 || end.At < hello)
}

// resetFirst reports whether the other saw the server reset before the gateway closed.
func resetFirst(_, other *check.Flow) bool {
	end := other.EndAfter(-1)
	return end.At >= 0 && end.Side == fact.SideServer && end.How == fact.TCPReset
}

// tookLong reports whether either side saw the server's end come so long after the last request that it is no end at once: that is
// 50 ms, more where the way is long (tcp.one_request_per_connection).
func tookLong(live, other *check.Flow) bool {
	return slices.ContainsFunc([]*check.Flow{live, other}, func(f *check.Flow) bool {
		asked := f.Last(fact.RequestHead)
		end := f.EndAfter(asked)
		return asked >= 0 && end.At >= 0 && f.Since(asked, end.At) >= 50*time.Millisecond
	})
}
