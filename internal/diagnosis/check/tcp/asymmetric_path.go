package tcp

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var asymmetricPath = check.Check{
	Code:      "tcp.asymmetric_path",
	Title:     "the answer to SYN comes back from another address",
	Severity:  finding.Critical,
	Catalogue: []int{18},
	Refines:   []reason.Code{reason.TCPTimeout},
	On:        []fact.Kind{fact.TCPSyn, fact.TCPSynAck},
	Needs:     check.Packets,
	Silences:  []finding.Code{"tcp.syn_dropped", "tcp.accept_queue_overflow", "client.gone"},
	Text: `The SYN goes to one address, and the **SYN-ACK comes from another one**, or from another port. The client's kernel knows of no
such connection and answers it with RST, while it goes on sending SYNs for the one that it wants, until its connect timeout. The
origin answers past the device that translated the address on the way in: a load balancer with destination NAT whose server has
another default gateway, a server with two network cards, a virtual address (VIP, DSR) that is missing on the server's loopback, a
firewall pair of which only one node holds the state.

Elsewhere all that is seen is a connect timeout: nginx *upstream timed out (110) while connecting to upstream*, HAProxy **sC**, Go
*i/o timeout*; on the origin half-open connections in SYN-RECV (*ss -tan state syn-recv*), and the log of a stateful firewall says
*out of state* or *invalid*.

Told apart from tcp.syn_dropped by the SYN-ACK, which is there: in a capture it stands as a connection of its own that begins with
SYN-ACK and is reset by the client at once. Same client port, another server address. It needs a capture of packets: a program
sees nothing of it.`,
	Asks: []string{
		"Which way does the origin answer, on the origin: `ip route get PROXY-ADDRESS`; `ip rule`; `ip -brief address`",
		"Is the reverse path filter dropping it: `nstat -az TcpExtIPReversePathFilter`; `sysctl net.ipv4.conf.all.rp_filter`",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Make the answer go back the way it came: source NAT on the load balancer, or the balancer as the server's gateway, or on the server a routing rule by source address.",
			Lines: "ip rule; ip route show table 100\nip route replace default via GATEWAY table 100 && ip rule add from {ip} table 100"},
		{On: finding.Network, Do: "With direct server return: let the server not answer ARP for the virtual address, and only then put it on its loopback.",
			Lines: "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 && ip address add VIRTUAL-ADDRESS/32 dev lo"},
		{On: finding.Lunette, Do: "Or dial the address that answers, where it is the origin's own.",
			Lines: "origin:\n  urls: [\"https://ORIGIN-ADDRESS\"]\n  host: \"{host}\"\n  tls:\n    server_name: \"{host}\""},
	},
	Sources: []string{"RFC 9293 section 3.10.7.3 (SYN-SENT)", "Linux: ip-rule(8), rp_filter in ip-sysctl"},
	Run:     runAsymmetricPath,
}

func runAsymmetricPath(c *check.Case) *check.Verdict {
	f := c.Flow
	for _, o := range c.Others {
		asked, stray := f, o
		if orphan(f) {
			asked, stray = o, f
		}
		if !orphan(stray) || asked.Client != stray.Client || asked.Server == stray.Server || !asked.Has(fact.TCPSyn) {
			continue
		}
		syn, ack := asked.First(fact.TCPSyn), stray.First(fact.TCPSynAck)
		after := stray.Facts[ack].At.Sub(asked.Facts[syn].At)
		if how, _ := asked.Dial(); how == check.DialConnected || after < 0 || stray.Facts[ack].At.After(asked.End.Add(surely)) {
			continue
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.ProofOf(asked, syn, "SYN to "+asked.Server.String()),
			f.ProofOf(stray, ack, fmt.Sprintf("SYN-ACK from %s to the same port of the client", stray.Server))},
			Summary: fmt.Sprintf("SYN went to %s, and %s answered it: the way back is another one, and the client drops the answer.", asked.Server, stray.Server)}
		if i := stray.NextOf(fact.SideClient, ack, fact.TCPReset); i >= 0 {
			v.Proof = append(v.Proof, f.ProofOf(stray, i, "the client resets what it did not ask for"))
		} else {
			v.Confidence, v.Settle = finding.Likely, "watch whether the client resets the stray SYN-ACK"
		}
		return v
	}
	return nil
}

// orphan reports whether a connection begins with the answer to a SYN that went elsewhere.
func orphan(f *check.Flow) bool {
	first := f.First(fact.TCPSyn, fact.TCPSynAck)
	return first >= 0 && f.Facts[first].Kind == fact.TCPSynAck && !f.Has(fact.TCPSyn, fact.TCPConnected)
}
