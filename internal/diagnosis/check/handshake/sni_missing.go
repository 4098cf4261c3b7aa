package handshake

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var sniMissing = check.Check{
	Code:      "tls.sni_missing",
	Title:     "the ClientHello names no site, and the origin needs the name",
	Severity:  finding.Critical,
	Catalogue: []int{27},
	Refines:   []reason.Code{reason.TLSUnrecognizedName, reason.TLSReset, reason.TLSEOF, reason.TLSAlert, reason.CertNameMismatch, reason.ConfigSNIHostMismatch},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences: []finding.Code{"tls.closed_after_hello", "tls.silent_after_hello", "tls.handshake_alert", "tls.no_common_cipher", "cert.name_mismatch", "cert.self_signed",
		"cert.differs_between_nodes", "cert.unknown_ca", "network.sni_reset", "tcp.reset_after_accept"},
	Text: `Where many sites share an address, the server picks certificate and site by **server_name (SNI)** in the ClientHello. Without it,
it can only serve the default: a certificate for another name, or none. nginx with ssl_reject_handshake answers *unrecognized_name
(112)*, IIS with SNI-only bindings and no default one resets, others send handshake_failure (40).

Proxies leave SNI out more often than one thinks. nginx sends none unless proxy_ssl_server_name is on; HAProxy none without "sni";
old Java and OpenSSL clients none at all; and no client sends an IP address as a name (RFC 6066), so an origin configured by
address has no SNI. Everything works when tried with a browser. The logs speak of a failed handshake, or of a certificate that
does not match.

The absent extension is in clear in the ClientHello. The proof is alert 112, or the same hello with the name, which works.`,
	Mends: []finding.Mend{
		{On: finding.Nginx, Do: "As a proxy, send the name. As the origin, have a default server with a certificate.",
			Lines: "proxy_ssl_server_name on;\nproxy_ssl_name {host};"},
		{On: finding.IIS, Do: "Clear \"Require Server Name Indication\" in the binding of this site, or add a certificate for all addresses, so that clients without SNI get one. It is refused where there is one.",
			Lines: "# PowerShell, as administrator\nnetsh http show sslcert\nnetsh http add sslcert ipport=0.0.0.0:{port} certhash=THUMBPRINT appid=\"{4dc3e181-e14b-4a21-b022-59fc669b0914}\" certstorename=MY"},
		{On: finding.Apache, Do: "As a proxy, keep the Host of the request: the name sent follows it. As the origin, the first virtual host of the address is the default.", Lines: "ProxyPreserveHost On\nSSLStrictSNIVHostCheck off"},
		{On: finding.Java, Do: "In Tomcat name the SSLHostConfig that serves clients without SNI.", Lines: `<!-- add to the Connector that is there -->
SSLEnabled="true" defaultSSLHostConfigName="{host}"`},
		{On: finding.Node, Do: "As a client, give servername; https.request takes it from the Host only when that is a name.", Lines: "https.request({ host: '{ip}', servername: '{host}' })"},
		{On: finding.OpenSSL, Do: "Compare both.", Lines: "openssl s_client -connect {origin} -servername {host} </dev/null\nopenssl s_client -connect {origin} -noservername </dev/null"},
		{On: finding.Lunette, Do: "State the name to send.", Lines: "origin:\n  tls:\n    server_name: {host}"},
	},
	Sources: []string{"RFC 6066 section 3", "nginx: ngx_http_proxy_module, proxy_ssl_server_name", "nginx: ngx_http_ssl_module, ssl_reject_handshake", "Microsoft: IIS binding, sslFlags"},
	Run:     runSNIMissing,
}

