package handshake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var alpnMismatch = check.Check{
	Code:      "tls.alpn_mismatch",
	Title:     "the client and the origin do not agree on the protocol inside TLS (ALPN)",
	Severity:  finding.Critical,
	Catalogue: []int{30},
	Refines:   []reason.Code{reason.TLSALPNNone, reason.TLSALPNMismatch, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSClientHello, fact.TLSServerHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert", "http1.malformed_answer", "http1.closed_before_answer", "http1.request_refused"},
	Text: `The client lists in its ClientHello the protocols that it speaks (**ALPN**: h2, http/1.1), and the server names the one that it
chose. When it speaks none of them it ends with *no_application_protocol (120)*; Go's servers let a client pass that offers
http/1.1 only. When it ignores ALPN, both fall back to HTTP/1.1.

It goes wrong where an end says one thing and speaks another: a proxy that offers h2, because its library does, but talks
HTTP/1.1; one that sends the HTTP/2 preface though the server chose http/1.1 or nothing; a load balancer that terminates TLS and
chooses h2, and hands the bytes to a server without it. Then the peer sees garbage: *unexpected message*, 400 for *PRI *
HTTP/2.0*, GOAWAY PROTOCOL_ERROR, *malformed HTTP response "\x00\x00…"* (Go).

Up to TLS 1.2 both lists are in clear. In TLS 1.3 the choice is in EncryptedExtensions and takes keys to see; alert 120 before
that is in clear.`,
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Offer and speak HTTP/1.1 only.", Lines: "origin:\n  http: \"1.1\""},
		{On: finding.IIS, Do: "Turn HTTP/2 off for the binding (sslFlags 4, IIS 10 of Windows Server 2019 and later): add 4 to the number that is there; 5 is SNI without HTTP/2. Older ones have a switch for the whole machine only (EnableHttp2Tls in the registry).",
			Lines: `:: cmd, as administrator: the bindings and their sslFlags now
%windir%\system32\inetsrv\appcmd.exe list site "SITE" /config
%windir%\system32\inetsrv\appcmd.exe set site "SITE" "/bindings.[protocol='https',bindingInformation='*:{port}:{host}'].sslFlags:FLAGS"`},
		{On: finding.Nginx, Do: "Offer h2 where it is wanted, in every server block of the address; a stream proxy must not add it.", Lines: "http2 on;"},
		{On: finding.Apache, Do: "State the protocols.", Lines: "Protocols h2 http/1.1"},
		{On: finding.Java, Do: "In Tomcat h2 needs its upgrade protocol inside the connector.", Lines: `<UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol"/>`},
		{On: finding.Node, Do: "A server of http2 refuses clients without h2 unless told otherwise.", Lines: "http2.createSecureServer({ allowHTTP1: true, /* key, cert */ })"},
		{On: finding.OpenSSL, Do: "Ask what is chosen.", Lines: "openssl s_client -connect {origin} -servername {host} -alpn h2,http/1.1 </dev/null | grep ALPN"},
	},
	Sources: []string{"RFC 7301 section 3.2", "RFC 9113 section 3.2"},
	Run:     runALPNMismatch,
}

func runALPNMismatch(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.Hello()
	offered := "no protocol"
	if h != nil && len(h.ALPN) > 0 {
		offered = strings.Join(h.ALPN, ", ")
	}
	if r, ok := refused(f); ok {
		if r.how != fact.TLSAlert || r.alert != alertNoApplicationProto {
			return nil
		}
		return &check.Verdict{Confidence: finding.Certain, Proof: r.proof(f), Summary: fmt.Sprintf("The client offers %s, and the origin answers with alert 120 (no_application_protocol).", offered)}
	}
	if i := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSAlert && x.Side == fact.SideServer && x.Code == alertNoApplicationProto
	}); i >= 0 {
		return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "the origin answers no_application_protocol (120)")},
			Summary: fmt.Sprintf("The client offers %s, and the origin answers with alert 120 (no_application_protocol).", offered)}
	}
	if at >= 0 && (f.Reason == reason.TLSALPNNone || f.Reason == reason.TLSALPNMismatch) {
		return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "the handshake: "+check.Short(f.Detail, 60))},
			Summary: fmt.Sprintf("HTTP/2 is demanded of this origin, and it did not choose it (%s).", check.Short(f.Detail, 60))}
	}
	chosen, i, sure := protocol(f)
	if i < 0 {
		return nil
	}
	return spoken(f, h, chosen, i, sure)
}

// protocol is what the server chose by ALPN, with the index of the message; known is false where the message is sealed.
func protocol(f *check.Flow) (chosen string, at int, known bool) {
	if i := f.First(fact.TLSEncryptedExtensions); i >= 0 {
		s, _ := f.Facts[i].Detail.(*fact.ServerHello)
		return alpn(s), i, s != nil
	}
	s, i := f.ServerHello()
	return alpn(s), i, s != nil && f.Version() <= 0x0303
}

func alpn(s *fact.ServerHello) string {
	if s == nil {
		return ""
	}
	return s.ALPN
}

// spoken compares what was chosen with what was offered and what was spoken then.
func spoken(f *check.Flow, h *fact.ClientHello, chosen string, at int, sure bool) *check.Verdict {
	v := &check.Verdict{Confidence: finding.Certain}
	said := "no protocol"
	if chosen != "" {
		said = chosen
	}
	preface := f.FirstOf(fact.SideClient, fact.HTTP2Preface)
	head := f.FirstOf(fact.SideClient, fact.RequestHead)
	switch {
	case chosen != "" && h != nil && !slices.Contains(h.ALPN, chosen):
		v.Summary = fmt.Sprintf("The origin chose %s, which the client did not offer.", check.Short(chosen, 60))
	case sure && chosen != "h2" && preface >= 0 && !f.Served():
		v.Summary = fmt.Sprintf("The origin chose %s, and the client speaks HTTP/2 all the same.", said)
		v.Proof = append(v.Proof, f.Proof(preface, "the client sends the preface of HTTP/2"))
	case chosen == "h2" && preface < 0 && head >= 0 && isHTTP1(&f.Facts[head]) && !f.Served():
		v.Summary = "The origin chose h2, and the client speaks HTTP/1.1."
		v.Proof = append(v.Proof, f.Proof(head, "the client sends a request of HTTP/1.1"))
	default:
		return nil
	}
	v.Proof = append(v.Proof, f.Proof(at, "by ALPN the origin chooses "+check.Short(said, 60)))
	return v
}

func isHTTP1(x *fact.Fact) bool {
	h, _ := x.Detail.(*fact.HTTPHead)
	return h != nil && strings.HasPrefix(h.Proto, "HTTP/1")
}
