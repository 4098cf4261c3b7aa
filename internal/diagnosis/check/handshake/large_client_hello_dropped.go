package handshake

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// oneSegment is how large a ClientHello may be to fit one TCP segment on any usual way, with its record header.
const oneSegment = 1380

var largeClientHelloDropped = check.Check{
	Code:      "tls.large_client_hello_dropped",
	Title:     "a ClientHello of more than one segment gets no answer, a small one does",
	Severity:  finding.Critical,
	Catalogue: []int{13},
	Refines:   []reason.Code{reason.TLSTimeout, reason.TLSReset, reason.TLSEOF},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.silent_after_hello", "tls.closed_after_hello", "tls.version_intolerant", "tcp.mtu_black_hole", "tcp.packet_loss", "tcp.reset_after_accept"},
	Text: `A post-quantum key share (X25519MLKEM768) makes the ClientHello about 1,200 bytes longer: some 1,500 bytes instead of 300, so that
it leaves in **two TCP segments**. TLS allows that; a server has to read until the message is whole. Some servers, load balancers
and inspecting firewalls look at the first segment only. They reset the connection, or they wait or drop the rest, and the
handshake times out.

It strikes when the *client* changes: Go from 1.24, Chrome from 124, OpenSSL from 3.5 send the large hello; curl of the same
machine works. nginx prints *upstream timed out while SSL handshaking to upstream* or *peer closed connection in SSL handshake*,
Go *TLS handshake timeout*.

What proves it is the same client with a small hello: if that is answered, versions and name being the same, only the size is
left. An origin that chokes on TLS 1.3 itself fails with small hellos too (tls.version_intolerant); a way that loses all large
packets also loses the server's certificate (tcp.mtu_black_hole).`,
	Asks: []string{
		"From the gateway: `openssl s_client -connect {origin} -groups X25519` works, with -groups X25519MLKEM768 (OpenSSL 3.5 or later) it does not?",
		"Which firewalls or load balancers on the way inspect TLS, and what is their software version?",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Offer classical groups only, so that the hello fits one segment; key exchange is then not safe against later quantum computers.",
			Lines: "origin:\n  tls:\n    groups: [X25519, P-256, P-384]"},
		{On: finding.Network, Do: "Update the firewall or load balancer that reads only the first segment, or take the origin out of its TLS inspection."},
		{On: finding.Origin, Do: "Update the TLS library of the origin: it has to read a ClientHello that spans records and segments."},
	},
	Sources: []string{"RFC 8446 section 5.1", "tldr.fail", "golang#80573", "lxd#14839"},
	Run:     runLargeClientHelloDropped,
}

func runLargeClientHelloDropped(c *check.Case) *check.Verdict {
	f := c.Flow
	r, ok := refused(f)
	if !ok || r.how == fact.TLSAlert || f.Facts[r.at].Size <= oneSegment || r.how == fact.Silence && r.waited(f) < patience {
		return nil
	}
	size := f.Facts[r.at].Size
	v := &check.Verdict{Confidence: finding.Possible, Proof: r.proof(f), Settle: "send the same hello without a post-quantum group: \"lunette doctor\" does",
		Summary: fmt.Sprintf("The origin %s after a ClientHello of %d bytes, which takes two segments.", r.did(), size)}
	if r.how == fact.Silence {
		v.Waited = r.waited(f)
	}
	for _, o := range c.Compared() {
		_, at := o.Hello()
		if at < 0 {
			continue
		}
		if smallFails(f, &r, o) {
			return nil // not by its size
		}
		small, theirs := o.Facts[at].Size, answered(o)
		switch {
		case theirs != nil && small > oneSegment:
			return nil // a large one was answered
		case theirs != nil && small > 0 && (r.hello == nil || theirs.ServerName == r.hello.ServerName):
			v.Confidence = finding.Likely
			if r.hello != nil && versions(theirs) == versions(r.hello) {
				v.Confidence, v.Settle = finding.Certain, ""
			}
			v.Proof = append(v.Proof, answer(f, o, fmt.Sprintf("on another connection the origin answers a ClientHello of %d bytes", small)))
			v.Summary = fmt.Sprintf("The origin %s after a ClientHello of %d bytes, which takes two segments; one of %d bytes it answers.", r.did(), size, small)
		}
	}
	if r.hello != nil {
		x := r.contrast(c, func(h *fact.ClientHello, at *fact.Fact) bool {
			return h.ServerName == r.hello.ServerName && at.Size > oneSegment
		}, func(_ *check.Flow, h *fact.ClientHello) bool {
			return h.ServerName == r.hello.ServerName && versions(h) == versions(r.hello)
		})
		x.Temper(v)
	}
	return v
}

// smallFails reports whether a small hello of o, with the same newest version and name, fared as the large one of f.
func smallFails(f *check.Flow, r *refusal, o *check.Flow) bool {
	other, ok := refused(o)
	if !ok || r.hello == nil || other.hello == nil || o.Server != f.Server || other.hello.ServerName != r.hello.ServerName {
		return false
	}
	size := o.Facts[other.at].Size
	_, newest := bounds(r.hello)
	_, theirs := bounds(other.hello)
	return size > 0 && size <= oneSegment && newest == theirs && (other.how == r.how && (other.how != fact.Silence || other.waited(o) >= patience))
}
