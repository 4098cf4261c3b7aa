package dns

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var resolverFailing = check.Check{
	Code:      "dns.resolver_failing",
	Title:     "a resolver gives no answer for the origin's name",
	Severity:  finding.Critical,
	Catalogue: []int{2},
	Refines:   []reason.Code{reason.DNSTimeout, reason.DNSServFail, reason.DNSRefused, reason.DNSNoResolver, reason.DNSBadAnswer},
	On:        []fact.Kind{fact.DNSFailed},
	Silences:  []finding.Code{"config.health_check_blind", "client.gone"},
	Text: `The name may well exist, but the resolver does not say: queries stay without an answer, or come back as **SERVFAIL** (it could not
find out, or DNSSEC validation failed), or **REFUSED** (it does not serve this client). No SYN leaves before the lookup is over,
so every request waits first: the patience of one query times the tries, commonly 5 s and its multiples, and fails or goes on
after that.

Where several resolvers are listed and the first is dead, everything works, only late: each lookup that is not cached costs the
patience of the first. That looks like a slow origin until the time of DNS is measured by itself.

Elsewhere: nginx prints *could not be resolved (110: Operation timed out)* or *(2: Server failure)*; Go says *lookup X: i/o
timeout* or *server misbehaving*; Envoy answers with **DF**; Cloudflare shows 530 with error 1016.

Told apart from dns.name_not_found by the answer: NXDOMAIN is an answer. Told apart from tcp.syn_dropped by the SYN, which was
never sent.`,
	Asks: []string{
		"Ask each resolver by itself, by UDP and by TCP: `dig @RESOLVER {host}`; `dig +tcp @RESOLVER {host}`",
		"SERVFAIL only with validation is DNSSEC: `dig +cd @RESOLVER {host}`",
		"Is UDP 53 let through, and are answers above 1232 bytes: `dig +bufsize=4096 @RESOLVER {host} DNSKEY`",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Mend or replace the resolver, or let UDP and TCP port 53 through to it; take dead ones out of /etc/resolv.conf.",
			Lines: "resolvectl status\ndig @RESOLVER {host} A\ndig +tcp @RESOLVER {host} A"},
		{On: finding.Lunette, Do: "Ask resolvers that answer, and wait less for one that does not.",
			Lines: "origin:\n  resolver: [RESOLVER, RESOLVER-2]\n  timeouts: {dns: 2s}"},
	},
	Sources: []string{"RFC 1035 section 4.1.1", "RFC 2308 section 7", "resolv.conf(5): timeout, attempts, rotate", "nginx: ngx_http_core_module, resolver_timeout"},
	Run:     runResolverFailing,
}

func runResolverFailing(c *check.Case) *check.Verdict {
	f, all := c.Flow, lookups(c)
	own := asked(all)
	bad := first(own, failing)
	if bad == nil {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{bad.proof(f, bad.who()+" about "+bad.name(f)+": "+trouble(bad))}}
	v.Summary = fmt.Sprintf("%s gives no answer for %s: %s.", sentence(bad.who()), bad.name(f), trouble(bad))
	if silent(bad) {
		v.Waited = bad.took()
	}
	good := first(own, answered)
	switch {
	case good != nil:
		v.Severity = finding.Warning
		v.Summary += fmt.Sprintf(" The name was found all the same, by %s.", good.who())
		v.Proof = append(v.Proof, good.proof(f, good.who()+" answers: "+addresses(good)))
	case first(all, answered) != nil:
		good = first(all, answered)
		v.Summary += fmt.Sprintf(" %s knows the name.", sentence(good.who()))
		v.Proof = append(v.Proof, good.proof(f, good.who()+" answers: "+addresses(good)))
	case connected(f):
		v.Severity = finding.Warning
	}
	return v
}

// silent reports whether nothing came at all.
func silent(l *lookup) bool {
	return strings.EqualFold(l.d.RCode, "timeout") || reason.Code(l.d.RCode) == reason.DNSTimeout
}

// trouble says what came instead of an answer.
func trouble(l *lookup) string {
	if silent(l) {
		if t := l.took(); t >= time.Millisecond {
			return "nothing came for " + finding.Span(t)
		}
		return "nothing came in time"
	}
	switch reason.Code(l.d.RCode) {
	case reason.DNSServFail:
		return "SERVFAIL"
	case reason.DNSRefused:
		return "REFUSED"
	case reason.DNSNoResolver:
		return "no resolver is configured, or none can be reached"
	case reason.DNSBadAnswer:
		return "its answer cannot be read"
	case "":
		return "the lookup failed"
	}
	return l.d.RCode
}
