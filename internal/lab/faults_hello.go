package lab

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// largeHello is what one TCP segment of an Ethernet frame holds: a ClientHello beyond it comes in two.
const largeHello = 1460 - tlswire.RecordHeaderLen

type helloFunc = func(*session, *tlswire.ClientHello, *tlspeer.Config) error

// helloFaults decide by what the ClientHello says.
func helloFaults() []fault {
	one := func(name, does string, code reason.Code, found, probe finding.Code, hello helloFunc) fault {
		return fault{Fault: is(name, does, code, found).probed(probe), hello: hello}
	}
	out := []fault{
		one("large-hello-dropped", "drops a ClientHello of more than one segment, such as a post-quantum one: silence", reason.TLSTimeout,
			"tls.silent_after_hello", "tls.large_client_hello_dropped", unless(large, (*session).silence)),
		one("large-hello-reset", "resets on a ClientHello of more than one segment", reason.TLSReset,
			"tls.closed_after_hello", "tls.large_client_hello_dropped", unless(large, (*session).reset)),
		one("version-intolerant", "resets when TLS 1.3 is offered, instead of choosing TLS 1.2", reason.TLSReset,
			"tls.closed_after_hello", "tls.version_intolerant", unless(offers13, (*session).reset)),
		one("sni-reset", "resets on this name, as a box on the way does that reads SNI", reason.TLSReset,
			"tls.closed_after_hello", "network.sni_reset", unless(namesUs, (*session).reset)),
		one("sni-default-certificate", "knows no such name and shows the certificate of its default site", reason.CertNameMismatch,
			"cert.name_mismatch", "", defaultCertificate),
		one("sni-warning", "sends the warning unrecognized_name and goes on: JSSE breaks off, others do not mind", "", "", "",
			func(s *session, _ *tlswire.ClientHello, _ *tlspeer.Config) error {
				s.alertInClear(tlswire.AlertWarning, tlswire.AlertUnrecognizedName)
				return nil
			}),
		{Fault: is("alpn-unasked", "chooses a protocol that nobody offered", reason.TLSAlert, "tls.alpn_mismatch"),
			setup: func(c *Config) error { c.TLS.ForceALPN = "spdy/3"; return nil }},
		{Fault: is("alpn-none", "speaks no protocol that is offered: alert 120", reason.TLSALPNNone, "tls.alpn_mismatch"),
			setup: func(c *Config) error { c.TLS.ALPN, c.TLS.RequireALPN = []string{"spdy/3"}, true; return nil }},
	}
	for _, f := range []fault{
		one("sni-missing-reset", "resets a ClientHello without SNI, as IIS does with SNI bindings alone", reason.TLSReset,
			"tls.closed_after_hello", "tls.sni_missing", unless(nameless, (*session).reset)),
		one("sni-missing-alert", "answers a ClientHello without SNI with alert 112, as nginx does with ssl_reject_handshake", reason.TLSUnrecognizedName,
			"tls.sni_missing", "", unless(nameless, func(s *session) error {
				s.alertInClear(tlswire.AlertFatal, tlswire.AlertUnrecognizedName)
				return s.finishRaw()
			})),
		one("sni-missing-default", "shows the certificate of its default site to a ClientHello without SNI", reason.CertNameMismatch,
			"tls.sni_missing", "", func(s *session, h *tlswire.ClientHello, c *tlspeer.Config) error {
				if !nameless(h) {
					return nil
				}
				return defaultCertificate(s, h, c)
			}),
	} {
		f.Ask = NoName
		out = append(out, f)
	}
	return out
}

// unless ends the session by then when the hello is of a certain kind.
func unless(kind func(*tlswire.ClientHello) bool, then func(*session) error) helloFunc {
	return func(s *session, h *tlswire.ClientHello, _ *tlspeer.Config) error {
		if kind(h) {
			return then(s)
		}
		return nil
	}
}

func large(h *tlswire.ClientHello) bool {
	return len(tlswire.AppendClientHello(nil, h)) > largeHello
}

func offers13(h *tlswire.ClientHello) bool { return slices.Contains(h.Versions, tlswire.VersionTLS13) }

func namesUs(h *tlswire.ClientHello) bool { return h.ServerName == DefaultName }

func nameless(h *tlswire.ClientHello) bool { return h.ServerName == "" }

func defaultCertificate(s *session, _ *tlswire.ClientHello, c *tlspeer.Config) (err error) {
	c.Certificate, err = s.o.cfg.CA.Issue(certs.Options{Names: []string{"default.test.domain"}, Key: certs.RSA})
	return err
}