func runSNIMissing(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.Hello()
	if h == nil || h.ServerName != "" || h.EncryptedHello {
		return nil
	}
	if f.Established() {
		return leftUnnamed(f, at)
	}
	if i := unrecognized(f); i >= 0 {
		return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, offer(&f.Facts[at])), f.Proof(i, "the origin answers unrecognized_name (112)")},
			Summary: "The ClientHello carries no name, and the origin answers with alert 112 (unrecognized_name)."}
	}
	if v := wrongDefault(c); v != nil {
		return v
	}
	r, ok := refused(f)
	if !ok || r.how == fact.Silence && r.waited(f) < patience {
		return nil
	}
	if r.how == fact.TLSAlert && (r.alert == alertProtocolVersion || r.alert == alertNoApplicationProto) {
		return nil
	}
	for _, o := range c.Compared() {
		theirs := answered(o)
		if theirs == nil {
			continue
		}
		if theirs.ServerName == "" {
			return nil // it does without
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: append(r.proof(f), answer(f, o, "a ClientHello with sni "+check.Short(theirs.ServerName, 60)+" is answered")),
			Summary: "The ClientHello carries no name, and the origin " + r.did() + "; with the name " + check.Short(theirs.ServerName, 60) + " it answers."}
		if !alike(h, theirs) {
			v.Confidence, v.Settle = finding.Likely, "the same hello with nothing changed but the name"
		}
		x := r.contrast(c, r.same, func(_ *check.Flow, theirs *fact.ClientHello) bool { return alike(h, theirs) })
		x.Temper(v)
		return v
	}
	v := &check.Verdict{Confidence: finding.Possible, Proof: r.proof(f), Settle: "the same hello with the name: \"lunette doctor\" tries it",
		Summary: "The ClientHello carries no name, and the origin " + r.did() + "."}
	if ended := r.how == fact.TCPReset || r.how == fact.TCPClosed; ended && usual(h) && f.Facts[r.at].Size <= oneSegment {
		v.Confidence = finding.Likely // nothing else in the hello is out of the ordinary
	}
	return v
}

// leftUnnamed is a client that completed the handshake, under a certificate that it had not chosen by a name, and left without a request.
// It may be a probe as well.
func leftUnnamed(f *check.Flow, hello int) *check.Verdict {
	left := f.LeftUnasked()
	chain, sent := f.Chain()
	if left < 0 || !dated(f) {
		return nil
	}
	return &check.Verdict{Confidence: finding.Possible, Severity: finding.Info, Settle: "the client's own log: did it refuse the certificate's name, or only look whether the port answers; nginx logs \"upstream SSL certificate does not match\"",
		Proof: []finding.Proof{f.Proof(hello, offer(&f.Facts[hello])), f.Proof(sent, "the origin's certificate is for "+check.Short(chain[0].Names[0], 60)),
			f.Proof(left, "the client leaves behind the handshake, without a request")},
		Summary: "The ClientHello carries no name, the origin shows a certificate for " + check.Short(chain[0].Names[0], 60) + ", and the client leaves behind the handshake without a request."}
}

// wrongDefault finds that the origin served another certificate than it does with the name.
func wrongDefault(c *check.Case) *check.Verdict {
	f := c.Flow
	i := misnamed(f)
	if i < 0 {
		return nil
	}
	_, at := f.Hello()
	v := &check.Verdict{Confidence: finding.Likely, Settle: "the same hello with the name: \"lunette doctor\" tries it",
		Proof:   []finding.Proof{f.Proof(at, offer(&f.Facts[at])), f.Proof(i, "the certificate that came is refused")},
		Summary: "The ClientHello carries no name, and the certificate that the origin serves then is refused."}
	chain, _ := f.Chain()
	for _, o := range c.Compared() {
		h := answered(o)
		theirs, n := o.Chain()
		if h == nil || h.ServerName == "" || len(chain) == 0 || len(theirs) == 0 {
			continue
		}
		if theirs[0].SHA256 == chain[0].SHA256 {
			return nil // the name changes nothing
		}
		v.Confidence, v.Settle = finding.Certain, ""
		v.Proof = append(v.Proof, f.ProofOther(&o.Facts[n], "with sni "+check.Short(h.ServerName, 60)+" the origin serves another one: "+check.Short(theirs[0].Subject, 60)))
		return v
	}
	return v
}

// misnamed is the index of the fact that says that the certificate is for another name, -1 without.
func misnamed(f *check.Flow) int {
	if i := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSVerified && x.Text == string(reason.CertNameMismatch)
	}); i >= 0 {
		return i
	}
	if f.Reason == reason.CertNameMismatch {
		return max(f.First(fact.TLSCertificate), f.First(fact.TLSClientHello))
	}
	if alert := clientAlert(f); alert >= 0 && (f.Facts[alert].Code == alertBadCertificate || f.Facts[alert].Code == alertCertificateUnknown) && dated(f) {
		return alert
	}
	return -1
}

// dated reports whether the server's certificate was read, is in date and has a name.
func dated(f *check.Flow) bool {
	chain, i := f.Chain()
	return len(chain) > 0 && len(chain[0].Names) > 0 && f.Facts[i].At.After(chain[0].NotBefore) && f.Facts[i].At.Before(chain[0].NotAfter) && chain[0].Subject != chain[0].Issuer
}

// unrecognized is the index of alert 112 from the server, -1 without.
func unrecognized(f *check.Flow) int {
	return f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSAlert && x.Side == fact.SideServer && x.Code == alertUnrecognizedName
	})
}
