package site

import (
	"crypto/x509"
	"encoding/base64"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// CertForm is a way to tell the origin the client's certificate, named as in the configuration.
type CertForm string

// The forms.
const (
	CertRFC9440      CertForm = "client-cert"              // Client-Cert: a byte sequence (RFC 9440 section 2.2)
	CertRFC9440Chain CertForm = "client-cert-chain"        // Client-Cert-Chain: the certificates after the first (RFC 9440 section 2.3)
	CertARR          CertForm = "x-arr-clientcert"         // X-ARR-ClientCert: base64 of the DER, as IIS Application Request Routing writes it
	CertASPNETCore   CertForm = "ms-aspnetcore-clientcert" // MS-ASPNETCORE-CLIENTCERT: the same, as the ASP.NET Core module of IIS writes it
)

// maxChain bounds Client-Cert-Chain in bytes of DER: origins refuse heads that are much larger. A longer chain is cut.
const maxChain = 8 << 10

func (f CertForm) known() bool {
	return f == CertRFC9440 || f == CertRFC9440Chain || f == CertARR || f == CertASPNETCore
}

// certFields returns the fields that tell the origin the client's certificate; nil without one, and for one that nobody
// verified unless the site says that its origin does.
func (t *Table) certFields(x *exchange.Exchange, m *Match) exchange.Header {
	tls := x.Client.TLS
	if len(m.Site.certForms) == 0 || tls == nil || len(tls.Chain) == 0 || !tls.Verified && !m.Site.unverified {
		return nil
	}
	leaf := base64.StdEncoding.EncodeToString(tls.Chain[0].Raw)
	var h exchange.Header
	for _, form := range m.Site.certForms {
		switch form {
		case CertRFC9440:
			h.Add("Client-Cert", ":"+leaf+":")
		case CertRFC9440Chain:
			if chain := certChain(tls.Chain[1:]); chain != "" {
				h.Add("Client-Cert-Chain", chain)
			}
		case CertARR:
			h.Add("X-ARR-ClientCert", leaf)
		case CertASPNETCore:
			h.Add("MS-ASPNETCORE-CLIENTCERT", leaf)
		}
	}
	return h
}

// certChain writes a list of byte sequences (RFC 8941 sections 3.1 and 3.3.5).
func certChain(chain []*x509.Certificate) string {
	var b []byte
	size := 0
	for _, c := range chain {
		if size += len(c.Raw); size > maxChain {
			break
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, ':')
		b = base64.StdEncoding.AppendEncode(b, c.Raw)
		b = append(b, ':')
	}
	return string(b)
}
