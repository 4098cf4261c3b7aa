package lab

import (
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// certFaults are certificates that do not verify.
func certFaults() []fault {
	one := func(name, does string, code reason.Code, found finding.Code, o certs.Options, change func(*Config) (*certs.CA, error)) fault {
		return fault{Fault: is(name, does, code, found), setup: func(c *Config) (err error) {
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
	cut := func(f fault) fault {
		inner := f.setup
		f.setup = func(c *Config) error {
			err := inner(c)
			if err == nil {
				c.TLS.Certificate.Chain = c.TLS.Certificate.Chain[:1]
			}
			return err
		}
		return f
	}
	disorder := one("cert-wrong-order", "sends its chain in the wrong order", "", "cert.wrong_order", certs.Options{}, func(c *Config) (*certs.CA, error) {
		upper, err := below(c)
		if err != nil {
			return nil, err
		}
		return upper.Intermediate("Lunette lab lower intermediate")
	})
	constrained := func(c *Config) (*certs.CA, error) {
		return c.CA.Constrained("Lunette lab constrained", "another.test.domain")
	}
	return []fault{
		one("cert-weak-key", "its key is RSA of 1024 bits, which Go takes and OpenSSL does not", "", "cert.weak", certs.Options{Weak: true}, nil),
		one("cert-sha1", "its certificate is signed with SHA-1", reason.TLSWeakKeyOrHash, "cert.weak", certs.Options{SHA1: true}, nil),
		one("cert-ca-as-leaf", "its certificate is one of an authority", "", "cert.not_permitted", certs.Options{Authority: true}, nil),
		one("cert-name-constraints", "its authority may not sign for this name", reason.CertBadUsage, "cert.not_permitted", certs.Options{}, constrained),
		{Fault: is("cert-ecdsa-only", "an ECDSA certificate, and suites that need an RSA one", reason.TLSNoCommonCipher, "tls.no_common_cipher").probed("cert.key_type_mismatch"),
			setup: func(c *Config) (err error) {
				c.TLS.MaxVersion, c.TLS.Suites = tlswire.VersionTLS12, []uint16{0xc02f, 0xc030, 0xc013}
				c.TLS.Certificate, err = c.CA.Issue(certs.Options{Names: c.Names})
				return err
			}},
		{Fault: disorder.Fault, setup: func(c *Config) error {
			err := disorder.setup(c)
			if err == nil {
				chain := c.TLS.Certificate.Chain
				chain[1], chain[2] = chain[2], chain[1]
			}
			return err
		}},
		one("cert-expired", "its certificate ended yesterday", reason.CertExpired, "cert.expired", certs.Options{Expired: true}, nil),
		one("cert-not-yet-valid", "its certificate begins tomorrow", reason.CertNotYetValid, "cert.not_yet_valid", certs.Options{Future: true}, nil),
		one("cert-wrong-name", "its certificate is for another name", reason.CertNameMismatch, "cert.name_mismatch", certs.Options{Names: []string{"another.test.domain"}}, nil),
		one("cert-no-san", "its certificate has a common name alone", reason.CertNoSAN, "cert.common_name_only", certs.Options{NoSAN: true}, nil),
		one("cert-bad-usage", "its certificate is for clients", reason.CertBadUsage, "cert.not_permitted", certs.Options{Client: true}, nil),
		one("cert-self-signed", "its certificate signs itself", reason.CertSelfSigned, "cert.self_signed", certs.Options{},
			func(*Config) (*certs.CA, error) { return nil, nil }),
		one("cert-unknown-ca", "its certificate comes from a root that nobody trusts", reason.CertUnknownCA, "cert.unknown_ca", certs.Options{},
			func(*Config) (*certs.CA, error) { return certs.NewCA("Lunette lab stranger", certs.ECDSA) }),
		one("tls-inspected", "its certificate comes from a box on the way that inspects TLS", reason.CertUnknownCA, "network.tls_inspected", certs.Options{},
			func(*Config) (*certs.CA, error) { return certs.NewCA("Example TLS Inspection CA", certs.ECDSA) }),
		cut(one("cert-chain-gap", "leaves its intermediate certificate out, and says where it can be fetched (AIA)", reason.CertChainGap, "cert.chain_incomplete",
			certs.Options{AIA: "http://127.0.0.1:9/issuer.crt"}, below)),
		cut(one("cert-chain-gap-unsaid", "leaves its intermediate certificate out: byte for byte what an unknown authority looks like", reason.CertUnknownCA,
			"cert.unknown_ca", certs.Options{}, below)),
	}
}
