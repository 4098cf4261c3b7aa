package lab

import (
	"io"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// transportFaults end or stay silent before TLS begins.
func transportFaults() []fault {
	return []fault{
		{Fault: Fault{"accept-then-close", "accepts and closes at once (FIN)", reason.TLSEOF}, raw: func(s *session) { s.closeWrite(); _ = s.silence() }},
		{Fault: Fault{"accept-then-reset", "accepts and resets at once", reason.TLSReset}, raw: func(s *session) { _ = s.reset() }},
		{Fault: Fault{"tls-silence", "accepts, reads the ClientHello, and never answers", reason.TLSTimeout}, raw: func(s *session) { _ = s.silence() }},
		{Fault: Fault{"close-after-client-hello", "reads the ClientHello and closes without an alert", reason.TLSEOF},
			raw: afterHello(func(*session) {})},
		{Fault: Fault{"reset-after-client-hello", "reads the ClientHello and resets, as Schannel does without a common suite", reason.TLSReset},
			raw: afterHello(func(s *session) { _ = s.reset() })},
		{Fault: Fault{"half-server-hello", "answers half a record and closes", reason.TLSEOF},
			raw: afterHello(func(s *session) { _, _ = s.nc.Write([]byte{22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3}) })},
		{Fault: Fault{"plain-http", "speaks plain HTTP on the TLS port", reason.TLSNotTLS},
			raw: afterHello(func(s *session) {
				_, _ = io.WriteString(s.nc, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			})},
		{Fault: Fault{"ssh-banner", "another service listens: it speaks first, in clear", reason.TLSNotTLS},
			raw: func(s *session) { _, _ = io.WriteString(s.nc, "SSH-2.0-lab\r\n"); _ = s.silence() }},
		// Alert 40 before any ServerHello is, byte for byte, what a server without a common suite sends.
		alertFault("alert-handshake-failure", tlswire.AlertHandshakeFailure, reason.TLSNoCommonCipher),
		alertFault("alert-access-denied", tlswire.AlertAccessDenied, reason.TLSAlert),
		alertFault("alert-internal-error", tlswire.AlertInternalError, reason.TLSAlert),
		alertFault("alert-protocol-version", tlswire.AlertProtocolVersion, reason.TLSNoCommonVersion),
		alertFault("alert-unrecognized-name", tlswire.AlertUnrecognizedName, reason.TLSUnrecognizedName),
	}
}

// afterHello reads up to one ClientHello, then calls then; the connection closes when it returns.
func afterHello(then func(*session)) func(*session) {
	return func(s *session) {
		var got []byte
		buf := make([]byte, 4096)
		for len(got) < tlswire.MaxHello {
			n, err := s.nc.Read(buf)
			got = append(got, buf[:n]...)
			if h, _ := tlswire.PeekClientHello(got); h != nil || err != nil {
				break
			}
		}
		then(s)
	}
}

func alertFault(name string, number uint8, code reason.Code) fault {
	return fault{Fault: Fault{name, "answers the ClientHello with the fatal alert " + tlswire.AlertName(number), code},
		raw: afterHello(func(s *session) {
			alert := tlswire.AppendAlert(nil, tlswire.Alert{Level: tlswire.AlertFatal, Number: number})
			_, _ = s.nc.Write(tlswire.AppendRecord(nil, tlswire.TypeAlert, tlswire.VersionTLS12, alert))
		})}
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
		{Fault: Fault{"tls10-only", "speaks TLS 1.0 alone, knows no supported_versions, and finds no suite for that version in a modern hello: alert 40", reason.TLSNoCommonCipher},
			setup: suites(tlswire.VersionTLS10, tlswire.VersionTLS10)},
		{Fault: Fault{"rsa-kex-only", "TLS 1.2 with RSA key exchange alone", reason.TLSNoCommonCipher},
			setup: suites(tlswire.VersionTLS12, tlswire.VersionTLS12, 0x009c, 0x009d, 0x003c, 0x002f, 0x0035)},
		{Fault: Fault{"3des-only", "TLS 1.0 to 1.2 with TLS_RSA_WITH_3DES_EDE_CBC_SHA alone", reason.TLSNoCommonCipher},
			setup: suites(tlswire.VersionTLS10, tlswire.VersionTLS12, 0x000a)},
		{Fault: Fault{"no-secure-renegotiation", "answers without renegotiation_info (RFC 5746): OpenSSL 3 refuses it, Go does not", ""},
			setup: func(c *Config) error { c.TLS.NoSecureRenegotiation = true; return nil }},
		{Fault: Fault{"client-cert-required", "asks for a client certificate in the handshake and breaks it with alert 40 when none comes", reason.TLSClientCertRequired},
			setup: func(c *Config) error { c.TLS.ClientAuth, c.TLS.RequireInHandshake = tlspeer.Require, true; return nil }},
	}
}

// certFaults are certificates that do not verify.
func certFaults() []fault {
	one := func(name, does string, code reason.Code, o certs.Options, change func(*Config) (*certs.CA, error)) fault {
		return fault{Fault: Fault{name, does, code}, setup: func(c *Config) (err error) {
			ca := c.CA
			if change != nil {
				if ca, err = change(c); err != nil {
					return err
				}
			}
			o := o
			o.Key = certs.RSA
			if o.Names == nil {
				o.Names = c.Names
			}
			if ca == nil {
				c.TLS.Certificate, err = certs.SelfSigned(o)
			} else {
				c.TLS.Certificate, err = ca.Issue(o)
			}
			return err
		}}
	}
	below := func(c *Config) (*certs.CA, error) { return c.CA.Intermediate("Lunette lab intermediate") }
	gap := one("cert-chain-gap", "leaves its intermediate certificate out", reason.CertUnknownCA, certs.Options{}, below)
	return []fault{
		one("cert-expired", "its certificate ended yesterday", reason.CertExpired, certs.Options{Expired: true}, nil),
		one("cert-not-yet-valid", "its certificate begins tomorrow", reason.CertNotYetValid, certs.Options{Future: true}, nil),
		one("cert-wrong-name", "its certificate is for another name", reason.CertNameMismatch, certs.Options{Names: []string{"another.test.domain"}}, nil),
		one("cert-no-san", "its certificate has a common name alone", reason.CertNoSAN, certs.Options{NoSAN: true}, nil),
		one("cert-bad-usage", "its certificate is for clients", reason.CertBadUsage, certs.Options{Client: true}, nil),
		one("cert-self-signed", "its certificate signs itself", reason.CertSelfSigned, certs.Options{},
			func(*Config) (*certs.CA, error) { return nil, nil }),
		one("cert-unknown-ca", "its certificate comes from a root that nobody trusts", reason.CertUnknownCA, certs.Options{},
			func(*Config) (*certs.CA, error) { return certs.NewCA("Lunette lab stranger", certs.ECDSA) }),
		{Fault: gap.Fault, setup: func(c *Config) error {
			err := gap.setup(c)
			if err == nil {
				c.TLS.Certificate.Chain = c.TLS.Certificate.Chain[:1]
			}
			return err
		}},
	}
}

// renegotiationFaults ask for a client certificate after the request, each in its own way.
func renegotiationFaults() []fault {
	one := func(name, does string, code reason.Code, change func(*Config)) fault {
		return fault{Fault: Fault{name, does, code}, setup: func(c *Config) error {
			if c.Renegotiate.Path == "" {
				c.Renegotiate.Path = "/"
			}
			change(c)
			return nil
		}}
	}
	return []fault{
		one("renegotiate-ignore", "renegotiates without asking for a certificate", "", func(c *Config) { c.Renegotiate.Auth = tlspeer.Ignore }),
		one("renegotiate-accept", "IIS with client certificates on Accept: the founding incident", "",
			func(c *Config) { c.Renegotiate.Auth = tlspeer.Accept }),
		one("renegotiate-require", "IIS with client certificates on Require: 403.7 without one", "",
			func(c *Config) { c.Renegotiate.Auth = tlspeer.Require }),
		one("renegotiate-require-alert", "Apache with SSLVerifyClient require: alert 40 without a certificate", reason.TLSClientCertRequired,
			func(c *Config) { c.Renegotiate.Auth, c.TLS.RequireInHandshake = tlspeer.Require, true }),
		one("renegotiate-every", "asks again on every request of a connection", "",
			func(c *Config) { c.Renegotiate.Auth, c.Renegotiate.Every = tlspeer.Accept, true }),
		one("renegotiate-insecure", "renegotiates without RFC 5746", reason.TLSRenegotiationRefused,
			func(c *Config) { c.Renegotiate.Auth, c.TLS.NoSecureRenegotiation = tlspeer.Accept, true }),
		one("renegotiate-interfere", "sends application data between HelloRequest and ServerHello", reason.TLSRenegotiationFailed,
			func(c *Config) { c.Renegotiate.Auth, c.Renegotiate.Interfere = tlspeer.Accept, true }),
		one("renegotiate-body-stall", "asks while the body is in flight and reads no further: both sides wait", "",
			func(c *Config) { c.Renegotiate.Auth, c.Renegotiate.Stall = tlspeer.Accept, true }),
	}
}
