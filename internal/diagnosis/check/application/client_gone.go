package application

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// patience is how long somebody waits before leaving says something about the origin.
const patience = 5 * time.Second

var clientGone = check.Check{
	Code:      "client.gone",
	Title:     "who had asked went away before the answer was there",
	Severity:  finding.Warning,
	Catalogue: []int{80},
	Refines:   []reason.Code{reason.ClientGone},
	On:        []fact.Kind{fact.ClientLeft, fact.TCPClosed, fact.TCPReset, fact.TLSAlert},
	Text: `The user closed the tab or pressed reload, a script cancelled its request, or a load balancer in front had a shorter timer than
we. The proxy then drops the request to the origin as well. nginx logs **499**, HAProxy **CH** or **CD**, Envoy **DC**, Caddy and
Traefik 499, IIS Client_Reset or Connection_Dropped in HTTPERR and win32 status 64 or 1236 in the site's log.

By itself it is no fault, and a few of them are in every log. What matters is what the origin was doing at that moment: nothing
for many seconds means that the user's patience was only the first timer to run out, and the cause is the origin's silence
(http1.slow_first_byte, tls.hello_request_ignored). A wait of the same round length each time is a timer, not a user: then
read.timer_inversion says whose.

On the leg to the origin it looks as if the proxy had closed; its own log says that it did so because its client was gone.
Cancelled prefetches and health checks that hang up after the status line are harmless.`,
	Asks: []string{"Are the times until they leave scattered (users) or all alike (a timer in front)?", "What did the origin send in that time: nothing, or an answer that was slow?"},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Shorten what users wait for; where work takes long, answer at once and let them ask for the result."},
		{On: finding.Network, Do: "Give the load balancer in front a longer timer than the proxy behind it has."},
		{On: finding.Nginx, Do: "Where nginx is in between: finish the request for the cache or the record though nobody waits.", Lines: "proxy_ignore_client_abort on;"},
	},
	Sources: []string{"Microsoft KB820729 (HTTPERR reason phrases)", "nginx: ngx_http_proxy_module, proxy_ignore_client_abort"},
	Run:     runClientGone,
}

func runClientGone(c *check.Case) *check.Verdict {
	f := c.Flow
	left := f.First(fact.ClientLeft)
	told := left >= 0 || f.Reason == reason.ClientGone
	p := f.Pending()
	if !told && (p == nil || !p.Sure) {
		return nil
	}
	from := 0
	line := "the request"
	if p != nil {
		from, line = p.At, p.Line()
	} else if from = f.Last(fact.RequestSent, fact.RequestDone, fact.RequestHead); from < 0 {
		from = 0
	}
	if len(f.Facts) == 0 || f.Handshaken(from) && !told {
		return nil
	}
	e := f.EndAfter(from)
	if !told && (e.At < 0 || e.Side != fact.SideClient || e.How == fact.GaveUp) {
		return nil
	}
	return leaving(f, from, left, line, e)
}

func leaving(f *check.Flow, from, left int, line string, e check.End) *check.Verdict {
	waited, at := e.Time.Sub(f.Facts[from].At), e.At
	if left >= 0 {
		at = left
		waited = max(time.Duration(f.Facts[left].Size), f.Facts[left].At.Sub(f.Facts[from].At))
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: waited, Ended: fact.SideClient, Proof: []finding.Proof{f.Proof(from, line+" is out")}}
	if at >= 0 {
		v.Proof = append(v.Proof, f.Proof(at, "the client's side ends it"))
	}
	state := "the origin had sent nothing of an answer"
	if f.NextOf(fact.SideServer, from, fact.FirstByte, fact.ResponseHead) >= 0 {
		state = "the origin's answer had begun and was not over"
		if length, i := f.SilenceAfter(from, at); i >= 0 && f.Facts[i].Side == fact.SideServer && length >= patience {
			state += "; it was silent for " + finding.Span(length) + " in it"
			v.Proof = append(v.Proof, f.Proof(i, "the origin is silent within its answer"))
		}
	}
	if waited < patience {
		v.Severity = finding.Info
	}
	v.Summary = fmt.Sprintf("Who had asked left after %s; until then %s.", finding.Span(waited), state)
	return v
}
