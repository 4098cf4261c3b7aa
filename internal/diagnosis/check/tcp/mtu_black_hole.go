package tcp

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// largeSegment is from how many bytes on a segment is one that a narrow way may not take.
const largeSegment = 1000

var mtuBlackHole = check.Check{
	Code:      "tcp.mtu_black_hole",
	Title:     "large packets vanish on the way, small ones pass",
	Severity:  finding.Critical,
	Catalogue: []int{12},
	Refines: []reason.Code{reason.TLSTimeout, reason.ReadFirstByteTimeout, reason.ReadBodyStall, reason.ReadHeaderStall, reason.WriteTimeout, reason.TLSEOF,
		reason.TLSReset},
	On:       []fact.Kind{fact.TCPRetransmission, fact.TCPOutOfOrder, fact.TCPGap, fact.ICMPUnreachable, fact.PathMTU},
	Silences: []finding.Code{"tcp.packet_loss", "tls.silent_after_hello", "tls.handshake_stalled", "http1.answer_stalled", "http1.slow_first_byte", "http1.body_truncated", "client.gone", "read.timer_inversion"},
	Text: `Some link on the way (a VPN, a tunnel, PPPoE, an overlay network) takes smaller packets than both ends believe. A router there
should say so by ICMP *fragmentation needed* (IPv6: *packet too big*), and the sender would send smaller ones; when that ICMP is
filtered or lost, each full-sized packet vanishes, and so do its repetitions. SYN, ACK, short requests and short pages pass; the
server's certificates, a larger page, or an upload hang for good.

Elsewhere: nginx *upstream timed out (110) while SSL handshaking to upstream* or *while reading upstream*; HAProxy **sC** or
**sD**; Go *TLS handshake timeout*; curl hangs after the ClientHello. A small page through the same connection works, which makes
it look like a fault of the application.

On the wire: one side sends the same segments of full size again and again (0.2, 0.4, 0.8 s …), and nothing of the other side
moves on. Seen from the receiving end the full-sized packets are missing and only the short last one of a flight arrives, out of
order, followed by silence; where no short one follows, nothing arrives at all, and only a try with smaller segments tells.

Told apart from a dead way (tcp.half_open), where small packets vanish as well; from ordinary loss (tcp.packet_loss), after which
a repetition arrives; from an origin that is slow, whose kernel acknowledges; from a lost ClientHello of more than one segment
(tls.large_client_hello_dropped).`,
	Asks: []string{
		"What size passes without fragmentation: `ping -M do -s 1472 {ip}`, then 1452, 1412, 1372 (Windows: `ping -f -l 1472`)",
		"Where does it shrink: `tracepath -n {ip}`",
		"Does it work with smaller segments: `ip route add {ip} via GATEWAY advmss 1200`, then the same request",
		"Is ICMP type 3 code 4 (IPv6: type 2) let through by every firewall on the way",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Let ICMP fragmentation needed (IPv6: packet too big) through; or clamp the MSS on the router in front of the narrow link.",
			Lines: "# on the router, with nftables (table and chain as nft list ruleset shows them)\nnft insert rule inet filter forward tcp flags syn tcp option maxseg size set rt mtu\n# or with iptables\niptables -t mangle -I FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"},
		{On: finding.Network, Do: "Or on the proxy alone, for the way to this origin; GATEWAY is what the first line shows behind \"via\". Probing is for all connections of the machine, and harmless.",
			Lines: "ip route get {ip}\nip route replace {ip} via GATEWAY advmss 1200\nsysctl -w net.ipv4.tcp_mtu_probing=1"},
		{On: finding.IIS, Do: "Give the interface the MTU of the narrow link, for all that passes it; path MTU discovery must be on.",
			Lines: "# PowerShell, as administrator\nnetsh interface ipv4 show subinterfaces\nnetsh interface ipv4 set subinterface \"INTERFACE\" mtu=1400 store=persistent"},
	},
	Sources: []string{"RFC 1191", "RFC 8201", "RFC 2923 (TCP problems with path MTU discovery)", "RFC 4821", "Jool#455"},
	Run:     runMTUBlackHole,
}

func runMTUBlackHole(c *check.Case) *check.Verdict {
	f := c.Flow
	if how, _ := f.Dial(); how != check.DialConnected {
		return nil
	}
	v := largeAgain(f)
	if v == nil {
		v = tailOnly(f)
	}
	if v == nil {
		return nil
	}
	if i := f.Find(-1, tooBig); i >= 0 {
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary += fmt.Sprintf(" A router says so: ICMP %s.", f.Facts[i].Text)
		v.Proof = append(v.Proof, f.Proof(i, "ICMP "+f.Facts[i].Text))
	} else if i := f.First(fact.PathMTU); i >= 0 && f.Facts[i].Code < 1500 {
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary += fmt.Sprintf(" The way takes %d bytes (%s).", f.Facts[i].Code, f.Facts[i].Text)
		v.Proof = append(v.Proof, f.Proof(i, fmt.Sprintf("the way takes packets of %d bytes", f.Facts[i].Code)))
	}
	return v
}

// tooBig reports whether x is a router's word that a packet was too large.
func tooBig(x *fact.Fact) bool {
	return x.Kind == fact.ICMPUnreachable && (strings.HasPrefix(x.Text, "fragmentation needed") || strings.HasPrefix(x.Text, "packet too big"))
}

