package route

import (
	"fmt"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// least is the shortest wait that is worth a thought, and leastAlone the shortest whose length alone points to a timer in front.
const (
	least      = 4 * time.Second
	leastAlone = 14 * time.Second
)

var timerInversion = check.Check{
	Code:      "read.timer_inversion",
	Title:     "a timer in front runs out before the origin's work is done",
	Severity:  finding.Warning,
	Catalogue: []int{81},
	Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.ReadOverTotalTime, reason.ClientGone},
	On:        []fact.Kind{fact.GaveUp, fact.ClientLeft, fact.RequestSent, fact.RequestHead},
	Silences:  []finding.Code{"http1.slow_first_byte", "client.gone"},
	Text: `Several timers watch one request: the browser's, the load balancer's, the proxy's, the origin's, the application's. They should
grow from the inside out: whoever is nearer to the work gives up first and can say why. Where the outer one is shorter, it answers
504 or hangs up while the work goes on; the inner ones see a client that left (499, Client_Reset), the origin's log may even say
200, and nobody has an error to look at.

The length gives the owner away: 60.0 s each time is nobody's work but nginx, an AWS load balancer or Apache; 30 s IIS Application
Request Routing; 15 s Envoy; 20 s Azure Application Gateway; 100 s Cloudflare (524); 120 s http.sys. A browser's user leaves at no
round time.

What proves it is the same work that was done in more time than the timer allows: another connection on which the answer did come,
later than that. Without one, an origin that would never have answered looks the same (http1.slow_first_byte,
tls.hello_request_ignored), and a longer timer would only make users wait longer.`,
	Asks: []string{
		"How long does the same request take on the origin itself, without any proxy?",
		"Which timers are on the way: list them from the browser to the application, and look for one that is shorter than its neighbour further in.",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Wait longer than the work takes, for its path alone; timers in front of Lunette must be longer still.",
			Lines: "routes:\n  - path: /report\n    timeouts:\n      first_byte: 5m"},
		{On: finding.Network, Do: "Raise the idle timeout of the load balancer in front above that of the proxy behind it.",
			Lines: "aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN --attributes Key=idle_timeout.timeout_seconds,Value=300"},
		{On: finding.Nginx, Do: "Where nginx is in between.", Lines: "proxy_read_timeout 300s;"},
		{On: finding.Apache, Do: "Where mod_proxy is in between.", Lines: "ProxyTimeout 300"},
		{On: finding.IIS, Do: "Where Application Request Routing is in between.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe set config -section:system.webServer/proxy /timeout:00:05:00 /commit:apphost`},
		{On: finding.Origin, Do: "Or make the work shorter: answer 202 at once and let the result be fetched."},
	},
	Sources: []string{"RFC 9110 section 15.6.5 (504)", "IIS Application Request Routing: proxy timeout, 502.3", "Amazon: ELB idle timeout"},
	Run:     runTimerInversion,
}

func runTimerInversion(c *check.Case) *check.Verdict {
	f := c.Flow
	p := f.Pending()
	if p == nil {
		if at := f.Last(fact.RequestSent); at >= 0 && !f.Has(fact.ResponseHead) && slices.Contains([]reason.Code{reason.ReadFirstByteTimeout, reason.ClientGone}, f.Reason) {
			p = &check.Pending{At: at, Sure: true, Whole: true}
		}
	}
	if p == nil || !p.Sure || !p.Whole || f.Handshaken(p.At) {
		return nil
	}
	w := f.WaitOf(p)
	left := f.Next(p.At, fact.ClientLeft)
	if left >= 0 {
		w.Length = max(w.Length, f.Since(p.At, left))
	}
	if w.Timer == "" && left < 0 && (w.End.At < 0 || w.End.Side != fact.SideClient) || w.Length < least {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: w.Length, Proof: []finding.Proof{f.Proof(p.At, p.Line()+" is out")}}
	who := "who had asked"
	switch {
	case w.Timer != "":
		who = "the proxy (" + w.Timer + ")"
	case f.Ours:
		who = "who had asked Lunette"
	}
	if at := cmpFirst(left, f.Next(p.At, fact.GaveUp), w.End.At); at >= 0 {
		v.Proof = append(v.Proof, f.Proof(at, who+" gives up after "+finding.Span(w.Length)))
	}
	if o, x, took := later(c, p, w.Length); o != nil {
		v.Severity = finding.Critical
		v.Proof = append(v.Proof, f.ProofOther(&o.Facts[x.ResponseAt], fmt.Sprintf("on connection %d the answer, %d, came after %s", o.Conn, x.Status(), finding.Span(took))))
		v.Summary = fmt.Sprintf("%s gave up on %s after %s; the same took %s on another connection, and was answered.", check.Upper(who), p.Line(), finding.Span(w.Length), finding.Span(took))
		return v
	}
	if w.Timer != "" || w.Length < leastAlone || len(check.Timers(w.Length)) == 0 {
		return nil // that our own timer ran out says nothing about its being too short
	}
	v.Confidence, v.Settle = finding.Possible, "ask for the same on the origin itself and see whether the answer comes, and when; and whether others leave after the same time"
	v.Summary = fmt.Sprintf("%s left %s after %s: that is the length of a timer, and rarely a user's patience.", check.Upper(who), p.Line(), finding.Span(w.Length))
	return v
}

// later is an exchange for the same that was answered, but later than wait after its request.
func later(c *check.Case, p *check.Pending, wait time.Duration) (*check.Flow, *check.Exchange, time.Duration) {
	for o := range c.Flows {
		if o == c.Flow || p.Exchange == nil || p.Exchange.Request == nil {
			continue
		}
		for i := range o.Exchanges() {
			x := &o.Exchanges()[i]
			if x.Request == nil || x.RequestDone < 0 || x.ResponseAt < 0 || x.Status() >= 500 || x.Request.Target != p.Exchange.Request.Target || x.Request.Method != p.Exchange.Request.Method {
				continue
			}
			if took := o.Since(x.RequestDone, x.ResponseAt); took > wait {
				return o, x, took
			}
		}
	}
	return nil, nil, 0
}

// cmpFirst is the first of them that is an index, -1 without.
func cmpFirst(at ...int) int {
	for _, i := range at {
		if i >= 0 {
			return i
		}
	}
	return -1
}
