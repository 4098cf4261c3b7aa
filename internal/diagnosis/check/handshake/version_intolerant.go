package handshake

import (
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var versionIntolerant = check.Check{
	Code:      "tls.version_intolerant",
	Title:     "the origin fails when TLS 1.3 is offered, and works when it is not",
	Severity:  finding.Critical,
	Catalogue: []int{23},
	Refines:   []reason.Code{reason.TLSReset, reason.TLSEOF, reason.TLSTimeout, reason.TLSAlert, reason.TLSNoCommonVersion, reason.TLSECHOrExtFault},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records | check.Others,
	Silences:  []finding.Code{"tls.closed_after_hello", "tls.silent_after_hello", "tls.handshake_alert", "tls.no_common_version", "tls.no_common_cipher", "tcp.reset_after_accept"},
	Text: `A server must ignore extensions and versions that it does not know and answer with the newest version that both have (RFC 8446
section 4.1.2). Some old stacks and middleboxes do not: a hello with supported_versions, key_share, an unknown extension or GREASE
makes them reset, close, stay silent or send an alert such as protocol_version (70), decode_error (50) or illegal_parameter (47).
Capped at TLS 1.2 the same client works.

It shows after an update of the *client* side: OpenSSL 1.0 to 1.1.1 or 3, Java 8 to 11, a new proxy image. The proxy prints what
it prints for every broken handshake: nginx *peer closed connection in SSL handshake*, HAProxy **SC**, Go *EOF* or *connection
reset by peer*.

Only a comparison proves it: same name, a hello without TLS 1.3 is answered, one with it is not. A hello with a post-quantum group
is also four times as long; where only the long one fails it is the length (tls.large_client_hello_dropped), so this is stated for
small hellos.`,
	Asks: []string{"`openssl s_client -connect {origin} -servername {host} -tls1_2` works, and -tls1_3 or no option does not?"},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Offer this origin nothing newer than TLS 1.2.", Lines: "origin:\n  tls:\n    max_version: \"1.2\""},
		{On: finding.Origin, Do: "Update the TLS library of the origin; one that breaks on unknown extensions has other faults too."},
		{On: finding.Network, Do: "Where the origin itself is fine with TLS 1.3, a firewall or load balancer on the way reads along: update it, or exempt the origin from inspection."},
	},
	Sources: []string{"RFC 8446 sections 4.1.2 and 4.2.1", "RFC 8701 (GREASE)"},
	Run:     runVersionIntolerant,
}

func runVersionIntolerant(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := refused(f)
	if !ok || r.hello == nil || !slices.Contains(r.hello.Versions, "TLS 1.3") || f.Facts[r.at].Size > oneSegment || r.how == fact.Silence && r.waited(f) < patience {
		return nil
	}
	if r.how == fact.TLSAlert && r.alert == alertUnrecognizedName {
		return nil
	}
	var v *check.Verdict
	for _, o := range c.Compared() {
		h := answered(o)
		if h == nil || h.ServerName != r.hello.ServerName {
			continue
		}
		if slices.Contains(h.Versions, "TLS 1.3") {
			return nil // TLS 1.3 may be offered
		}
		if !answersWithin(&r, o, h) {
			continue // something else that this hello lacks explains it
		}
		if chosen := newest(o); v == nil {
			v = &check.Verdict{Confidence: finding.Certain, Proof: append(r.proof(f), answer(f, o, "a hello without TLS 1.3 is answered with "+chosen+", "+suite(o))),
				Summary: fmt.Sprintf("Offered %s, the origin %s; offered no TLS 1.3 it answers with %s and a suite of the same offer.", versions(r.hello), r.did(), chosen)}
		}
	}
	if v == nil {
		return nil
	}
	if r.how == fact.Silence {
		v.Waited = r.waited(f)
	}
	x := r.contrast(c, func(h *fact.ClientHello, at *fact.Fact) bool {
		return h.ServerName == r.hello.ServerName && slices.Contains(h.Versions, "TLS 1.3") && at.Size <= oneSegment
	}, func(o *check.Flow, h *fact.ClientHello) bool { return answersWithin(&r, o, h) })
	x.Temper(v)
	return v
}

// answersWithin reports whether o was answered with what the refused hello offers as well.
func answersWithin(r *refusal, o *check.Flow, h *fact.ClientHello) bool {
	chosen := newest(o)
	return h.ServerName == r.hello.ServerName && chosen != "" && offersVersion(r.hello, chosen) && slices.Contains(r.hello.Suites, suite(o)) && offersGroup(r.hello, group(o))
}