const settleMTU = "repeat with smaller segments (ip route … advmss 1200), or ping with the don't-fragment bit in several sizes"

// largeAgain finds segments of full size that were sent again and again to no avail.
func largeAgain(f *check.Flow) *check.Verdict {
	for _, s := range [...]fact.Side{fact.SideClient, fact.SideServer} {
		from := f.First(fact.TCPConnected)
		if s == fact.SideClient && f.Has(fact.TLSClientHello) && f.Heard(fact.SideServer, -1) < 0 {
			continue // the ClientHello: tls.large_client_hello_dropped
		}
		resent, size, last := again(f, s, "data", from)
		first := f.NextOf(s, from, fact.TCPRetransmission)
		if resent < 3 || size/int64(resent) < largeSegment || movedOn(f, last) {
			continue
		}
		waited := remaining(f, first)
		if waited < surely || f.Has(fact.TCPZeroWindow) {
			continue
		}
		return &check.Verdict{Confidence: finding.Likely, Waited: unowned(f, last, waited), Settle: settleMTU,
			Proof: []finding.Proof{f.Proof(last, fmt.Sprintf("the %s sends segments of about %d bytes again, %s in all, to no avail", s, size/int64(resent), times(resent)))},
			Summary: fmt.Sprintf("Segments of about %d bytes from the %s were sent again %s and did not arrive, for %s; small ones had passed.",
				size/int64(resent), s, times(resent), finding.Span(waited))}
	}
	return nil
}

// movedOn reports whether anything new came after index i, of either side.
func movedOn(f *check.Flow, i int) bool {
	return f.Heard(fact.SideServer, i) >= 0 || f.Heard(fact.SideClient, i) >= 0
}

// tailOnly finds a flight of the server's of which only the short end arrived, and the full-sized packets before it never.
func tailOnly(f *check.Flow) *check.Verdict {
	gap := lastHole(f)
	if gap < 0 {
		return nil
	}
	from := gap // what shows the hole: the segment behind it
	if i := lastShort(f); i >= 0 {
		from = i
	} else if !fullSized(f, f.Facts[gap].Size) || goesOn(f, gap) {
		return nil
	}
	waited := remaining(f, from)
	if waited < surely {
		return nil
	}
	what := "a segment of the server's arrives, what comes before it does not"
	if x := &f.Facts[from]; x.Kind == fact.TCPOutOfOrder {
		what = fmt.Sprintf("a short segment of the server's arrives (%d bytes), what comes before it does not", x.Size)
	}
	return &check.Verdict{Confidence: finding.Likely, Waited: unowned(f, from, waited), Settle: settleMTU,
		Proof: []finding.Proof{f.Proof(from, what),
			f.Proof(gap, fmt.Sprintf("%d bytes before it never came, and were never acknowledged", f.Facts[gap].Size))},
		Summary: fmt.Sprintf("Of what the server sent only a short last segment arrived; %d bytes before it never came, in %s.", f.Facts[gap].Size, finding.Span(waited))}
}

// lastHole is the last gap of the server's that is at least a large segment and that the client never acknowledged; -1 without.
func lastHole(f *check.Flow) int {
	i := f.Last(fact.TCPGap)
	for i >= 0 && f.Facts[i].Side != fact.SideServer {
		i = lastBefore(f, i, fact.TCPGap)
	}
	if i < 0 || f.Facts[i].Size < largeSegment || f.Facts[i].Text != "unknown" {
		return -1
	}
	return i
}

// lastShort is the server's last segment that came out of order, where it is a short one; -1 without.
func lastShort(f *check.Flow) int {
	i := f.Last(fact.TCPOutOfOrder)
	for i >= 0 && f.Facts[i].Side != fact.SideServer {
		i = lastBefore(f, i, fact.TCPOutOfOrder)
	}
	if i < 0 || f.Facts[i].Text != "" || f.Facts[i].Size/int64(max(1, f.Facts[i].Code)) >= largeSegment {
		return -1
	}
	return i
}

// fullSized reports whether n bytes are whole segments of the size that both ends agreed on, with the option for time in each or without;
// true where that size is not known.
func fullSized(f *check.Flow, n int64) bool {
	const stamps = 12 // bytes of the timestamps option
	mss := int64(0)
	for _, k := range [...]fact.Kind{fact.TCPSyn, fact.TCPSynAck} {
		if i := f.First(k); i >= 0 {
			if o, ok := f.Facts[i].Detail.(*fact.TCPOptions); ok && o.MSS > stamps && (mss == 0 || int64(o.MSS) < mss) {
				mss = int64(o.MSS)
			}
		}
	}
	return mss == 0 || n%mss == 0 || n%(mss-stamps) == 0
}

// goesOn reports whether anything new of the server's came later than the fact at index i; what TLS says of a hole is nothing new.
func goesOn(f *check.Flow, i int) bool {
	return f.Find(i, func(x *fact.Fact) bool {
		switch x.Kind {
		case fact.TCPGap, fact.TLSRecordLost, fact.TLSBadRecord, fact.TCPRetransmission, fact.TCPKeepAlive, fact.Silence, fact.TCPClosed, fact.TCPReset:
			return false
		}
		return x.Side == fact.SideServer && x.At.After(f.Facts[i].At)
	}) >= 0
}
