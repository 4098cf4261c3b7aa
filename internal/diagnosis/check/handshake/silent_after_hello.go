package handshake

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// patience is how long a ClientHello must lie without an answer before that is more than a slow origin.
const patience = 3 * time.Second

var silentAfterHello = check.Check{
	Code:      "tls.silent_after_hello",
	Title:     "the origin accepts the connection and says nothing to the ClientHello",
	Severity:  finding.Critical,
	Catalogue: []int{19},
	Refines:   []reason.Code{reason.TLSTimeout},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"client.gone"},
	Text: `TCP connects, the ClientHello goes out, and no TLS record comes back: not a ServerHello, not an alert. The kernel of the origin
(or the load balancer before it) accepted the connection; the program that should speak TLS does not read. Its workers hang or are
all busy, it waits for something of its own (a certificate from a key store, a revocation check), a load balancer has no live
server behind it, or quite another protocol listens, one in which the client waits for the server or the server for other bytes.

nginx writes *upstream timed out (110) while SSL handshaking to upstream* (504), Go *net/http: TLS handshake timeout*. HAProxy's
**sC** is the same as for a connect that times out, though here TCP had connected.

Look-alikes: when segments of the hello are sent again, the network loses them (tcp.mtu_black_hole, tcp.packet_loss). When only a
large hello is not answered, see tls.large_client_hello_dropped; only one with TLS 1.3, tls.version_intolerant.`,
	Asks: []string{
		"On the origin: `ss -ltnp 'sport = :{port}'` (Linux) or `netstat -abno | findstr :443` (Windows): which program listens?",
		"Does it greet in another protocol? `nc -v {ip} {port}` and wait; then type: GET / HTTP/1.0 and two returns",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "See whether http.sys has a certificate for the port, then whether LSASS (Schannel) is stuck; a restart of the machine frees it.",
			Lines: "# PowerShell, as administrator\nnetsh http show sslcert\nGet-WinEvent -FilterHashtable @{LogName='System';ProviderName='Schannel'} -MaxEvents 20"},
		{On: finding.Nginx, Do: "See that the port has \"ssl\" in its listen line and that workers are not stuck; reload.", Lines: "nginx -T | grep -n listen\nnginx -s reload"},
		{On: finding.Apache, Do: "See whether all workers are taken (AH00484, server-status), then raise MaxRequestWorkers.", Lines: "apachectl -S\napachectl fullstatus"},
		{On: finding.Java, Do: "Take a thread dump while it hangs: acceptor and handshake threads show what they wait for.", Lines: "jcmd PID Thread.print"},
		{On: finding.Node, Do: "See that https.createServer listens there, not net.createServer, and that the event loop is not blocked."},
		{On: finding.Network, Do: "On a load balancer: see that the pool behind the address has live members."},
		{On: finding.Lunette, Do: "Leave out servers that do not answer, so that requests go to others at once.",
			Lines: "origin:\n  health: {path: /, interval: 10s, timeout: 3s}\n  timeouts: {tls: 5s}"},
	},
	Sources: []string{"RFC 8446 section 4.1", "nginx: ngx_http_proxy_module, proxy_connect_timeout"},
	Run:     runSilentAfterHello,
}

func runSilentAfterHello(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := refused(f)
	if !ok || r.how != fact.Silence {
		return nil
	}
	waited := r.waited(f)
	gaveUp := r.end >= 0 && f.Facts[r.end].Kind == fact.GaveUp || f.Reason == reason.TLSTimeout
	if waited < patience && (!gaveUp && !f.Lasts(r.at) || waited < time.Second) {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: waited, Proof: r.proof(f),
		Summary: fmt.Sprintf("TCP connected, the ClientHello went out, and for %s not one byte came back.", finding.Span(waited))}
	if f.Lasts(r.at) {
		v.Severity, v.Lasts = finding.Warning, true
		v.Summary = fmt.Sprintf("TCP connected, the ClientHello went out, and for %s not one byte has come back, so far.", finding.Span(waited))
	}
	again := f.Find(r.at, func(x *fact.Fact) bool {
		return x.Kind == fact.TCPRetransmission && x.Side == fact.SideClient && x.Text == "data"
	})
	switch {
	case again >= 0:
		v.Confidence, v.Settle = finding.Possible, "capture on the origin's side: does the ClientHello arrive there?"
		v.Proof = append(v.Proof, f.Proof(again, "the ClientHello is sent again: it was not acknowledged, so it may never have arrived"))
	case f.Watched&check.Packets == 0:
		v.Confidence, v.Settle = finding.Likely, "a capture of the packets: it shows whether the ClientHello was acknowledged"
	case !f.AtServer():
		v.Confidence, v.Settle = finding.Likely, "a capture on the origin's side: an answer in packets of full size may have been lost on the way (tcp.mtu_black_hole)"
	case r.end < 0:
		v.Confidence, v.Settle = finding.Likely, "watch until the connection ends"
	}
	return v
}
