package tcp

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// quiet is the least idle time before a request whose loss is put down to it.
const quiet = 10 * time.Second

// longIdle is the least idle time after which devices on the way forget connections.
const longIdle = time.Minute

var halfOpen = check.Check{
	Code:      "tcp.half_open",
	Title:     "the other end, or a device on the way, has forgotten this kept-alive connection",
	Severity:  finding.Critical,
	Catalogue: []int{10},
	Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.ReadStaleReusedConnection, reason.ReadResetBeforeHeader, reason.WriteTimeout, reason.WriteReset},
	On:        []fact.Kind{fact.ConnReused, fact.RequestHead, fact.RequestSent, fact.TLSApplicationData},
	Silences: []finding.Code{"tcp.packet_loss", "tcp.mtu_black_hole", "http1.slow_first_byte", "http1.reset_before_answer", "http1.closed_before_answer", "client.gone",
		"read.timer_inversion"},
	Text: `A connection lay idle, and meanwhile one end of it went away without a FIN that arrived: the origin was restarted, or a firewall,
NAT or load balancer dropped it from its table after its idle time (AWS NLB and NAT 350 s, Azure 240 s, many firewalls 3600 s or
less). Neither end learns of it. The first request after the pause either meets **silence**: the same segment is sent again after
0.2, 0.4, 0.8 s and so on without an ACK, until a timer of the proxy ends it, or it meets **RST** at once, from an origin that
knows of no such connection.

Elsewhere: nginx *upstream timed out (110)* or *recv() failed (104: Connection reset by peer) while reading response header*, on
the first request after a quiet time; HAProxy **sH** or **SH**; Go *read: connection timed out* or *connection reset by peer*;
Envoy **UT** or **UC**. It is Monday morning's fault.

Told apart from a slow origin, whose kernel acknowledges the request at once; from a keep-alive race (tcp.keep_alive_race), in
which a FIN is seen or the idle time is the origin's own; from a dead way (tcp.syn_dropped) by fresh connections that work
meanwhile.`,
	Asks: []string{
		"How long do devices on the way keep idle connections: firewall, NAT, load balancer",
		"Was the origin restarted between the two requests: `uptime`; `last -x reboot`; `Get-CimInstance Win32_OperatingSystem`",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Keep idle connections for less time than anything on the way does, and try again what is safe to repeat.",
			Lines: "origin:\n  timeouts: {keepalive_idle: 30s}\n  retries: 2"},
		{On: finding.Network, Do: "Lengthen the idle time of the device, and let it send RST when it forgets a connection.",
			Lines: "aws elbv2 modify-listener-attributes --listener-arn ARN --attributes Key=tcp.idle_timeout.seconds,Value=3600\naz network lb rule update -g GROUP --lb-name LB -n RULE --idle-timeout 30 --enable-tcp-reset true"},
		{On: finding.Nginx, Do: "Send keep-alive probes on the origin's side, so that the devices see life.", Lines: "listen 443 ssl so_keepalive=60s:10s:6;"},
	},
	Sources: []string{"RFC 9293 section 3.5.1 (half-open connections)", "RFC 5382 section 5 (NAT timers)", "AWS Network Load Balancer: TCP idle timeout", "Azure Load Balancer: TCP reset and idle timeout"},
	Run:     runHalfOpen,
}

func runHalfOpen(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := unansweredReuse(f)
	if !ok {
		return nil
	}
	if end := endedBy(f, fact.SideServer, r.served); end >= 0 {
		if !forgotten(f, r, end) {
			return nil
		}
		return &check.Verdict{Confidence: finding.Likely, Settle: "look whether the origin was restarted meanwhile, and how long devices on the way keep idle connections",
			Proof: []finding.Proof{f.Proof(r.asked, "a request after "+finding.Span(r.idle)+" of idleness"), f.Proof(end, "the server resets; no FIN was seen before")},
			Summary: fmt.Sprintf("After %s of idleness the server knew nothing of the connection any more: it answered the request with RST, %s later.",
				finding.Span(r.idle), finding.Span(f.Since(r.asked, end)))}
	}
	resent, size, last := again(f, fact.SideClient, "data", r.asked)
	if resent < 3 || r.idle < quiet || size/int64(resent) >= largeSegment || f.Find(r.asked, fromServer) >= 0 {
		return nil
	}
	waited := remaining(f, r.asked)
	v := &check.Verdict{Confidence: finding.Likely, Waited: unowned(f, r.asked, waited), Settle: "open a fresh connection meanwhile: does it work at once",
		Proof: []finding.Proof{f.Proof(r.asked, "a request after "+finding.Span(r.idle)+" of idleness"), f.Proof(last, "sent again "+times(resent)+", never acknowledged")},
		Summary: fmt.Sprintf("After %s of idleness the request was sent again %s and never acknowledged, for %s: this connection is dead on the other side.",
			finding.Span(r.idle), times(resent), finding.Span(waited))}
	for _, o := range c.Others {
		if i := o.First(fact.TCPConnected); o.Server == f.Server && i >= 0 && o.Facts[i].At.After(f.Facts[r.asked].At) && o.Facts[i].At.Before(f.Until().Add(surely)) {
			v.Confidence, v.Settle = finding.Certain, ""
			v.Summary += " A fresh connection was accepted meanwhile."
			v.Proof = append(v.Proof, f.ProofOf(o, i, "a fresh connection is accepted"))
			break
		}
	}
	return v
}

// fromServer reports whether x came from the server's kernel or program.
func fromServer(x *fact.Fact) bool { return x.Side == fact.SideServer && x.Kind != fact.Silence }

// forgotten reports whether an end tells of a connection that the server had forgotten: RST without FIN, after a long time that is no timer of a server's.
func forgotten(f *check.Flow, r reuse, end int) bool {
	return f.Facts[end].Kind == fact.TCPReset && end > r.asked && r.idle >= longIdle && len(check.Timers(r.idle)) == 0 &&
		f.Since(r.asked, end) <= patience(roundTrip(f))
}
