package tcp

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var portsExhausted = check.Check{
	Code:      "tcp.ports_exhausted",
	Title:     "no local port is left for a connection to the origin",
	Severity:  finding.Critical,
	Catalogue: []int{16},
	Refines:   []reason.Code{reason.LimitNoPorts, reason.TCPLocalBindFailed, reason.TCPTimeout},
	On:        []fact.Kind{fact.TCPFailed, fact.TCPPortReused},
	Silences:  []finding.Code{"tcp.syn_dropped", "config.health_check_blind"},
	Text: `A connection is told by two addresses and two ports. From one source address to one origin there are as many at once as there are
ephemeral ports (28 232 by default in Linux, 16 384 in Windows), and each port rests for 60 s in TIME-WAIT (Windows: 120 s) after
whoever closed first. New connections for every request, at some 470 a second, use them up: connect() fails at once with
**EADDRNOTAVAIL** and no SYN leaves. A NAT gateway in a cloud has the same limit for all machines behind it (Azure: 128 or 1 024
ports for a machine, AWS: 55 000 for a destination): there SYNs leave and vanish, or a port comes back while the far end still
holds the old connection in TIME-WAIT and answers with an ACK that does not fit.

Elsewhere: nginx *connect() failed (99: Cannot assign requested address)*; HAProxy *cannot bind source port* and **RC**,
bc_err_name FREE_PORTS; Go *dial tcp: connect: cannot assign requested address*; Envoy **UF**; on Windows 10048 or 10055 and event
4227 of Tcpip.

Our own failure to connect proves it. Vanishing SYNs on ports that were used shortly before make it possible only: a dropped SYN
(tcp.syn_dropped) looks the same.`,
	Asks: []string{
		"How many connections rest, and to whom: `ss -tan state time-wait | awk '{print $4}' | sort | uniq -c | sort -rn | head`",
		"How many ports there are: `sysctl net.ipv4.ip_local_port_range net.ipv4.tcp_tw_reuse`; Windows: `netsh int ipv4 show dynamicport tcp`",
		"Behind a cloud's NAT: its metrics of SNAT connections, failed ones above all",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Keep connections instead of opening one for each request; stay below the origin's own idle time.",
			Lines: "origin:\n  idle_connections: 1024\n  timeouts: {keepalive_idle: 30s}"},
		{On: finding.Network, Do: "More ports on the proxy, or more source addresses; more public addresses for a NAT gateway. Reserve the ports of the machine's own services first (SERVICE-PORTS, such as 15672,27017), with those that are there: else a service finds its port taken at its next start.",
			Lines: "sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports\nss -lntu\nsysctl -w net.ipv4.ip_local_reserved_ports=SERVICE-PORTS && sysctl -w net.ipv4.ip_local_port_range=\"15000 65000\"\nsysctl -w net.ipv4.tcp_tw_reuse=1"},
		{On: finding.IIS, Do: "Where Windows is the proxy (ARR): more dynamic ports, machine-wide; services that listen above 15000 must be excluded first (netsh int ipv4 add excludedportrange).",
			Lines: "# PowerShell, as administrator\nnetsh int ipv4 show dynamicport tcp\nnetsh int ipv4 show excludedportrange tcp\nnetsh int ipv4 set dynamicport tcp start=15000 num=50000"},
		{On: finding.Nginx, Do: "Let the origin keep connections open; where nginx is the proxy: keepalive in upstream, HTTP/1.1, no Connection: close.",
			Lines: "keepalive_timeout 75s;\nkeepalive_requests 10000;"},
	},
	Sources: []string{"RFC 6056", "RFC 9293 section 3.4.1 (TIME-WAIT)", "RFC 6191", "ip(7): ip_local_port_range", "Azure Load Balancer: outbound connections (SNAT)"},
	Run:     runPortsExhausted,
}

func runPortsExhausted(c *check.Case) *check.Verdict {
	f := c.Flow
	how, i := f.Dial()
	switch {
	case how == check.DialNoPort:
		return &check.Verdict{Confidence: finding.Certain, Proof: at(f, i, "connect() fails: no local address and port is free (EADDRNOTAVAIL)"),
			Summary: fmt.Sprintf("No local port was left for a connection to %s: the SYN never left this machine.", f.Server)}
	case how == check.DialUnanswered && i >= 0:
		if reused := f.First(fact.TCPPortReused); reused >= 0 {
			return &check.Verdict{Confidence: finding.Possible, Waited: unownedDial(f), Settle: "count connections in TIME-WAIT to this origin, or look at the NAT gateway's SNAT metrics",
				Proof:   []finding.Proof{f.Proof(reused, "these ports were used by a connection shortly before"), f.Proof(i, "no answer to SYN")},
				Summary: fmt.Sprintf("A SYN on ports that were used shortly before gets no answer for %s: ports may be short, here or in a NAT on the way.", finding.Span(f.Dialling()))}
		}
	}
	return nil
}
