package tcp

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var refused = check.Check{
	Code:      "tcp.refused",
	Title:     "the origin refuses TCP connections: nothing listens at this address and port",
	Severity:  finding.Critical,
	Catalogue: []int{6},
	Refines:   []reason.Code{reason.TCPRefused},
	On:        []fact.Kind{fact.TCPSyn, fact.TCPFailed},
	Silences:  []finding.Code{"config.health_check_blind", "client.gone"},
	Text: `The SYN is answered by **RST,ACK** within a round trip: the machine is up and reachable, and nothing listens on this port of this
address. The service is down or just restarting, listens on another port, or on another address only (127.0.0.1, the IPv6 side,
one network card of two). A firewall that rejects instead of dropping answers in the same way, or with ICMP port unreachable.

Elsewhere: nginx *connect() failed (111: Connection refused) while connecting to upstream* and 502; HAProxy 503 with **SC** and Tc
-1, or the server goes down with *Layer4 connection problem*; Go and Caddy *connect: connection refused*; Apache mod_proxy
AH00957; Envoy 503 **UF** with *delayed_connect_error:_111*; IIS ARR 502.3 with 0x80072efd.

Told apart from a port that is filtered (tcp.syn_dropped) by the answer, which comes at once; from a reset after the connection
was there (tcp.reset_after_accept) by the missing SYN-ACK. Who sent the RST, origin or firewall, the RST alone does not say: look
on the origin.`,
	Asks: []string{
		"What listens, on the origin: `ss -ltnp 'sport = :{port}'` (Windows: `netstat -ano -p TCP | findstr LISTENING`)",
		"http.sys: `netsh http show servicestate view=requestq`; `netsh http show iplisten`",
		"Does the origin see the SYN at all: `tcpdump -ni any 'tcp port {port} and tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'`",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Start the service and the site, and look which address and port it is bound to.",
			Lines: ":: cmd, as administrator\nnet start w3svc\n%windir%\\system32\\inetsrv\\appcmd.exe list site\n%windir%\\system32\\inetsrv\\appcmd.exe start site \"SITE\"\nnetsh http show iplisten"},
		{On: finding.Nginx, Do: "Test the configuration and start it; listen on the address that the proxy dials.",
			Lines: "systemctl status nginx\nnginx -t && systemctl reload-or-restart nginx\n# in the server block\nlisten {port} ssl;\nlisten [::]:{port} ssl;"},
		{On: finding.Apache, Do: "Test the configuration and start it; Listen must name the address that the proxy dials, or none.",
			Lines: "systemctl status apache2\napachectl configtest && systemctl reload-or-restart apache2\n# ports.conf, httpd.conf\nListen {port}"},
		{On: finding.Java, Do: "Start Tomcat; the Connector must not be bound to the loopback address.",
			Lines: `<!-- in the Connector, in place of address="127.0.0.1" -->
address="0.0.0.0"`},
		{On: finding.Node, Do: "Listen on all addresses and not on localhost.", Lines: `server.listen(8443, "::")`},
		{On: finding.Network, Do: "Where the service listens: let the proxy through in the firewall, which rejects it."},
		{On: finding.Lunette, Do: "Correct the address or the port; leave out a server that is down by itself.",
			Lines: "origin:\n  urls: [\"https://ORIGIN-ADDRESS:8443\"]\n  health: {path: /, interval: 10s}"},
	},
	Sources: []string{"RFC 9293 section 3.5.2 (reset generation)", "nginx: ngx_http_proxy_module, proxy_next_upstream"},
	Run:     runRefused,
}

func runRefused(c *check.Case) *check.Verdict {
	f := c.Flow
	how, i := f.Dial()
	if how != check.DialRefused || !tried(f) {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain}
	by := "RST"
	if i >= 0 {
		switch f.Facts[i].Kind {
		case fact.ICMPUnreachable:
			by = "ICMP " + f.Facts[i].Text
		case fact.TCPFailed:
			by = "connection refused"
		}
	}
	v.Proof = at(f, i, by+" in answer to SYN")
	v.Summary = fmt.Sprintf("%s answers SYN with %s after %s: nothing listens there, or a firewall rejects.", f.Server, by, finding.Span(f.Dialling()))
	if o, j := connectedElse(c, true); o != nil {
		v.Summary += " At about the same time another connection was accepted: it comes and goes."
		v.Proof = append(v.Proof, f.ProofOf(o, j, "another connection was accepted"))
	}
	return v
}

// tried reports whether a connection was tried at all: it is seen, or the reason says so.
func tried(f *check.Flow) bool { return len(f.Facts) > 0 || f.Reason != "" }
