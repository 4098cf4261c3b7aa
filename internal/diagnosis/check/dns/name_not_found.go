package dns

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var nameNotFound = check.Check{
	Code:      "dns.name_not_found",
	Title:     "the origin's name has no address",
	Severity:  finding.Critical,
	Catalogue: []int{1},
	Refines:   []reason.Code{reason.DNSNXDomain, reason.DNSNoAddress},
	On:        []fact.Kind{fact.DNSFailed, fact.DNSAnswer},
	Silences:  []finding.Code{"dns.resolver_failing", "config.health_check_blind"},
	Text: `The resolver answers, and the answer is that there is no such name (RCODE 3, **NXDOMAIN**), or that the name exists without an A
or AAAA record (NOERROR with an empty answer, "NODATA"). No SYN leaves the proxy. A typing error, a record that was removed, a
search domain that is missing in this network, or a name that only an internal resolver knows (split horizon) are the usual
causes. Both answers may be kept by caches for as long as the SOA record of the zone says (RFC 2308), so that a record that was
added just now stays unknown for a while.

Elsewhere: nginx refuses to start with *host not found in upstream*, or prints *could not be resolved (3: Host not found)* at run
time; HAProxy puts the server into maintenance (RMAINT); Go and Caddy say *lookup X: no such host*; Envoy answers 503 with **UH**
or **DF**.

Not to be taken for it: a resolver that gives no answer (dns.resolver_failing), and a name without AAAA that has an A record,
which is how most names are. A public resolver that does not know an internal name proves nothing while the proxy's own resolver
does.`,
	Asks: []string{
		"Does the name exist for the authority: `dig +norecurse @NAMESERVER-OF-THE-ZONE {host} A`",
		"Which resolvers does this machine ask: `cat /etc/resolv.conf`; `resolvectl status`",
		"Is it known inside only: `dig @INTERNAL-RESOLVER {host} A`; `dig @1.1.1.1 {host} A`",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Add the record, or take the typing error out of the name; wait for the negative TTL of the zone's SOA record.",
			Lines: "dig {host} A\ndig {host} AAAA\ndig SOA ZONE"},
		{On: finding.Lunette, Do: "Ask the resolver that knows the name.", Lines: "origin:\n  resolver: [RESOLVER]"},
		{On: finding.Lunette, Do: "Or state the address; then DNS is not asked, and a move of the origin is not noticed.",
			Lines: "origin:\n  urls: [\"https://ORIGIN-ADDRESS\"]\n  host: \"{host}\"\n  tls:\n    server_name: \"{host}\""},
	},
	Sources: []string{"RFC 1035 section 4.1.1", "RFC 2308 sections 2 and 5", "nginx: ngx_http_core_module, resolver"},
	Run:     runNameNotFound,
}

func runNameNotFound(c *check.Case) *check.Verdict {
	all := lookups(c)
	own := asked(all)
	if good := first(own, answered); good != nil {
		return elsewhereUnknown(c, all, good)
	}
	bad := first(own, noName)
	if bad == nil {
		bad = first(own, noAddress)
	}
	if bad == nil {
		return nil
	}
	f := c.Flow
	what, shows := "does not exist", "NXDOMAIN: no such name"
	if bad.outcome() == noAddress {
		what, shows = "has no address", "an answer without an address"
		if other := first(own, failing); other != nil { // the other type may have one
			return nil
		}
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{bad.proof(f, fmt.Sprintf("%s about %s: %s", bad.who(), bad.name(f), shows))},
		Summary: fmt.Sprintf("The name %s %s, says %s: there is nothing to connect to.", bad.name(f), what, bad.who())}
	if connected(f) { // the address was stated by hand
		v.Severity = finding.Info
		v.Summary = fmt.Sprintf("The name %s %s, says %s; the connection went to a stated address.", bad.name(f), what, bad.who())
		return v
	}
	if other := first(all, answered); other != nil {
		v.Summary += fmt.Sprintf(" %s knows it.", sentence(other.who()))
		v.Proof = append(v.Proof, other.proof(f, fmt.Sprintf("%s knows it: %s", other.who(), addresses(other))))
	}
	return v
}

// elsewhereUnknown tells of other resolvers that do not know a name which ours does: worth knowing, and often meant so.
func elsewhereUnknown(c *check.Case, all []lookup, good *lookup) *check.Verdict {
	for i := range all {
		l := &all[i]
		if l.ours() || l.outcome() != noName || l.d.Resolver == good.d.Resolver || l.d.Name != good.d.Name && good.d.Name != "" {
			continue
		}
		return &check.Verdict{Confidence: finding.Certain, Severity: finding.Info,
			Summary: fmt.Sprintf("%s does not know %s, %s does: it is known inside only, which may be meant so.", sentence(l.who()), l.name(c.Flow), good.who()),
			Proof: []finding.Proof{good.proof(c.Flow, fmt.Sprintf("%s answers: %s", good.who(), addresses(good))),
				l.proof(c.Flow, l.who()+" says NXDOMAIN")}}
	}
	return nil
}
