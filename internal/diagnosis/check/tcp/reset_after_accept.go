package tcp

import (
	"fmt"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// atOnce is how soon after the handshake of TCP an end must come to be more than a timer for connections that say nothing.
const atOnce = 2 * time.Second

var resetAfterAccept = check.Check{
	Code:      "tcp.reset_after_accept",
	Title:     "the connection is ended right after it was accepted, before anything was asked",
	Severity:  finding.Critical,
	Catalogue: []int{9},
	Refines:   []reason.Code{reason.TLSReset, reason.TLSEOF, reason.TCPReset, reason.TCPClosedBeforeUse, reason.WriteReset, reason.ReadResetBeforeHeader},
	On:        []fact.Kind{fact.TCPConnected},
	Silences:  []finding.Code{"tls.closed_after_hello", "http1.reset_before_answer", "http1.closed_before_answer", "client.gone"},
	Text: `SYN, SYN-ACK, ACK, and at once **RST** (or FIN), whatever the client says or before it says anything. Somebody looks at addresses,
not at contents: a load balancer without a living server behind it, a TCP access list (hosts.allow, an AWS or Azure appliance), a
limit of connections for each address, a connection table that is full, or a service that is bound to the port but closes what it
does not want. A SYN proxy does the same when the server behind it refuses.

Elsewhere: nginx *peer closed connection in SSL handshake (104: Connection reset by peer) while SSL handshaking to upstream*;
HAProxy **SC** with *SSL handshake failure*; Go *read: connection reset by peer*; Envoy **UF** with *TLS_error* or
*connection_termination*. The origin logs nothing, as its program never saw the connection.

Told apart from a server that dislikes the ClientHello (tls.closed_after_hello, tls.no_common_cipher): there the end comes after
the hello, and other hellos are answered. Here a connection that says nothing is ended too, or the very same hello is answered on
another connection. A server that closes connections which lie idle for many seconds is healthy. In a capture, a TTL or IP ID of
the RST unlike that of the SYN-ACK points to a middlebox.`,
	Asks: []string{
		"Connect and say nothing: `nc -vz {ip} {port}`; `timeout 5 nc {ip} {port} </dev/null`",
		"Who sends the RST: `tcpdump -nvr FILE 'tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'` and compare ttl of SYN-ACK and RST",
		"Is the proxy's address limited or listed: load balancer's target health, hosts.deny, `iptables connlimit`, `conntrack -S`",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Allow the proxy's addresses in the access list, raise the limit of connections for each address, bring back servers behind the load balancer.",
			Lines: "nft list ruleset\nconntrack -S\nsysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max"},
		{On: finding.IIS, Do: "Look for limits of connections and for IP restrictions that abort.",
			Lines: ":: cmd, as administrator\n%windir%\\system32\\inetsrv\\appcmd.exe list site \"SITE\" /text:limits.maxConnections\n%windir%\\system32\\inetsrv\\appcmd.exe list config \"SITE\" /section:system.webServer/security/dynamicIpSecurity"},
		{On: finding.Nginx, Do: "Look whether the origin drops on purpose.", Lines: "grep -rnE 'return 444|ssl_reject_handshake|limit_conn|deny ' /etc/nginx"},
		{On: finding.Lunette, Do: "Take fewer connections, and keep them longer.", Lines: "origin:\n  max_connections: 50\n  timeouts: {keepalive_idle: 30s}"},
	},
	Sources: []string{"RFC 9293 section 3.5.2", "RFC 3360 (inappropriate resets)", "nginx: ngx_http_limit_conn_module"},
	Run:     runResetAfterAccept,
}

