package tcp

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// longWait is how long a request must wait for a connection to be told about.
const longWait = 100 * time.Millisecond

var poolExhausted = check.Check{
	Code:      "limit.pool_exhausted",
	Title:     "requests wait in the proxy for a free connection to the origin",
	Severity:  finding.Critical,
	Catalogue: []int{17},
	Refines:   []reason.Code{reason.LimitQueueTimeout, reason.LimitQueueFull, reason.LimitConnLimit},
	On:        []fact.Kind{fact.PoolWaited},
	Silences:  []finding.Code{"read.timer_inversion", "client.gone", "origin.unavailable"},
	Text: `The proxy may hold so many connections to a server and no more, and all of them are busy. The request waits before a byte of it is
sent, and fails with 503 when its turn does not come in time. The time is lost in the proxy, not at the origin: the origin's log
shows quick answers, or nothing at all.

Two causes look alike from here. The limit is too low for the traffic: as many connections are busy as requests a second times
seconds for one answer (Little's law), so that 50 a second at 2 s each need 100. Or the origin has become slow, and any limit
fills: then the limit does what it is for, and raising it only moves the queue to the origin.

Elsewhere: HAProxy Tw above 0 and **sQ** with 503; Envoy **UO** and *upstream_reset_before_response_started{overflow}*; Go waits
silently on MaxConnsPerHost; Apache mod_proxy AH01160 or *all workers are busy* with max and acquire; Tomcat behind it idles.

Told apart from a slow first byte (http1.slow_first_byte) by the clock of the wait, which ends before the request is sent.`,
	Asks: []string{
		"How long are answers of the origin now, and how long were they before: the access log's time of the first byte",
		"How many connections are busy: the metrics `lunette_origin_*`",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Raise the limit, or take it away (0), if the origin can bear it; by default there is none.", Lines: "origin:\n  max_connections: 400"},
		{On: finding.Lunette, Do: "Where the origin became slow: let its slow requests fail sooner, so that they free their connections.", Lines: "origin:\n  max_connections: 200\n  timeouts: {first_byte: 20s, connect: 5s}"},
		{On: finding.Origin, Do: "Find out what made the answers slow: the origin holds all the connections that it was given."},
	},
	Sources: []string{"HAProxy: configuration manual, section 8.4 (Tw)", "Envoy: circuit breaking, max_connections", "Apache mod_proxy: max, acquire"},
	Run:     runPoolExhausted,
}

func runPoolExhausted(c *check.Case) *check.Verdict {
	f := c.Flow
	var worst *fact.Fact
	index := -1
	for i := f.First(fact.PoolWaited); i >= 0; i = f.Next(i, fact.PoolWaited) {
		if x := &f.Facts[i]; worst == nil || x.Size > worst.Size {
			worst, index = x, i
		}
	}
	for _, x := range c.Around(fact.PoolWaited) {
		if worst == nil || x.Size > worst.Size {
			worst, index = x, -1
		}
	}
	if worst == nil {
		return nil
	}
	waited := time.Duration(worst.Size)
	v := &check.Verdict{Confidence: finding.Certain}
	switch worst.Text {
	case "queue_full":
		v.Summary = "All connections that the proxy may hold to this server were busy, and so was the queue for them: the request was refused."
	case "timed_out":
		v.Summary = fmt.Sprintf("All connections that the proxy may hold to this server were busy for %s: the request was given up unsent.", finding.Span(waited))
	default:
		if waited < longWait {
			return nil
		}
		v.Severity = finding.Info
		v.Summary = fmt.Sprintf("The request waited %s for a free connection before it was sent.", finding.Span(waited))
	}
	text := "the request waits for a connection: " + finding.Span(waited)
	if v.Proof = []finding.Proof{f.ProofOther(worst, text)}; index >= 0 {
		v.Proof = []finding.Proof{f.Proof(index, text)}
	}
	return v
}
