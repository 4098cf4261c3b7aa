package lab

import (
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// stallFaults stop in the middle of a handshake of TLS 1.2, each before another message.
func stallFaults() []fault {
	var out []fault
	for _, one := range []struct {
		name string
		msg  uint8
	}{
		{"tls-stall-certificate", tlswire.MsgCertificate}, {"tls-stall-key-exchange", tlswire.MsgServerKeyExchange},
		{"tls-stall-hello-done", tlswire.MsgServerHelloDone}, {"tls-stall-finished", tlswire.MsgFinished},
	} {
		out = append(out, fault{Fault: is(one.name, "stops before it sends "+tlswire.MessageName(one.msg), reason.TLSTimeout, "tls.handshake_stalled"),
			setup: upTo12, hello: before(one.msg, func(s *session, _ *tlspeer.Conn) error { return s.silence() })})
	}
	return append(out,
		fault{Fault: is("revocation-stall", "waits Delay between the client's Finished and its own, as http.sys does that cannot reach a CRL", reason.TLSTimeout,
			"tls.revocation_stall"), setup: func(c *Config) error { c.TLS.ClientAuth = tlspeer.Accept; return upTo12(c) },
			hello: before(tlswire.MsgFinished, func(s *session, _ *tlspeer.Conn) error {
				if !s.wait(s.o.cfg.Delay) {
					return errEnd
				}
				return nil
			})},
		fault{Fault: is("client-cert-rejected", "asks for a certificate and breaks the handshake with unknown_ca when one comes", reason.TLSClientCertRejected,
			"tls.client_cert_rejected").asked(Certify), setup: func(c *Config) error { c.TLS.ClientAuth = tlspeer.Require; return upTo12(c) },
			hello: before(tlswire.MsgFinished, func(s *session, c *tlspeer.Conn) error {
				_ = c.Alert(tlswire.AlertFatal, tlswire.AlertUnknownCA)
				return s.finishRaw()
			})},
	)
}

func upTo12(c *Config) error { c.TLS.MaxVersion = tlswire.VersionTLS12; return nil }

// before does something when handshake message msg is next.
func before(msg uint8, do func(*session, *tlspeer.Conn) error) helloFunc {
	return func(s *session, _ *tlswire.ClientHello, c *tlspeer.Config) error {
		c.Before = func(conn *tlspeer.Conn, next uint8) error {
			if next != msg {
				return nil
			}
			return do(s, conn)
		}
		return nil
	}
}

// tls13Faults need TLS 1.3.
func tls13Faults() []fault {
	only13 := func(c *Config) error {
		c.TLS.MinVersion, c.TLS.MaxVersion = tlswire.VersionTLS13, tlswire.VersionTLS13
		return nil
	}
	return []fault{
		{Fault: is("post-handshake-auth", "wants a certificate after the request in TLS 1.3: 403, as Apache, from a client that did not offer it", "",
			"tls.post_handshake_auth"), setup: only13, answer: postHandshakeAuth(false)},
		{Fault: is("post-handshake-auth-unoffered", "sends CertificateRequest after the request though post_handshake_auth was not offered", reason.TLSAlert,
			"tls.post_handshake_auth"), setup: only13, answer: postHandshakeAuth(true)},
		{Fault: is("client-cert-required-13", "asks for a certificate in the handshake of TLS 1.3, and sends certificate_required after it", reason.TLSClientCertRequired,
			"tls.client_cert_required"), setup: func(c *Config) error {
			c.TLS.ClientAuth, c.TLS.RequireInHandshake = tlspeer.Require, true
			return only13(c)
		}},
		{Fault: is("key-update", "updates its keys in the middle of the answer and goes on", "", ""), setup: only13, answer: keyUpdate(false)},
		{Fault: is("key-update-stall", "updates its keys in the middle of the answer and sends nothing after it", reason.ReadBodyStall, "tls.key_update_stall"),
			setup: only13, answer: keyUpdate(true)},
		{Fault: is("tls13-stall", "stops after the ServerHello of TLS 1.3", reason.TLSTimeout, "tls.handshake_stalled"), setup: only13,
			hello: before(tlswire.MsgEncryptedExtensions, func(s *session, _ *tlspeer.Conn) error { return s.silence() })},
		{Fault: is("hello-retry", "asks for another key share with HelloRetryRequest and goes on", "", ""),
			setup: func(c *Config) error { c.TLS.Groups = []uint16{24}; return only13(c) }},
	}
}
