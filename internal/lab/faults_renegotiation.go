package lab

import (
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
)

// renegotiationFaults ask for a client certificate after the request, each in its own way.
func renegotiationFaults() []fault {
	asked := func(f fault, a Ask) fault { f.Ask = a; return f }
	one := func(name, does string, code reason.Code, found finding.Code, change func(*Config)) fault {
		return fault{Fault: is(name, does, code, found), setup: func(c *Config) error {
			if c.Renegotiate.Path == "" {
				c.Renegotiate.Path = "/"
			}
			change(c)
			return nil
		}}
	}
	return []fault{
		one("renegotiate-ignore", "renegotiates without asking for a certificate", "", "", func(c *Config) { c.Renegotiate.Auth = tlspeer.Ignore }),
		one("renegotiate-accept", "IIS with client certificates on Accept: the founding incident", "", "",
			func(c *Config) { c.Renegotiate.Auth = tlspeer.Accept }),
		asked(one("hello-request-ignored", "the founding incident, met by a client that drops the HelloRequest", "", "tls.hello_request_ignored",
			func(c *Config) { c.Renegotiate.Auth = tlspeer.Accept }), Drops),
		asked(one("hello-request-refused", "the same, met by a client that answers no_renegotiation", reason.TLSRenegotiationRefused, "tls.hello_request_refused",
			func(c *Config) { c.Renegotiate.Auth = tlspeer.Accept }), Refuses),
		one("renegotiate-require", "IIS with client certificates on Require: 403.7 without one", "", "tls.client_cert_required",
			func(c *Config) { c.Renegotiate.Auth = tlspeer.Require }),
		one("renegotiate-require-alert", "Apache with SSLVerifyClient require: alert 40 without a certificate", reason.TLSClientCertRequired, "tls.client_cert_required",
			func(c *Config) { c.Renegotiate.Auth, c.TLS.RequireInHandshake = tlspeer.Require, true }),
		one("renegotiate-every", "asks again on every request of a connection", "", "",
			func(c *Config) { c.Renegotiate.Auth, c.Renegotiate.Every = tlspeer.Accept, true }),
		one("renegotiate-insecure", "renegotiates without RFC 5746", reason.TLSRenegotiationRefused, "tls.hello_request_refused",
			func(c *Config) { c.Renegotiate.Auth, c.TLS.NoSecureRenegotiation = tlspeer.Accept, true }),
		one("renegotiate-interfere", "sends application data between HelloRequest and ServerHello", reason.TLSRenegotiationFailed, "tls.handshake_alert",
			func(c *Config) { c.Renegotiate.Auth, c.Renegotiate.Interfere = tlspeer.Accept, true }),
		asked(one("renegotiate-body-stall", "asks while the body is in flight and reads no further: both sides wait", "", "tls.renegotiation_body_deadlock",
			func(c *Config) {
				c.Renegotiate.Auth, c.Renegotiate.InFlight, c.Renegotiate.Stall = tlspeer.Accept, true, true
			}), Upload),
		asked(one("renegotiate-body-413", "asks while the body is in flight and answers 413 when more comes than uploadReadAheadSize", "", "tls.renegotiation_body_too_large",
			func(c *Config) { c.Renegotiate.Auth, c.Renegotiate.InFlight = tlspeer.Accept, true }), Upload),
	}
}