func runResetAfterAccept(c *check.Case) *check.Verdict {
	f := c.Flow
	i, end := endedAtOnce(f)
	if i >= 0 {
		return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "the connection is there"), f.Proof(end, "the server "+ends(f, end)+", nothing was sent yet")},
			Summary: fmt.Sprintf("%s accepted the connection and ended it %s, before a byte was sent: who does so looks at addresses or counts, not at TLS.",
				f.Server, soon(f.Since(i, end)))}
	}
	connected, hello, end := helloEnded(f)
	if hello < 0 {
		return nil
	}
	v := &check.Verdict{Proof: []finding.Proof{f.Proof(connected, "the connection is there"), f.Proof(end, "the server "+ends(f, end)+" after the ClientHello")}}
	for _, o := range c.Others {
		if o.Server != f.Server || !near(f, o) {
			continue
		}
		if j, e := endedAtOnce(o); j >= 0 {
			v.Confidence = finding.Certain
			v.Summary = fmt.Sprintf("%s ends connections right after it accepted them, even one on which nothing was sent.", f.Server)
			v.Proof = append(v.Proof, f.ProofOf(o, e, "another connection is ended too, nothing was sent on it"))
			return v
		}
		if done := o.First(fact.TLSHandshakeDone); done >= 0 && v.Confidence == 0 && sameHello(f, o) {
			v.Confidence, v.Settle = finding.Likely, "connect and send nothing: is that connection ended too"
			v.Summary = fmt.Sprintf("%s ended this connection %s after its ClientHello and answered the same ClientHello on another: it is not the content that it dislikes.",
				f.Server, finding.Span(f.Since(hello, end)))
			v.Proof = append(v.Proof, f.ProofOf(o, done, "the same ClientHello is answered on another connection"))
		}
	}
	if v.Confidence == 0 {
		return nil
	}
	return v
}

// endedAtOnce finds a connection that the server ended before anything was sent: the indices of its beginning and its end, -1 where it is none.
func endedAtOnce(f *check.Flow) (int, int) {
	i := f.First(fact.TCPConnected)
	end := f.Next(i, fact.TCPReset, fact.TCPClosed)
	if i < 0 || end < 0 || f.Facts[end].Side != fact.SideServer || f.Since(i, end) > atOnce {
		return -1, -1
	}
	if first := f.Find(i, func(x *fact.Fact) bool { return sent(x.Kind) }); first >= 0 && first < end || f.Heard(fact.SideServer, i) >= 0 || f.Lacks(fact.SideNone, -1) {
		return -1, -1 // what the client sent behind the end it had on its way
	}
	return i, end
}

// soon says when an end came. Where connect already fails with the reset, nobody knows.
func soon(d time.Duration) string {
	if d <= 0 {
		return "at once"
	}
	return "after " + finding.Span(d)
}

// sent reports whether facts of this kind show that something was sent.
func sent(k fact.Kind) bool {
	return k >= fact.PlainRequest && k <= fact.WebSocketClose && k != fact.TLSVerified
}

// helloEnded finds a connection that the server ended after the ClientHello without a byte.
func helloEnded(f *check.Flow) (connected, hello, end int) {
	connected, hello = f.First(fact.TCPConnected), f.First(fact.TLSClientHello)
	end = f.Next(hello, fact.TCPReset, fact.TCPClosed)
	if connected < 0 || hello < 0 || end < 0 || f.Facts[end].Side != fact.SideServer || f.Heard(fact.SideServer, -1) >= 0 || f.Lacks(fact.SideNone, -1) || f.Since(hello, end) > atOnce {
		return -1, -1, -1
	}
	return connected, hello, end
}

// sameHello reports whether both connections offered the same, so that only who asks and when differ.
func sameHello(a, b *check.Flow) bool {
	x, _ := a.Hello()
	y, _ := b.Hello()
	return x != nil && y != nil && x.ServerName == y.ServerName && x.Version == y.Version && slices.Equal(x.Versions, y.Versions) &&
		slices.Equal(x.Suites, y.Suites) && slices.Equal(x.Groups, y.Groups) && slices.Equal(x.SignatureSchemes, y.SignatureSchemes) && slices.Equal(x.ALPN, y.ALPN) &&
		x.OffersPSK == y.OffersPSK && x.OffersTicket == y.OffersTicket
}

func ends(f *check.Flow, i int) string {
	if f.Facts[i].Kind == fact.TCPReset {
		return "resets"
	}
	return "closes"
}
