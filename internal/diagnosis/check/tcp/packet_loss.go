package tcp

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var packetLoss = check.Check{
	Code:      "tcp.packet_loss",
	Title:     "packets are lost on the way and sent again",
	Severity:  finding.Warning,
	Catalogue: []int{15},
	Refines: []reason.Code{reason.TCPTimeout, reason.TLSTimeout, reason.ReadFirstByteTimeout, reason.ReadBodyStall, reason.ReadTooSlow, reason.ReadOverTotalTime,
		reason.WriteTimeout},
	On:    []fact.Kind{fact.TCPRetransmission},
	Needs: check.Packets,
	Text: `Segments do not arrive and are sent again: after three duplicate ACKs within a round trip, or else after the retransmission
timeout, which begins at 200 ms on Linux (300 ms on Windows, 1 s for a SYN) and doubles each time. Requests succeed, with
latencies that gather at 0.2, 0.6, 1.4 s or at 1, 3, 7 s above the usual. No program reports it, since none sees it; a proxy at
most times out on the worst of them.

A full link, a bad cable or duplex setting, a policer, an overloaded firewall or a virtual switch are behind it. The counters tell
where: those of interfaces (dropped, errors), of the queue (tc -s qdisc), of the hypervisor.

The side that sends again shows which direction suffers: what the client repeats was lost on the way to the origin, or its ACK on
the way back. A repetition that was needless (the ACK was only late) looks the same at first. Told apart from a capture that lost
packets itself: there nothing is sent again, and the other side acknowledges what the capture lacks. Packets that stand in the
capture twice are not counted. Where nothing arrives any more after some point, small packets neither, the way is cut, or a device on it
has dropped the connection: then requests fail. After a pause that is tcp.half_open, with large packets alone tcp.mtu_black_hole, with
SYNs tcp.syn_dropped.`,
	Asks: []string{
		"Per connection, live: `ss -tin dst {ip}` (retrans, rto, rtt)",
		"On both ends: `nstat -az TcpRetransSegs TcpOutSegs`; `ip -s link`; `ethtool -S eth0 | grep -iE 'drop|err|miss'`; `tc -s qdisc`",
		"On the way: `mtr -Tn -P 443 -c 100 {ip}` (Windows: pathping)",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Find the link that drops: counters of interfaces and queues at both ends and between.",
			Lines: "ip -s link show\nethtool -S eth0 | grep -iE 'drop|err|miss'\ntc -s qdisc show dev eth0\nmtr -Tn -P 443 -c 100 192.0.2.10"},
		{On: finding.IIS, Do: "Look at the counters of the network card.", Lines: "# PowerShell, as administrator\nGet-NetAdapterStatistics\nnetstat -s -p tcp"},
		{On: finding.Lunette, Do: "Keep connections open: a lost SYN costs a second, a lost segment of a connection with traffic a round trip.",
			Lines: "origin:\n  idle_connections: 512\n  timeouts: {keepalive_idle: 30s}"},
	},
	Sources: []string{"RFC 6298", "RFC 5681 section 3.2", "RFC 8985 (RACK-TLP)", "ss(8): -i"},
	Run:     runPacketLoss,
}

func runPacketLoss(c *check.Case) *check.Verdict {
	f := c.Flow
	if how, _ := f.Dial(); how != check.DialConnected {
		return nil
	}
	toServer, _, a := again(f, fact.SideClient, "data", -1)
	toClient, _, b := again(f, fact.SideServer, "data", -1)
	syns := f.SynsAgain()
	if v := wayCut(f); v != nil {
		return v
	}
	if toServer+toClient+syns < 2 {
		return nil // once is no loss to speak of, and may be a late ACK
	}
	v := &check.Verdict{Confidence: finding.Likely, Severity: finding.Info, Settle: "capture at the other end as well, or look at the counters of both"}
	v.Summary = "Sent again: " + lost(toServer, toClient, syns) + "."
	if toServer+toClient+syns <= 2 {
		v.Confidence = finding.Possible // a late ACK does that
	}
	for _, i := range []int{a, b} {
		if i >= 0 {
			v.Proof = append(v.Proof, f.Proof(i, "the "+f.Facts[i].Side.String()+" sends a segment again"))
		}
	}
	if syns > 0 {
		for i := f.First(fact.TCPRetransmission); i >= 0; i = f.Next(i, fact.TCPRetransmission) {
			if f.Facts[i].Text == "syn" {
				v.Proof = append(v.Proof, f.Proof(i, "SYN again: the connection takes "+finding.Span(max(f.Dialling(), time.Second))))
				break
			}
		}
	}
	if toServer+toClient >= 10 && f.Watched&check.Plain != 0 && !f.Served() && f.Has(fact.GaveUp, fact.TCPReset) {
		v.Severity = finding.Warning
	}
	return v
}

// lost says what was sent again, and leaves out what was not.
func lost(toServer, toClient, syns int) string {
	var parts []string
	if toServer > 0 {
		parts = append(parts, check.Count(toServer, "segment")+" of the client's")
	}
	if toClient > 0 {
		parts = append(parts, check.Count(toClient, "segment")+" of the server's")
	}
	if syns > 0 {
		parts = append(parts, check.Count(syns, "SYN"))
	}
	return strings.Join(parts, ", ")
}

// wayCut finds a connection that worked, and from some moment on nothing that the client sends is acknowledged, small packets neither.
func wayCut(f *check.Flow) *check.Verdict {
	const tries = 4 // 3 s and more on Linux
	heard := f.First(fact.TCPConnected)
	for i := f.Heard(fact.SideServer, heard); i >= 0; i = f.Heard(fact.SideServer, i) {
		heard = i
	}
	first := f.Find(heard, func(x *fact.Fact) bool {
		return x.Kind == fact.TCPRetransmission && x.Side == fact.SideClient && x.Text == "data"
	})
	resent, size, _ := again(f, fact.SideClient, "data", heard)
	if heard < 0 || first < 0 || resent < tries || size/int64(resent) >= largeSegment || f.Has(fact.TCPZeroWindow) || f.Find(heard, fromServer) >= 0 {
		return nil
	}
	waited := remaining(f, first)
	if waited < surely {
		return nil
	}
	return &check.Verdict{Confidence: finding.Likely, Severity: finding.Critical, Settle: "a capture at the other end: do the packets arrive there? And does a new connection work at once (tcp.half_open)?",
		Proof: []finding.Proof{f.Proof(heard, "the last that comes of the server"), f.Proof(first, "the client sends the same again, "+times(resent)+" in all, and nothing acknowledges it")},
		Summary: fmt.Sprintf("The connection had worked; then the client sent about %d bytes again %s, for %s, and nothing of the server came any more, not even an ACK.",
			size/int64(resent), times(resent), finding.Span(waited))}
}
