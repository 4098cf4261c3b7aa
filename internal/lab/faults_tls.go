package lab

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"

	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// transportFaults end or stay silent before TLS begins.
func transportFaults() []fault {
	return []fault{
		{Fault: is("refused", "nobody listens on its port", reason.TCPRefused, "tcp.refused"), listen: closedPort},
		{Fault: is("accept-queue-full", "its accept queue is full, so that SYNs get no answer", reason.TCPTimeout, "tcp.syn_dropped").
			probed("tcp.accept_queue_overflow"), listen: fullQueue},
		{Fault: is("accept-then-close", "accepts and closes at once (FIN)", reason.TLSEOF, "tls.closed_after_hello"), raw: func(s *session) { s.closeWrite(); _ = s.silence() }},
		{Fault: is("accept-then-reset", "accepts and resets at once", reason.TLSReset, "tls.closed_after_hello").probed("tcp.reset_after_accept"), raw: func(s *session) { _ = s.reset() }},
		{Fault: is("tls-silence", "accepts, reads the ClientHello, and never answers", reason.TLSTimeout, "tls.silent_after_hello"), raw: func(s *session) { _ = s.silence() }},
		{Fault: is("close-after-client-hello", "reads the ClientHello and closes without an alert", reason.TLSEOF, "tls.closed_after_hello"),
			raw: afterHello(func(*session) {})},
		{Fault: is("reset-after-client-hello", "reads the ClientHello and resets, as Schannel does without a common suite", reason.TLSReset, "tls.closed_after_hello"),
			raw: afterHello(func(s *session) { _ = s.reset() })},
		{Fault: is("half-server-hello", "answers half a record and closes", reason.TLSEOF, "tls.closed_after_hello"),
			raw: afterHello(func(s *session) { _, _ = s.nc.Write([]byte{22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3}) })},
		{Fault: is("plain-http", "speaks plain HTTP on the TLS port", reason.TLSNotTLS, "tls.tls_to_plain_port"),
			raw: afterHello(func(s *session) {
				_, _ = io.WriteString(s.nc, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			})},
		{Fault: is("plain-on-tls-port", "answers plain HTTP on its TLS port with 400, as nginx does", "", "tls.plain_http_on_tls_port").asked(Plain),
			plain: func(s *session) error {
				const page = "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n" +
					"<center><h1>400 Bad Request</h1></center>\r\n<center>The plain HTTP request was sent to HTTPS port</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
				_, _ = fmt.Fprintf(s.nc, "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(page), page)
				return s.finishRaw()
			}},
		{Fault: is("plain-on-tls-port-reset", "resets on plain HTTP on its TLS port, as IIS does", reason.ReadResetBeforeHeader, "http1.reset_before_answer").asked(Plain).
			probed("tls.plain_http_on_tls_port"), plain: (*session).reset},
		{Fault: is("plain-on-tls-port-alert", "answers plain HTTP on its TLS port with an alert, as most TLS libraries do", reason.TLSWrongPort,
			"tls.plain_http_on_tls_port").asked(Plain), plain: func(s *session) error {
			s.alertInClear(tlswire.AlertFatal, tlswire.AlertUnexpectedMessage)
			return s.finishRaw()
		}},
		{Fault: is("ssh-banner", "another service listens: it speaks first, in clear", reason.TLSNotTLS, "tls.tls_to_plain_port"),
			raw: func(s *session) { _, _ = io.WriteString(s.nc, "SSH-2.0-lab\r\n"); _ = s.silence() }},
	}
}

// tlsFaults are origins that a modern client cannot talk to.
func tlsFaults() []fault {
	suites := func(min, max uint16, ids ...uint16) func(*Config) error {
		return func(c *Config) error {
			c.TLS.MinVersion, c.TLS.MaxVersion, c.TLS.Suites = min, max, ids
			return nil
		}
	}
	return []fault{
		{Fault: is("tls10-only", "speaks TLS 1.0 alone, knows no supported_versions, and finds no suite for that version in a modern hello: alert 40", reason.TLSNoCommonCipher, "tls.no_common_cipher"),
			setup: suites(tlswire.VersionTLS10, tlswire.VersionTLS10)},
		{Fault: is("rsa-kex-only", "TLS 1.2 with RSA key exchange alone", reason.TLSNoCommonCipher, "tls.no_common_cipher"),
			setup: suites(tlswire.VersionTLS12, tlswire.VersionTLS12, 0x009c, 0x009d, 0x003c, 0x002f, 0x0035)},
		{Fault: is("3des-only", "TLS 1.0 to 1.2 with TLS_RSA_WITH_3DES_EDE_CBC_SHA alone", reason.TLSNoCommonCipher, "tls.no_common_cipher"),
			setup: suites(tlswire.VersionTLS10, tlswire.VersionTLS12, 0x000a)},
		{Fault: is("no-common-group", "TLS 1.2 with ECDHE on brainpoolP256r1 alone", reason.TLSNoCommonCipher, "tls.no_common_cipher").probed("tls.no_common_group"),
			setup: func(c *Config) error {
				c.TLS.MaxVersion, c.TLS.Groups, c.TLS.Suites = tlswire.VersionTLS12, []uint16{26}, []uint16{0xc02f, 0xc030, 0x009c, 0x002f}
				return nil
			}},
		{Fault: is("weak-dh", "DHE with a prime of 1024 bits alone: OpenSSL 3 breaks off, Go offers no DHE at all", reason.TLSNoCommonCipher, "tls.no_common_cipher").
			probed("tls.weak_dh"), setup: suites(tlswire.VersionTLS10, tlswire.VersionTLS12, 0x009e, 0x009f, 0x0033, 0x0039)},
		{Fault: is("no-secure-renegotiation", "answers without renegotiation_info (RFC 5746): OpenSSL 3 refuses it, Go does not", "", "tls.no_secure_renegotiation"),
			setup: func(c *Config) error { c.TLS.NoSecureRenegotiation = true; return nil }},
		{Fault: is("client-cert-required", "asks for a client certificate in the handshake and breaks it with alert 40 when none comes", reason.TLSClientCertRequired, "tls.client_cert_required"),
			setup: func(c *Config) error { c.TLS.ClientAuth, c.TLS.RequireInHandshake = tlspeer.Require, true; return nil }},
		{Fault: is("issuer-list-too-long", "names 400 authorities in its CertificateRequest, more than a record holds", reason.TLSClientCertRequired,
			"tls.client_cert_required").probed("tls.issuer_list_too_long"), setup: func(c *Config) error {
			c.TLS.ClientAuth, c.TLS.RequireInHandshake, c.TLS.ClientCAs = tlspeer.Require, true, manyNames()
			return nil
		}},
	}
}

// manyNames are 400 distinguished names of some 60 bytes: together more than a record holds.
func manyNames() [][]byte {
	var out [][]byte
	for i := range 400 {
		cn := fmt.Sprintf("Authority %03d of a list that a domain has distributed", i)
		der, err := asn1.Marshal(pkix.Name{CommonName: cn}.ToRDNSequence())
		if err != nil {
			return nil // a constant shape: it never fails
		}
		out = append(out, der)
	}
	return out
}
