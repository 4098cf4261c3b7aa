package session

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// demand is an origin's asking for a client certificate, and what it got.
type demand struct {
	at    int    // index of the CertificateRequest; where it is sealed, of the HelloRequest
	given int    // index of the client's Certificate message, -1 where none was seen
	empty bool   // it holds no certificate
	when  string // "in the handshake", "by renegotiation", "after the handshake"
	dark  bool   // known by lengths only
}

// demands are the askings of f that were answered, or that live traffic says were.
func demands(f *check.Flow) []demand {
	var out []demand
	for i := f.First(fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth); i >= 0; i = f.Next(i, fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth) {
		d := demand{at: i, given: f.NextOf(fact.SideClient, i, fact.TLSCertificate), when: "in the handshake"}
		if reneg := f.First(fact.TLSHelloRequest); reneg >= 0 && reneg < i {
			d.when = "by renegotiation"
		}
		if f.Facts[i].Kind == fact.TLSPostHandshakeAuth {
			d.when = "after the handshake"
		}
		if d.given >= 0 {
			d.empty = emptyCertificate(&f.Facts[d.given])
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		out = sealedDemands(f)
	}
	return out
}

// emptyCertificate reports whether a client's Certificate message holds none.
func emptyCertificate(x *fact.Fact) bool {
	if c, ok := x.Detail.(*fact.Certificates); ok {
		return len(c.Chain) == 0 && c.Omitted == 0
	}
	return x.Size == 0 && x.Text == ""
}

// emptyMessage and hello are the lengths of an empty Certificate message and of a HelloRequest, up to TLS 1.2.
const emptyMessage, hello = 7, 4

// sealedDemands finds in sealed renegotiations a client that sends an empty certificate: its first message after the server's flight is
// as long as a HelloRequest and three bytes, or as long where the suite pads to blocks. The HelloRequest of the same connection is the measure.
func sealedDemands(f *check.Flow) []demand {
	var out []demand
	for _, a := range requests(f) {
		if a.answer != complied {
			continue
		}
		flight := f.NextOf(fact.SideServer, a.by, fact.TLSEncryptedMessage)
		if flight < 0 {
			continue
		}
		first := f.NextOf(fact.SideClient, flight, fact.TLSEncryptedMessage, fact.TLSChangeCipherSpec)
		if first < 0 || f.Facts[first].Kind != fact.TLSEncryptedMessage {
			continue
		}
		if got, measure := f.Facts[first].Size, f.Facts[a.at].Size; got == measure || got == measure+emptyMessage-hello {
			out = append(out, demand{at: a.at, given: first, empty: true, when: "by renegotiation", dark: true})
		}
	}
	return out
}

// verdictOf is what an origin did about the certificate that it got, or did not get, after index i: alert, end, or the head of an answer.
type sentence struct {
	alert int // index of a fatal alert of the server, also a sealed one; -1
	head  int // of the next head of an answer; -1
	end   check.End
	done  bool // the handshake was completed
}

func sentenceAfter(f *check.Flow, i int) sentence {
	s := sentence{alert: fatalAfter(f, fact.SideServer, i), head: f.NextOf(fact.SideServer, i, fact.ResponseHead), end: f.EndAfter(i)}
	content := spoke(f, i)
	if s.alert < 0 {
		if at := f.NextOf(fact.SideServer, i, fact.TLSEncryptedAlert); at >= 0 && content < 0 {
			s.alert = at
		}
	}
	if s.alert >= 0 && content >= 0 && content < s.alert {
		s.alert = -1 // about something else
	}
	done := f.Next(i, fact.TLSRenegotiated, fact.TLSHandshakeDone)
	s.done = done >= 0
	return s
}

// certificateReason reports whether the gateway classified the failure as one of the client's certificate.
func certificateReason(f *check.Flow, code reason.Code) bool { return f.Ours && f.Reason == code }
