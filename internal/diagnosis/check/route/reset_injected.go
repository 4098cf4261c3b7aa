package route

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var resetInjected = check.Check{
	Code:      "network.reset_injected",
	Title:     "the reset comes from another machine than the one that accepted the connection",
	Severity:  finding.Critical,
	Catalogue: []int{9, 84},
	Refines: []reason.Code{reason.TLSReset, reason.TCPReset, reason.ReadResetBeforeHeader, reason.ReadResetInBody, reason.WriteReset,
		reason.ReadStaleReusedConnection},
	On:    []fact.Kind{fact.TCPReset},
	Needs: check.Packets,
	Silences: []finding.Code{"tls.closed_after_hello", "tcp.reset_after_accept", "http1.reset_before_answer", "http1.body_truncated", "http1.chunk_broken",
		"tcp.keep_alive_race", "tls.sni_rejected"},
	Text: `Each machine writes one TTL (hop limit) into what it sends, mostly 64, 128 or 255, and every router on the way takes one off. So all
packets of a server reach the proxy with the same number. Here the **RST has another one than the SYN-ACK**: another machine made it
and put the origin's address on it. Firewalls, intrusion prevention, DDoS scrubbers and URL filters do so when a rule fits: a name
in the ClientHello, a pattern in the data, a count of connections, a connection that they have forgotten.

Proxies cannot tell it from a reset of the origin: nginx *(104: Connection reset by peer)*, HAProxy **SC** or **SD**, Go *read:
connection reset by peer*. The origin's own capture has no such RST among what it sent; often it received one too, in the proxy's
name.

Not all of it is foul play. A SYN proxy or a load balancer that answers the SYN itself and lets another machine go on shows two
TTLs as well, and then the SYN-ACK is the odd one. A capture on the origin settles it. Where the TTLs are alike nothing follows:
a box in the same network segment may take care to look like the server.`,
	Asks: []string{
		"Compare all packets: `tshark -r FILE -Y 'ip.src=={ip}' -T fields -e frame.number -e ip.ttl -e ip.id -e tcp.flags.str -e tcp.window_size`",
		"Capture on the origin at the same time: `tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0 and port {port}'`. Does the RST leave it?",
		"Which boxes stand on the way, and what do their logs say at this time? `traceroute -T -p {port} {ip}`: which hop has that TTL?",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Find the box by its distance and its log, and have the way between the proxy and the origin exempted from the rule; that takes its protection from this way."},
		{On: finding.Origin, Do: "Prove that it is not the origin: capture there, and look for an RST that leaves it.", Lines: "tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0 and port 443'"},
	},
	Sources: []string{"RFC 9293 section 3.5.2", "RFC 3360 (inappropriate resets)", "RFC 791 section 3.2 (time to live)"},
	Run:     runResetInjected,
}

func runResetInjected(c *check.Case) *check.Verdict {
	f := c.Flow
	i := f.FirstOf(fact.SideServer, fact.TCPReset)
	synAck, reset, odd := f.OddTTL(i)
	if !odd || f.Has(fact.TCPPortReused) || f.Lacks(fact.SideServer, -1) {
		return nil
	}
	what := struckAt(f, i)
	if what == "" {
		return nil
	}
	return &check.Verdict{Confidence: finding.Likely,
		Settle:  "a capture on the origin at the same time: where no RST leaves it, something between made it",
		Summary: fmt.Sprintf("%s ended in a RST with TTL %d, while the SYN-ACK had come with %d: another machine made it.", what, reset, synAck),
		Proof: []finding.Proof{f.Proof(f.First(fact.TCPSynAck), fmt.Sprintf("the SYN-ACK comes with TTL %d", synAck)),
			f.Proof(i, fmt.Sprintf("the RST comes with TTL %d", reset))}}
}

// struckAt is what the reset at index i broke, "" where it broke nothing.
func struckAt(f *check.Flow, i int) string {
	if e := f.Ended(); e.At >= 0 && e.At < i {
		return "" // it was over
	}
	if x := exchangeCut(f, i); x != nil {
		return x.Line()
	}
	switch hello := f.First(fact.TLSClientHello); {
	case f.Pending() != nil:
		return "The wait for an answer"
	case f.Established() || f.Has(fact.RequestHead, fact.PlainRequest):
		return ""
	case hello >= 0 && hello < i:
		return "The TLS handshake"
	case f.Has(fact.TCPConnected):
		return "The connection, on which nothing was sent yet,"
	}
	return ""
}

// exchangeCut is the exchange that was under way at index i, nil without.
func exchangeCut(f *check.Flow, i int) *check.Exchange {
	all := f.Exchanges()
	for n := len(all) - 1; n >= 0; n-- {
		if x := &all[n]; x.RequestAt >= 0 && x.RequestAt < i && (x.ResponseDone < 0 || x.CutShort >= 0) && x.Stream == 0 {
			return x
		}
	}
	return nil
}
