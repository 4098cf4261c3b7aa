package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
)

func TestIssuedCertificatesVerifyAsTheirOptionsSay(t *testing.T) {
	root, err := NewCA("root", ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	between, err := root.Intermediate("intermediate")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		ca   *CA
		o    Options
		gap  bool
		want func(error) bool
	}{
		"good":         {root, Options{Names: []string{"a.test", "127.0.0.1"}}, false, func(err error) bool { return err == nil }},
		"rsa":          {root, Options{Names: []string{"a.test"}, Key: RSA}, false, func(err error) bool { return err == nil }},
		"intermediate": {between, Options{Names: []string{"a.test"}}, false, func(err error) bool { return err == nil }},
		"chain gap":    {between, Options{Names: []string{"a.test"}}, true, isUnknown},
		"self signed":  {nil, Options{Names: []string{"a.test"}}, false, isUnknown},
		"expired":      {root, Options{Names: []string{"a.test"}, Expired: true}, false, isExpired},
		"future":       {root, Options{Names: []string{"a.test"}, Future: true}, false, isExpired},
		"other name":   {root, Options{Names: []string{"b.test"}}, false, isName},
		"no san":       {root, Options{Names: []string{"a.test"}, NoSAN: true}, false, isName},
		"client":       {root, Options{Names: []string{"a.test"}, Client: true}, false, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := SelfSigned(tt.o)
			if tt.ca != nil {
				c, err = tt.ca.Issue(tt.o)
			}
			if err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			for _, der := range c.Chain[1:] {
				if cert, err := x509.ParseCertificate(der); err == nil && !tt.gap {
					pool.AddCert(cert)
				}
			}
			_, err = c.Leaf.Verify(x509.VerifyOptions{DNSName: "a.test", Roots: root.Pool(), Intermediates: pool})
			if !tt.want(err) {
				t.Errorf("verify: %v", err)
			}
			key, err := c.KeyPEM()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tls.X509KeyPair(c.ChainPEM(), key); err != nil {
				t.Errorf("the PEM files do not belong together: %v", err)
			}
			if len(c.TLS().Certificate) != len(c.Chain) {
				t.Error("the tls.Certificate has another chain")
			}
		})
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(root.PEM()) {
		t.Error("the root's PEM does not parse")
	}
}

func isUnknown(err error) bool { var e x509.UnknownAuthorityError; return errors.As(err, &e) }
func isName(err error) bool    { var e x509.HostnameError; return errors.As(err, &e) }
func isExpired(err error) bool {
	var e x509.CertificateInvalidError
	return errors.As(err, &e) && e.Reason == x509.Expired
}
