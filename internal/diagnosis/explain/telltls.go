package explain

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// messageName is the name that the RFCs give a handshake message: client_hello is ClientHello.
func messageName(k fact.Kind) string {
	var b strings.Builder
	for part := range strings.SplitSeq(k.String(), "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// handshake tells a handshake message, or what one means.
func (t *teller) handshake(r *row, f *fact.Fact) bool {
	r.name = messageName(f.Kind)
	switch f.Kind {
	case fact.TLSClientHello:
		if !t.retried {
			t.hello = r.at
		}
		t.retried = false
	case fact.TLSHelloRetryRequest:
		t.retried = true
	case fact.TLSHelloRequest:
		t.request = f
		r.level, r.more = warn, "asks to renegotiate"
		if f.Text != "" {
			r.more += ", known " + clean(strings.ReplaceAll(f.Text, "_", " "))
		}
		return true
	case fact.TLSHelloRequestAnswer:
		t.answer(r, f)
		return true
	case fact.TLSHandshakeDone:
		r.form, r.name, r.level = note, "handshake complete", routine
		if t.hello != 0 {
			r.name += " in " + span(r.at-t.hello)
		}
		return true
	case fact.TLSRenegotiated:
		r.form, r.name = note, "renegotiated"
		return true
	case fact.TLSEncryptedMessage:
		r.name, r.more, r.level = "handshake message (encrypted)", several(f.Size, "byte"), routine
		return true
	case fact.TLSOtherMessage:
		r.name, r.more = clean(f.Text), several(f.Size, "byte")
		return true
	case fact.TLSCertificate:
		r.more, r.level = t.certificates(f)
		return true
	}
	return t.message(r, f)
}

// message tells those of which a word or two is enough.
func (t *teller) message(r *row, f *fact.Fact) bool {
	switch d := f.Detail.(type) {
	case *fact.ClientHello:
		r.more = clientHello(d)
	case *fact.ServerHello:
		r.more = serverHello(d)
	case *fact.CertificateRequest:
		r.more = certificateRequest(d)
		if f.Kind == fact.TLSPostHandshakeAuth {
			r.name, r.level = "CertificateRequest (after the handshake)", warn
		}
	case *fact.KeyExchange:
		r.more, r.level = joined(", ", clean(strings.ReplaceAll(d.Kind, "_", "-")), clean(d.Group), when(d.Bits > 0, strconv.Itoa(d.Bits)+" bits")), routine
	case *fact.SessionTicket:
		r.more, r.level = "good for "+lifetime(d.Lifetime), routine
	default:
		r.more = clean(f.Text)
	}
	switch f.Kind {
	case fact.TLSServerHelloDone, fact.TLSChangeCipherSpec, fact.TLSFinished, fact.TLSCertificateVerify, fact.TLSCertificateStatus,
		fact.TLSEncryptedExtensions, fact.TLSEndOfEarlyData:
		r.level = routine
	case fact.TLSKeyUpdate:
		r.more, r.level, r.class = when(f.Code == 1, "asks for the same"), routine, "key update"
	}
	return true
}

func (t *teller) answer(r *row, f *fact.Fact) {
	r.form = note
	switch f.Text {
	case "complied":
		r.name, r.level = "the client answers the HelloRequest after "+span(f.Size), routine
	case "refused":
		r.name, r.level = "the client refuses to renegotiate, after "+span(f.Size), bad
	default:
		r.name, r.level = "the client never answered the HelloRequest", bad
	}
}

// lifetime is a number of seconds with its unit.
func lifetime(s int) string {
	switch {
	case s >= 3600 && s%3600 == 0:
		return grouped(int64(s/3600)) + " h"
	case s >= 60 && s%60 == 0:
		return grouped(int64(s/60)) + " min"
	}
	return grouped(int64(s)) + " s"
}
