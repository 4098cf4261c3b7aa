package route

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var sniReset = check.Check{
	Code:      "network.sni_reset",
	Title:     "something on the way resets connections that name this site",
	Severity:  finding.Critical,
	Catalogue: []int{84},
	Refines:   []reason.Code{reason.TLSReset, reason.TLSEOF, reason.TLSTimeout},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Others,
	Silences:  []finding.Code{"tls.closed_after_hello", "tls.silent_after_hello", "tls.sni_rejected", "tls.version_intolerant", "tcp.reset_after_accept", "network.reset_injected"},
	Text: `SNI stands in clear in the ClientHello, and filters read it: a firewall with URL categories, a provider's blocking list, a DDoS
scrubber, a SYN proxy that answers the handshake for the origin and then applies policy. For a name that it dislikes it sends a
RST to both ends right after the ClientHello, in the origin's name, or drops the packet. TCP connects at once; every other name on
the same address works.

nginx prints *peer closed connection in SSL handshake (104: Connection reset by peer) while SSL handshaking to upstream*, Go
*read: connection reset by peer*, curl 35. Neither end logs a reason; each capture shows a RST from the other side.

The RST's TTL or window mostly differs from that of the SYN-ACK, since another machine made it (network.reset_injected), and the
origin's own capture has none that left it.

An origin resets for a name too, when it does not know it (tls.sni_rejected: IIS with SNI bindings alone, nginx
ssl_reject_handshake). The difference: here the origin has a certificate for this very name and shows it when it is asked without
SNI or with another one. Schannel that resets for the suites or versions offered (tls.closed_after_hello) does so for every name.`,
	Asks: []string{
		"Capture on the origin too: does a RST leave it, and does one arrive that the proxy did not send?",
		"Compare in this capture: TTL of the SYN-ACK and of the RST (`tshark -Y 'tcp.flags.reset==1 || tcp.flags.syn==1' -T fields -e ip.src -e ip.ttl -e tcp.window_size`).",
		"Does it work from another network with the same name?",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Find the filter between the proxy and the origin, and have the name, or the proxy's address, exempted; that takes its protection from this way."},
		{On: finding.Lunette, Do: "Until then another name that the origin knows may be sent, where its certificate holds it; verify: chain would take any name and is weaker.",
			Lines: "origin:\n  tls:\n    server_name: other.shop.test"},
	},
	Sources: []string{"RFC 6066 section 3", "RFC 9293 section 3.10.7"},
	Run:     runSNIReset,
}

func runSNIReset(c *check.Case) *check.Verdict {
	f := c.Flow
	name, how, at := cutAfterHello(f)
	if name == "" || at < 0 {
		return nil
	}
	hello, _ := f.Hello()
	var shown *check.Flow
	shownAt := -1
	for _, o := range c.Others {
		h, _ := o.Hello()
		if h == nil || o.Server != f.Server {
			continue
		}
		if strings.EqualFold(h.ServerName, name) {
			if o.Has(fact.TLSServerHello) {
				return nil // the name does work at times
			}
			continue
		}
		if chain, i := o.Chain(); len(chain) > 0 && covers(&chain[0], name) && alike(h, hello) {
			shown, shownAt = o, i
		}
	}
	if shown == nil {
		return nil
	}
	h, _ := shown.Hello()
	with := "without SNI"
	if h.ServerName != "" {
		with = "with SNI " + check.Short(h.ServerName, 120)
	}
	v := &check.Verdict{Confidence: finding.Likely, Settle: "compare the RST's TTL with that of the SYN-ACK, or capture on the origin at the same time: where no RST leaves it, something between made it",
		Summary: fmt.Sprintf("The connection that named %s was %s right after its ClientHello; %s the same address shows the certificate for that very name.", check.Short(name, 120), how, with),
		Proof: []finding.Proof{f.Proof(at, "after a ClientHello with SNI "+check.Short(name, 120)+" the connection is "+how),
			f.ProofOther(&shown.Facts[shownAt], "connection "+fmt.Sprint(shown.Conn)+", "+with+": the certificate covers "+check.Short(name, 120))}}
	if synAck, reset, odd := f.OddTTL(at); odd {
		v.Confidence, v.Settle = finding.Certain, ""
		v.Summary += fmt.Sprintf(" The RST came with TTL %d, the SYN-ACK with %d: another machine made it.", reset, synAck)
		v.Proof = append(v.Proof, f.Proof(at, fmt.Sprintf("the RST comes with TTL %d, the SYN-ACK had come with %d", reset, synAck)))
	}
	x := c.Contrast(func(o *check.Flow) check.Bearing {
		h, _ := o.Hello()
		if h == nil {
			return check.Aside
		}
		theirs, cut, _ := cutAfterHello(o)
		switch named := strings.EqualFold(h.ServerName, name); {
		case named && strings.EqualFold(theirs, name) && cut == how:
			return check.Failed
		case named && o.Has(fact.TLSServerHello):
			return check.Against
		case !named && o.Has(fact.TLSServerHello) && alike(h, hello):
			return check.Worked
		}
		return check.Aside
	})
	x.Temper(v)
	return v
}

// cutAfterHello is the SNI of a connection that was reset or closed by the server's side straight after the ClientHello; "" without.
func cutAfterHello(f *check.Flow) (name, how string, at int) {
	hello, i := f.Hello()
	if hello == nil || hello.ServerName == "" || f.Has(fact.TLSServerHello, fact.TLSAlert, fact.TLSHelloRetryRequest, fact.TLSNotTLS) {
		return "", "", -1
	}
	switch e := f.EndAfter(i); {
	case e.At >= 0 && e.Side == fact.SideServer && e.How == fact.TCPReset:
		return hello.ServerName, "reset", e.At
	case f.Reason == reason.TLSReset:
		return hello.ServerName, "reset", i
	}
	return "", "", -1
}

// alike reports whether two ClientHellos offered the same besides the name.
func alike(a, b *fact.ClientHello) bool {
	same := func(x, y []string) bool { return strings.Join(x, ",") == strings.Join(y, ",") }
	return a.Version == b.Version && same(a.Versions, b.Versions) && same(a.Suites, b.Suites) && same(a.Groups, b.Groups) && same(a.ALPN, b.ALPN)
}

// covers reports whether a certificate is for name, by its subjectAltName.
func covers(c *fact.Certificate, name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	_, parent, dotted := strings.Cut(name, ".")
	for _, n := range c.Names {
		if strings.EqualFold(n, name) || dotted && strings.EqualFold(n, "*."+parent) {
			return true
		}
	}
	return false
}
