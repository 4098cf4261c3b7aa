package session

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Lengths of the list of authorities in a CertificateRequest, in bytes of their names: what a record holds (RFC 5246 section 6.2.1),
// beside which Schannel cuts the list, and what is merely long.
const (
	listFull = 15 << 10
	listLong = 100 // names
)

func issuerListTooLong() check.Check {
	return check.Check{
		Code:      "tls.issuer_list_too_long",
		Title:     "the origin sends a list of accepted authorities so long that it is cut, or no client reads it",
		Severity:  finding.Warning,
		Catalogue: []int{58},
		Refines:   []reason.Code{reason.TLSClientCertRequired, reason.TLSClientCertRejected, reason.TLSAlert, reason.OriginStatus4xx},
		On:        []fact.Kind{fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth},
		Text: `A CertificateRequest names the authorities whose certificates the server takes, so that the client can choose. Windows up to 2008
R2 fills that list with **every trusted root** of the computer. Beyond 16 KiB Schannel cuts it (event 36885: the list of trusted
authorities has grown too long), and the message no longer fits one record, which some clients and middleboxes never learned. A
client that does not find its own authority in what is left sends an empty certificate, or shows the user an empty dialogue: then
"the certificate is installed, and it is not sent".

Proxies with one configured certificate mostly send it whatever the list says (nginx, HAProxy); Go, Java, browsers and Windows
choose by the list. What follows is 403.7 or alert 40 (tls.client_cert_required), for some clients only.

On the wire: CertificateRequest with hundreds of names. Without the secrets it shows in first handshakes up to TLS 1.2 only.`,
		Asks: []string{
			"On Windows: `Get-WinEvent -FilterHashtable @{LogName='System';ProviderName='Schannel';Id=36885}`",
			"How many roots does the computer trust? `(Get-ChildItem Cert:\\LocalMachine\\Root).Count`",
		},
		Mends: []finding.Mend{
			{On: finding.IIS, Do: "Send no list, machine-wide (the default since Windows Server 2012; restart needed): clients of all sites then offer what they have.",
				Lines: `# PowerShell or cmd, as administrator
reg query HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL /v SendTrustedIssuerList
reg add HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL /v SendTrustedIssuerList /t REG_DWORD /d 0 /f`},
			{On: finding.IIS, Do: "Name a store that holds the wanted authorities alone, for the binding. " + olderWindows,
				Lines: bindingLines("clientcertnegotiation=AS-SHOWN sslctlstorename=ClientAuthIssuer")},
			{On: finding.Apache, Do: "Name in SSLCADNRequestFile the authorities to announce; SSLCACertificateFile may hold more.", Lines: "SSLCADNRequestFile /etc/ssl/clients-ca.pem"},
			{On: finding.Nginx, Do: "ssl_client_certificate is announced, ssl_trusted_certificate is not.", Lines: "ssl_client_certificate /etc/nginx/clients-ca.pem;\nssl_trusted_certificate /etc/nginx/all-roots.pem;"},
			{On: finding.Java, Do: "A trust store with the clients' authorities alone, not the JDK's cacerts.", Lines: `<SSLHostConfig certificateVerification="required" truststoreFile="conf/clients.p12">`},
		},
		Sources: []string{"RFC 5246 section 7.4.4", "RFC 8446 section 4.2.4", "Microsoft: TLS registry settings (SendTrustedIssuerList)", "Microsoft KB931125 (too many root certificates)"},
		Run:     runIssuerListTooLong,
	}
}

func runIssuerListTooLong(c *check.Case) *check.Verdict {
	f := c.Flow
	for _, d := range demands(f) {
		r, ok := f.Facts[d.at].Detail.(*fact.CertificateRequest)
		if !ok || d.dark {
			continue
		}
		size := 0
		for _, name := range r.Authorities {
			size += len(name) + 2
		}
		if size < listFull && len(r.Authorities) < listLong {
			continue
		}
		v := &check.Verdict{Confidence: finding.Possible, Severity: finding.Info,
			Proof:   []finding.Proof{f.Proof(d.at, fmt.Sprintf("CertificateRequest with %d authorities, about %d bytes of names", len(r.Authorities), size))},
			Settle:  "the name of the authority that issued the client's certificate: is it in the list?",
			Summary: fmt.Sprintf("The origin names %d authorities whose client certificates it takes (about %d bytes)", len(r.Authorities), size)}
		switch {
		case d.empty && size >= listFull:
			if !pleased(f) {
				v.Severity = 0
			}
			v.Proof = append(v.Proof, f.Proof(d.given, "the client sends an empty certificate"))
			v.Summary += ", as long as the list can be before Windows cuts it, and the client sent no certificate: it has none, or found its authority not among them."
			if o, at := hasCertificate(c); at >= 0 {
				v.Confidence = finding.Likely
				v.Proof = append(v.Proof, f.ProofOther(&o.Facts[at], "the client has a certificate: it shows it on another connection"))
			}
		case d.empty:
			v.Proof = append(v.Proof, f.Proof(d.given, "the client sends an empty certificate"))
			v.Summary += "; the client sent no certificate."
		default:
			v.Summary += "."
		}
		return v
	}
	return nil
}

// hasCertificate is another connection on which the same client showed a certificate, with the index of it; -1 without.
func hasCertificate(c *check.Case) (*check.Flow, int) {
	for _, o := range c.Others {
		if at := o.FirstOf(fact.SideClient, fact.TLSCertificate); at >= 0 && o.Client.Addr() == c.Flow.Client.Addr() && gaveCertificate(o) {
			return o, at
		}
	}
	return nil, -1
}
