package tcp

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var synDropped = check.Check{
	Code:      "tcp.syn_dropped",
	Title:     "SYNs to the origin get no answer: filtered, without a route, or the machine is down",
	Severity:  finding.Critical,
	Catalogue: []int{7},
	Refines:   []reason.Code{reason.TCPTimeout, reason.TCPNoRoute, reason.TCPHostDown, reason.TCPNetDown},
	On:        []fact.Kind{fact.TCPSyn, fact.TCPFailed},
	Silences:  []finding.Code{"config.health_check_blind", "client.gone", "read.timer_inversion"},
	Text: `The proxy sends SYN, again after 1, 3, 7 s and so on (Linux from 6.5 on after 1, 2, 3, 4, 5, 7 s), and nothing comes back: no
SYN-ACK, no RST. A firewall drops it silently, the origin has blocked the proxy's address (fail2ban, Dynamic IP Restrictions, a
cloud's security group), the route leads elsewhere, or the machine is off. Linux gives up after 127 s, Windows after 21 s, most
proxies by their own connect timeout long before. Where a router says so by ICMP, or our own machine knows no way (EHOSTUNREACH,
ENETUNREACH), it fails at once.

Elsewhere: nginx *upstream timed out (110: Connection timed out) while connecting to upstream* and 504; HAProxy 503 with **sC**,
which it prints for a TLS handshake without an answer as well; Go *dial tcp: i/o timeout*; Envoy 503 **UF** with
*connection_timeout*; Cloudflare 522 or 523.

Told apart: a full accept queue (tcp.accept_queue_overflow) drops SYNs too, but lets other connections through meanwhile. A
SYN-ACK that comes back from another address is tcp.asymmetric_path. A connection that is there, and then silence in TLS, is
tls.silent_after_hello. That others reach the same address from elsewhere at the same time proves that it is this source that is
dropped.`,
	Asks: []string{
		"Does the SYN arrive, on the origin: `tcpdump -ni any 'tcp port {port} and host PROXY-ADDRESS'`",
		"Where does it end, on the proxy: `traceroute -T -p {port} {ip}`; `ip route get {ip}`",
		"Does it work from another source address: `curl --interface OTHER-ADDRESS -sv https://{host}/`",
		"Was the proxy banned, on the origin: `fail2ban-client status`; `nft list ruleset`; `Get-NetFirewallRule -Direction Inbound -Enabled True`",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Let the proxy's address through (WAF-ADDRESS), by allow-list and not by lifting limits for all, in front of the rule that drops; or mend the route. Table and chain are those of the list.",
			Lines: "nft list ruleset\nnft insert rule inet filter input ip saddr WAF-ADDRESS tcp dport {port} accept\nfail2ban-client set JAIL unbanip WAF-ADDRESS"},
		{On: finding.IIS, Do: "Let the proxy through in Windows Firewall, where a rule that blocks wins over one that allows: look for that first. Take it out of IP restrictions.",
			Lines: "# PowerShell, as administrator\nGet-NetFirewallRule -Direction Inbound -Enabled True -Action Block | Format-Table DisplayName,Profile\nNew-NetFirewallRule -DisplayName 'HTTPS from the WAF' -Direction Inbound -Action Allow -Protocol TCP -LocalPort {port} -RemoteAddress WAF-ADDRESS"},
		{On: finding.Lunette, Do: "Fail sooner, and over to a server that answers.",
			Lines: "origin:\n  urls: [\"https://ORIGIN-ADDRESS\", \"https://ORIGIN-2-ADDRESS\"]\n  timeouts: {connect: 3s}\n  health: {path: /, interval: 10s}"},
	},
	Sources: []string{"RFC 9293 section 3.8.3 (R2 for SYN)", "RFC 6298 section 5.7", "tcp(7): tcp_syn_retries", "Windows: TcpMaxConnectRetransmissions"},
	Run:     runSynDropped,
}

func runSynDropped(c *check.Case) *check.Verdict {
	f := c.Flow
	how, i := f.Dial()
	if how != check.DialUnanswered && how != check.DialUnreachable || !tried(f) {
		return nil
	}
	waited := f.Dialling()
	if how == check.DialUnreachable {
		said := "no route to it"
		if i >= 0 {
			said = f.Facts[i].Text
		}
		return &check.Verdict{Confidence: finding.Certain, Proof: at(f, i, "the network says: "+said),
			Summary: fmt.Sprintf("There is no way to %s: %s.", f.Server, said)}
	}
	resent := f.SynsAgain()
	v := &check.Verdict{Confidence: finding.Likely, Waited: unownedDial(f), Proof: at(f, f.First(fact.TCPSyn, fact.TCPFailed), "SYN to "+f.Server.String()+", or the wait for its answer"),
		Settle: "capture on the origin's side: does the SYN arrive there; or connect from another address at the same time"}
	v.Summary = fmt.Sprintf("%s does not answer SYN for %s.", f.Server, finding.Span(waited))
	if syn := f.First(fact.TCPSyn); syn >= 0 {
		v.Proof = at(f, syn, "SYN to "+f.Server.String())
		v.Summary = fmt.Sprintf("%s does not answer SYN, sent %s, for %s.", f.Server, times(1+resent), finding.Span(waited))
	}
	if i >= 0 && f.Facts[i].Kind == fact.TCPFailed {
		v.Proof = at(f, i, "given up after "+finding.Span(waited)+" without an answer to SYN")
	} else if i >= 0 {
		v.Proof = append(v.Proof, f.Proof(i, "sent again for the last time: no answer"))
	}
	if o, j := connectedElse(c, false); o != nil && (resent >= 2 || waited >= surely) {
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary += fmt.Sprintf(" Meanwhile it accepts connections from %s: it is this source that is dropped.", o.Client.Addr())
		v.Proof = append(v.Proof, f.ProofOf(o, j, "a connection from "+o.Client.Addr().String()+" is accepted"))
	} else if o, j := connectedElse(c, true); o != nil {
		v.Confidence = finding.Possible
		v.Summary += " Another connection from the same address was accepted at about the same time."
		v.Proof = append(v.Proof, f.ProofOf(o, j, "another connection is accepted"))
	}
	return v
}
