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
	switch {
	case len(out) > 0:
	case f.Version() == tls13:
		out = sealedDemands13(f)
	default:
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

// tls13 is the number of TLS 1.3.
const tls13 = 0x0304

// sealedDemands13 finds the same in TLS 1.3, where all looks like application data: the client's flight is an empty Certificate and a
// Finished and nothing else, each in a record of its own (RFC 8446 sections 4.4.2, 4.4.4 and 5.2). After the handshake the Certificate
// carries the 32 bytes of context that OpenSSL uses.
func sealedDemands13(f *check.Flow) []demand {
	const (
		seal       = 1 + 16 // type of the content and tag
		empty      = 4 + 1 + 3 + seal
		context    = 32
		sha256Done = 4 + 32 + seal
		sha384Done = 4 + 48 + seal
	)
	_, hello := f.ServerHello()
	if hello < 0 || !f.Has(fact.TLSUndecryptable) {
		return nil
	}
	for i := f.NextOf(fact.SideClient, hello, fact.TLSApplicationData); i >= 0; i = f.NextOf(fact.SideClient, i, fact.TLSApplicationData) {
		x := &f.Facts[i]
		if x.Code != 2 {
			continue
		}
		switch x.Size {
		case empty + sha256Done, empty + sha384Done:
			return []demand{{at: hello, given: i, empty: true, when: "in the handshake", dark: true}}
		case empty + context + sha256Done, empty + context + sha384Done:
			return []demand{{at: hello, given: i, empty: true, when: "after the handshake", dark: true}}
		}
	}
	return nil
}

// sealedAlert13 is a record of the server, after index i, that has the length of an alert in TLS 1.3 and is the last thing that it
// sends; -1 without.
func sealedAlert13(f *check.Flow, i int) int {
	const length = 2 + 1 + 16
	at := f.NextOf(fact.SideServer, i, fact.TLSApplicationData)
	if f.Version() != tls13 || !f.Has(fact.TLSUndecryptable) || at < 0 || f.Facts[at].Code != 1 || f.Facts[at].Size != length {
		return -1
	}
	if f.NextOf(fact.SideServer, at, fact.TLSApplicationData) >= 0 {
		return -1
	}
	return at
}

// sentence is what an origin did about the certificate that it got, or did not get, after index i: alert, end, or the head of an answer.
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
	if at := sealedAlert13(f, i); s.alert < 0 && at >= 0 {
		s.alert = at
	}
	done := f.Next(i, fact.TLSRenegotiated, fact.TLSHandshakeDone)
	s.done = done >= 0
	if s.done && done < s.alert && f.Version() != tls13 {
		s.alert = -1 // up to TLS 1.2 the server judges before its Finished
	}
	return s
}

// certificateReason reports whether the gateway classified the failure as one of the client's certificate.
func certificateReason(f *check.Flow, code reason.Code) bool { return f.Ours && f.Reason == code }

// pleased reports whether f was given what it asked for: an answer below 400.
func pleased(f *check.Flow) bool {
	for i := range f.Exchanges() {
		if s := f.Exchanges()[i].Status(); s >= 200 && s < 400 {
			return true
		}
	}
	return false
}
