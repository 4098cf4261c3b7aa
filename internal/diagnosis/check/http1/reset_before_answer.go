package http1

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var resetBeforeAnswer = check.Check{
	Code:      "http1.reset_before_answer",
	Title:     "the request was answered with a TCP reset",
	Severity:  finding.Critical,
	Catalogue: []int{60},
	Refines:   []reason.Code{reason.ReadResetBeforeHeader, reason.WriteReset},
	On:        []fact.Kind{fact.TCPReset, fact.RequestSent, fact.FirstByte},
	Text: `After the request a RST came from the origin's side and no byte of an answer. The kernel of the origin sends one when the process
died with the request unread, when it closed the socket while bytes were still waiting in it (SO_LINGER 0, or a body that nobody
read), or when http.sys drops the connection (a timer, Connection_Dropped, a pool that is shut down). A firewall, an intrusion
prevention system or a load balancer on the way sends one in the origin's name when it dislikes the content or has lost its state.

nginx prints the same words as for a close: *upstream prematurely closed connection while reading response header*, HAProxy
**SH**, Go *read: connection reset by peer*, Apache's mod_proxy *(104)Connection reset by peer* AH01991, Envoy **UC**.

What looks alike: on a used connection after a pause it is the keep-alive race (tcp.keep_alive_race) or state that a NAT forgot
(tcp.half_open). Directly after ClientHello it is no matter of HTTP (tls.closed_after_hello, network.sni_reset). A reset at 120 s
after a HelloRequest is tls.hello_request_ignored. A FIN is http1.closed_before_answer.`,
	Asks: []string{
		"Capture on the origin at the same time: where its own capture shows no RST leaving, something between made it.",
		"Compare TTL and IP identification of the RST with those of the SYN-ACK in the capture: another TTL means another machine.",
		"On IIS: HTTPERR lines with the client's address and port at that time (`%SystemRoot%\\System32\\LogFiles\\HTTPERR`).",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Let firewalls and intrusion prevention pass this connection, or have them log what they reset; an exception for the proxy's address removes their inspection of it."},
		{On: finding.IIS, Do: "See whether the worker crashes, is recycled, or http.sys dropped the connection, and why.",
			Lines: "# PowerShell, as administrator\nSelect-String -Path C:\\Windows\\System32\\LogFiles\\HTTPERR\\httperr*.log -Pattern 'Connection_Dropped','Connection_Abandoned','Timer_'\n" +
				"Get-WinEvent -FilterHashtable @{LogName='System';ProviderName='Microsoft-Windows-WAS'} -MaxEvents 20"},
		{On: finding.Nginx, Do: "On an origin that runs nginx, reset_timedout_connection makes resets of timeouts, and return 444 with it.",
			Lines: "nginx -T | grep -nE 'reset_timedout_connection|return 444'"},
		{On: finding.Java, Do: "Read the request's body, or let Tomcat swallow it, before the answer is given up.", Lines: `<!-- add to the Connector that is there -->
maxSwallowSize="10485760"`},
		{On: finding.Node, Do: "socket.destroy() with unread bytes resets; end the answer first.", Lines: "req.resume(); res.writeHead(400, {Connection: 'close'}); res.end()"},
		{On: finding.Lunette, Do: "Try once more where that is safe.", Lines: "origin:\n  retries: 2"},
	},
	Sources: []string{"RFC 9293 section 3.10.7.4", "RFC 9112 section 9.6", "RFC 1122 section 4.2.2.13", "Microsoft KB820729 (HTTPERR reason phrases)"},
	Run:     runResetBeforeAnswer,
}

func runResetBeforeAnswer(c *check.Case) *check.Verdict {
	e := endedBy(c, []reason.Code{reason.ReadResetBeforeHeader, reason.WriteReset}, fact.TCPReset)
	if e == nil {
		return withinHead(c.Flow, "reset the connection", fact.TCPReset)
	}
	return unanswered(c.Flow, e, "reset the connection")
}
