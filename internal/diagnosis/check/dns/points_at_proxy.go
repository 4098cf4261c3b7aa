package dns

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var pointsAtProxy = check.Check{
	Code:      "dns.points_at_proxy",
	Title:     "the origin's name leads back to the proxy",
	Severity:  finding.Critical,
	Catalogue: []int{4},
	Refines:   []reason.Code{reason.ConfigLoopDetected, reason.LimitNoPorts, reason.OriginStatus5xx},
	On:        []fact.Kind{fact.DNSAnswer, fact.RequestHead, fact.ResponseHead, fact.TCPConnected, fact.RequestSent},
	Silences:  []finding.Code{"origin.redirect_loop", "tcp.ports_exhausted", "limit.pool_exhausted", "origin.unavailable", "http1.request_header_too_large", "config.request_rewritten"},
	Text: `The public name of a protected site points to the proxy: that is how traffic gets there. When the proxy looks up the same name to
find the origin, it finds itself, and every request goes round. Each turn adds a line to **Via** and X-Forwarded-For and takes
another port, until a limit, a head that is too large, or a proxy that knows its own name in Via ends it: 508 Loop Detected, 502,
400 or 431.

Inside, another resolver used to answer with the origin's own address (split horizon); the loop begins when that resolver, or the
hosts file, goes.

Elsewhere: nginx *worker_connections are not enough* or 400 *Request Header Or Cookie Too Large*; HAProxy fills maxconn (**sQ**);
Cloudflare shows error 1000, "DNS points to prohibited IP"; CDNs tell it by CDN-Loop (RFC 8586).

Told apart from an origin on the proxy's own machine, which is ordinary, by the request that comes back. An own address in the
answer alone is no fault; it says only that one looks at the proxy when one means the origin.`,
	Asks: []string{
		"What does the proxy's own resolver say, run on the proxy: `getent ahosts {host}`; `ip -brief address`",
		"How often does the proxy stand in Via of one request: look at the access log for the same id",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "State the origin's own address; Host and SNI stay the name of the site.",
			Lines: "origin:\n  urls: [\"https://ORIGIN-ADDRESS\"]\n  host: \"{host}\"\n  tls:\n    server_name: \"{host}\""},
		{On: finding.Lunette, Do: "Or ask the inner resolver, which knows the origin's address.", Lines: "origin:\n  resolver: [RESOLVER]"},
		{On: finding.Network, Do: "Or give the origin a name of its own that never points to the proxy.", Lines: "origin-1.internal.example.  300  IN  A  ORIGIN-ADDRESS"},
	},
	Sources: []string{"RFC 9110 section 7.6.3 (Via)", "RFC 8586 (CDN-Loop)", "RFC 5842 section 7.2 (508)"},
	Run:     runPointsAtProxy,
}

func runPointsAtProxy(c *check.Case) *check.Verdict {
	f := c.Flow
	own := ownAnswer(c)
	if v := loop(f); v != nil {
		if own != nil {
			v.Proof = append(v.Proof, own.proof(f, own.name(f)+" has an address of this machine: "+addresses(own)))
		}
		return v
	}
	if own == nil || !f.Server.Addr().IsValid() || !own.holds(f.Server.Addr()) {
		return nil
	}
	return &check.Verdict{Confidence: finding.Possible, Severity: finding.Info,
		Summary: fmt.Sprintf("The name %s has an address of this machine (%s): if a proxy listens there, this is the proxy and not the origin behind it.",
			own.name(f), f.Server.Addr()),
		Proof:  []finding.Proof{own.proof(f, own.who()+" answers with an address of this machine: "+addresses(own))},
		Settle: "look who listens on " + f.Server.String() + " (ss -ltnp), or give the origin's own address"}
}

// loop is what the connection itself shows of a request that went round.
func loop(f *check.Flow) *check.Verdict {
	for i := range f.Exchanges() {
		x := &f.Exchanges()[i]
		if name, n := repeated(x.Request); n > 1 && x.RequestAt >= 0 {
			return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.RequestAt, fmt.Sprintf("Via names %q %d times", name, n))},
				Summary: fmt.Sprintf("The request has passed the same proxy (%q in Via) %d times: it goes round.", name, n)}
		}
		if x.Status() == 508 && x.ResponseAt >= 0 {
			return &check.Verdict{Confidence: finding.Likely, Proof: []finding.Proof{f.Proof(x.ResponseAt, "508 Loop Detected")},
				Summary: "Who was asked answers 508 Loop Detected: a proxy has seen this request before.",
				Settle:  "look for the proxy's own name in Via of the request, and look up the origin's name on the proxy"}
		}
	}
	if f.Reason == reason.ConfigLoopDetected && len(f.Facts) > 0 {
		return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(0, "this request carried Lunette's own name in Via")},
			Summary: "The request came back to Lunette: its own name stood in Via already."}
	}
	return nil
}

// repeated is the name that stands in Via most often, with how often.
func repeated(h *fact.HTTPHead) (string, int) {
	if h == nil {
		return "", 0
	}
	count, most, best := map[string]int{}, 0, ""
	for i := range h.Fields {
		if !strings.EqualFold(h.Fields[i].Name, "Via") {
			continue
		}
		for part := range strings.SplitSeq(h.Fields[i].Value, ",") {
			words := strings.Fields(part)
			if len(words) < 2 {
				continue
			}
			if count[words[1]]++; count[words[1]] > most {
				most, best = count[words[1]], words[1]
			}
		}
	}
	return best, most
}

// ownAnswer is a lookup that gave an address of this machine.
func ownAnswer(c *check.Case) *lookup {
	all := lookups(c)
	for i := range all {
		if len(all[i].d.Own) > 0 {
			return &all[i]
		}
	}
	return nil
}
