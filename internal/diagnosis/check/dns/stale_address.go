package dns

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var staleAddress = check.Check{
	Code:      "dns.stale_address",
	Title:     "the connection went to an address that the name no longer has",
	Severity:  finding.Critical,
	Catalogue: []int{3},
	Refines: []reason.Code{reason.TCPTimeout, reason.TCPRefused, reason.TCPNoRoute, reason.CertNameMismatch, reason.DNSAnswerChanged,
		reason.TLSTimeout, reason.TLSReset},
	On:       []fact.Kind{fact.DNSAnswer},
	Silences: []finding.Code{"tcp.syn_dropped", "tcp.refused", "cert.name_mismatch", "origin.host_unknown"},
	Text: `The origin moved, its record was changed, and the proxy still goes to the old address: nothing answers there, or another machine
does, with another certificate. A direct test works, as it looks the name up anew. Who keeps the old address: nginx, which
resolves a name that stands literally in *proxy_pass* or *upstream* once, at start; a JVM with *networkaddress.cache.ttl* at -1; a
line in the hosts file; a caching resolver that serves expired records; a TTL of hours.

Elsewhere: nginx *upstream timed out while connecting to upstream* or *connect() failed (113: No route to host)*; HAProxy **sC**
or **SC**; Go *dial tcp: i/o timeout* or *certificate is valid for X, not Y*.

On the wire: SYNs to an address that no fresh answer of DNS holds. That alone proves little: names of large providers have more
addresses than one answer shows, and the public name of a protected site points to the proxy, not to its origin. So it is said to
be likely only when the address did come from an earlier answer or a hosts file, and certain when a connection to the present
address worked meanwhile.`,
	Asks: []string{
		"What does DNS say now, and for how long: `dig {host} A`; `dig {host} AAAA`",
		"Is the name pinned on this machine: `getent ahosts {host}`; `grep {host} /etc/hosts`",
		"When was the record changed, and what was its TTL before",
	},
	Mends: []finding.Mend{
		{On: finding.Nginx, Do: "Where nginx is the proxy: let it resolve the name at run time (a variable and a resolver), or reload it after a move.",
			Lines: "resolver RESOLVER valid=30s;\nset $origin {host};\nproxy_pass https://$origin;\nproxy_ssl_name {host};\nproxy_ssl_server_name on;"},
		{On: finding.Network, Do: "Take the old address out of the hosts file; before the next move lower the TTL, a day ahead.",
			Lines: "grep -n {host} /etc/hosts\nresolvectl flush-caches"},
		{On: finding.Lunette, Do: "State the present address, or the name and a resolver that is up to date; addresses are looked up anew when the TTL is over.",
			Lines: "origin:\n  urls: [\"https://{host}\"]\n  resolver: [RESOLVER]"},
	},
	Sources: []string{"RFC 1035 section 3.2.1 (TTL)", "RFC 8767 (serving stale data)", "nginx: ngx_http_upstream_module, server, resolve", "Java: networkaddress.cache.ttl"},
	Run:     runStaleAddress,
}

func runStaleAddress(c *check.Case) *check.Verdict {
	f := c.Flow
	dialled := f.Server.Addr()
	if !dialled.IsValid() || f.Served() {
		return nil
	}
	old, fresh := history(c)
	if fresh == nil {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Possible, Severity: finding.Warning, Proof: []finding.Proof{
		fresh.proof(f, fmt.Sprintf("%s about %s: %s", fresh.who(), fresh.name(f), addresses(fresh)))},
		Summary: fmt.Sprintf("The connection went to %s, and %s now says %s.", dialled, fresh.who(), addresses(fresh)),
		Settle:  "find out where the dialled address is from: the configuration, a hosts file, an older answer"}
	if len(f.Facts) > 0 {
		v.Proof = append(v.Proof, f.Proof(0, "the connection goes to "+dialled.String()))
	}
	if old == nil {
		how, _ := f.Dial()
		if how == check.DialConnected || how == check.DialUnknown {
			return nil // an address that was stated by hand, and an origin with another trouble
		}
		return v
	}
	v.Confidence, v.Severity, v.Settle = finding.Likely, 0, "connect to the present address and ask the same"
	v.Summary = fmt.Sprintf("The connection went to %s, which %s gave; now %s says %s.", dialled, old.who(), fresh.who(), addresses(fresh))
	v.Proof = append(v.Proof, old.proof(f, fmt.Sprintf("%s gave %s", old.who(), addresses(old))))
	for _, o := range c.Others {
		if fresh.holds(o.Server.Addr()) && o.Served() && len(o.Facts) > 0 {
			v.Confidence, v.Settle = finding.Certain, ""
			v.Summary += " A connection to the present address was served."
			v.Proof = append(v.Proof, f.ProofOther(&o.Facts[len(o.Facts)-1], "a connection to "+o.Server.Addr().String()+" was served"))
			break
		}
	}
	return v
}

// history finds the answer of DNS that the dialled address is from, and the freshest answer that does not hold it: the freshest
// of its family must not.
func history(c *check.Case) (old, fresh *lookup) {
	dialled := c.Flow.Server.Addr()
	all := lookups(c)
	for i := range all {
		l := &all[i]
		switch {
		case l.outcome() != answered || !l.sameFamily(dialled.Unmap().Is4()):
		case l.holds(dialled):
			old = l
			if l.d.Resolver != "hosts" && fresh != nil && !l.fact.At.Before(fresh.fact.At) {
				return nil, nil // DNS has it still
			}
		case l.d.Resolver != "hosts" && (fresh == nil || l.fact.At.After(fresh.fact.At)):
			fresh = l
		}
	}
	if old != nil && fresh != nil && old.d.Resolver != "hosts" && (!old.fact.At.Before(fresh.fact.At) || old.d.Resolver != fresh.d.Resolver) {
		return nil, nil
	}
	return old, fresh
}
