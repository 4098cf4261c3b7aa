package tcp

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var acceptQueueOverflow = check.Check{
	Code:      "tcp.accept_queue_overflow",
	Title:     "the origin does not take new connections in: its accept queue is full",
	Severity:  finding.Critical,
	Catalogue: []int{8},
	Refines:   []reason.Code{reason.TCPTimeout, reason.TLSTimeout, reason.TLSReset},
	On:        []fact.Kind{fact.TCPRetransmission, fact.TCPFailed, fact.TCPSyn},
	Silences:  []finding.Code{"tcp.syn_dropped", "tls.silent_after_hello", "tls.closed_after_hello", "tcp.packet_loss", "tcp.mtu_black_hole", "client.gone"},
	Text: `The kernel finishes the TCP handshake on behalf of the server and puts the connection into a queue, from which the program takes
it with accept(). When the program is too slow, or stuck, the queue fills (its length is the smaller of the program's backlog and
net.core.somaxconn). Linux then drops new SYNs, and also the last ACK of handshakes that it has answered: the client holds the
connection for established and sends its ClientHello, the server has forgotten it and sends **SYN-ACK again** after 1, 2, 4 s.

Elsewhere it looks like a dropped SYN or a silent server, and so do the log lines: nginx *upstream timed out (110)* while
connecting or while SSL handshaking, HAProxy **sC**, Go *i/o timeout* or *TLS handshake timeout*. Health checks pass by turns.
With tcp_abort_on_overflow Linux sends RST instead.

Told apart from tcp.syn_dropped by other connections that are accepted meanwhile. A listener with TCP_DEFER_ACCEPT re-sends
SYN-ACK as well, but only to a client that has sent nothing; a single SYN-ACK sent again is a lost packet. The queue itself shows
on the origin alone, so that the wire makes it likely and no more.`,
	Asks: []string{
		"On the origin, Recv-Q at or above Send-Q is a full queue: `ss -ltn 'sport = :{port}'`",
		"Do these counters grow: `nstat -az TcpExtListenOverflows TcpExtListenDrops`",
		"Windows: `netsh int tcp show global`; `Get-Counter '\\TCPv4\\Connection Failures'`; HTTPERR lines with Connections_Refused or QueueFull",
	},
	Mends: []finding.Mend{
		{On: finding.Nginx, Do: "Lengthen the queue, and find out why workers are slow to accept.",
			Lines: "sysctl -w net.core.somaxconn=4096\n# in the server block, for one listen line of the address; then a restart\nlisten {port} ssl backlog=4096;"},
		{On: finding.Apache, Do: "More workers than there are now, as far as memory goes, and a longer queue.",
			Lines: "sysctl -w net.core.somaxconn=4096\n# mpm_event.conf\nListenBacklog 4096\nServerLimit 32\nMaxRequestWorkers 800"},
		{On: finding.Java, Do: "More threads; acceptCount is the length of the queue.", Lines: `<!-- add to the Connector that is there -->
acceptCount="1024" maxThreads="400" maxConnections="10000"`},
		{On: finding.Node, Do: "Do not block the event loop; the backlog is an argument of listen.", Lines: `server.listen({port: 8443, backlog: 4096})`},
		{On: finding.IIS, Do: "http.sys accepts in the kernel: look for a lack of nonpaged pool (Connections_Refused) and for long request queues.",
			Lines: ":: cmd, as administrator\nnetsh http show servicestate view=requestq\n%windir%\\system32\\inetsrv\\appcmd.exe list apppool \"POOL\" /text:queueLength\n%windir%\\system32\\inetsrv\\appcmd.exe set apppool \"POOL\" /queueLength:5000"},
		{On: finding.Lunette, Do: "Take fewer new connections to each server and keep those that are there.", Lines: "origin:\n  max_connections: 200\n  idle_connections: 200"},
	},
	Sources: []string{"listen(2)", "tcp(7): tcp_abort_on_overflow", "Linux: net.core.somaxconn, TcpExtListenOverflows", "RFC 9293 section 3.10.7.4"},
	Run:     runAcceptQueueOverflow,
}

func runAcceptQueueOverflow(c *check.Case) *check.Verdict {
	f := c.Flow
	const settle = "look at the queue on the origin while it happens: ss -ltn, nstat -az TcpExtListenOverflows"
	how, i := f.Dial()
	if how == check.DialUnanswered && i >= 0 {
		if o, j := connectedElse(c, true); o != nil {
			return &check.Verdict{Confidence: finding.Possible, Settle: settle, Waited: unownedDial(f),
				Proof: []finding.Proof{f.Proof(i, "no answer to SYN"), f.ProofOf(o, j, "another connection from the same address is accepted")},
				Summary: fmt.Sprintf("%s leaves a SYN without an answer for %s and accepts others meanwhile: a full queue, a limit, or lost packets.",
					f.Server, finding.Span(f.Dialling()))}
		}
		return nil
	}
	connected, said := f.First(fact.TCPConnected), saidFirst(f)
	if connected < 0 || said < 0 {
		return nil
	}
	resent, _, last := again(f, fact.SideServer, "syn_ack", said)
	if resent < 2 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Likely, Settle: settle, Proof: []finding.Proof{f.Proof(connected, "the client holds the connection for established"),
		f.Proof(said, "it sends data"), f.Proof(last, "the server sends SYN-ACK again, "+times(resent)+" in all: it has not taken the connection in")}}
	v.Summary = fmt.Sprintf("The server sent SYN-ACK again %s though the handshake was finished and data had come: the connection found no place in its accept queue.", times(resent))
	if f.Heard(fact.SideServer, said) >= 0 {
		v.Severity = finding.Warning
	}
	return v
}
