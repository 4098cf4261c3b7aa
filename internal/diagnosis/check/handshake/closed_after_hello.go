package handshake

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var closedAfterHello = check.Check{
	Code:      "tls.closed_after_hello",
	Title:     "the origin drops the connection on the ClientHello, without an alert",
	Severity:  finding.Critical,
	Catalogue: []int{20},
	Refines:   []reason.Code{reason.TLSReset, reason.TLSEOF},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Text: `The ClientHello is answered by RST or FIN and by nothing else. A TLS stack that finds no common ground should send an alert;
**Schannel** (IIS, every Windows service) often does not and resets. So do IIS with SNI-only bindings when the name is unknown or
absent, a binding whose certificate is gone or whose private key cannot be read, load balancers without a live server, and
firewalls that dislike the name.

Everybody prints the same of it: nginx *peer closed connection in SSL handshake (104: Connection reset by peer) while SSL
handshaking*, HAProxy **SC** *SSL handshake failure*, Go *read: connection reset by peer* or *EOF*. The wire does not say which
part of the hello displeased; the other side's log does. On Windows that is the System log, source Schannel: **36874** no suite in
common, **36871** the credential (certificate or key) cannot be used, **36888** with the number of the alert that should have been
sent.

To tell from it: a reset before any ClientHello is no matter of TLS (tcp.reset_after_accept). A change of one thing that cures it
names the cause: versions (tls.version_intolerant), size (tls.large_client_hello_dropped), suites (tls.no_common_cipher), name
(tls.sni_missing, tls.sni_rejected, network.sni_reset).`,
	Asks: []string{
		"On Windows: `Get-WinEvent -FilterHashtable @{LogName='System';ProviderName='Schannel'} -MaxEvents 20 | Format-List TimeCreated,Id,Message`",
		"On IIS: `netsh http show sslcert`: is there a binding for the address, or for the name only (hostnameport)?",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Read event 36874, 36871 or 36888 of Schannel; for 36871 bind a certificate whose key the machine can read, for 36874 enable the suites that the client offers (TLS 1.2 first).",
			Lines: "# PowerShell, as administrator\nGet-WinEvent -FilterHashtable @{LogName='System';ProviderName='Schannel'} -MaxEvents 20\nnetsh http show sslcert\nGet-TlsCipherSuite | Format-Table Name\n# event 36871, where the certificate has lost its key\ncertutil -repairstore my THUMBPRINT"},
		{On: finding.Lunette, Do: "Offer older suites to this origin and see; \"lunette doctor\" finds the narrowest settings that work. Legacy suites are weaker.",
			Lines: "origin:\n  tls:\n    profile: legacy\n    min_version: \"1.0\""},
		{On: finding.Network, Do: "See that neither a firewall nor a load balancer in front of the origin ends the connection: capture on the origin and compare."},
	},
	Sources: []string{"RFC 8446 section 6.2", "Microsoft: Schannel events 36871, 36874, 36888", "Microsoft: netsh http show sslcert"},
	Run:     runClosedAfterHello,
}

func runClosedAfterHello(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := refused(f)
	if !ok || r.how != fact.TCPReset && r.how != fact.TCPClosed {
		return nil
	}
	after := " on the ClientHello"
	if r.end >= 0 {
		after = " " + finding.Span(f.Since(r.at, r.end)) + " after the ClientHello"
	}
	return &check.Verdict{Confidence: finding.Likely, Proof: r.proof(f),
		Summary: fmt.Sprintf("The origin %s%s, without a ServerHello and without an alert.", r.did(), after),
		Settle:  "\"lunette doctor\": it changes versions, suites, groups, name and size one at a time; or Schannel's events 36871, 36874, 36888"}
}
