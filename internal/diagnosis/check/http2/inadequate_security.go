package http2

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var inadequateSecurity = check.Check{
	Code:      "http2.inadequate_security",
	Title:     "HTTP/2 was agreed on with a cipher suite that HTTP/2 forbids",
	Severity:  finding.Critical,
	Catalogue: []int{73},
	Refines:   []reason.Code{reason.HTTP2GoAway, reason.HTTP2RST, reason.TLSAlert},
	On:        []fact.Kind{fact.HTTP2GoAway, fact.HTTP2RstStream, fact.TLSServerHello},
	Silences:  []finding.Code{"http2.stream_reset", "http2.goaway_race", "http1.closed_before_answer", "client.gone"},
	Text: `Over TLS 1.2, HTTP/2 may be spoken only with suites of an ephemeral key exchange and an AEAD cipher (RFC 9113 section 9.2.2 and
its appendix A list what is forbidden: RSA key exchange, all of CBC, RC4, 3DES). Server and client choose suite and protocol apart
from each other: a server that prefers its old order of suites picks a CBC suite, and h2 by ALPN beside it. A client that holds to
the RFC then ends the connection at once with **GOAWAY INADEQUATE_SECURITY** (error code 12); one that does not goes on, and all
works.

It was common with Windows Server 2012 R2 and 2016 and their order of suites, and with hardened lists that name CBC suites first.
Chrome shows ERR_HTTP2_INADEQUATE_TRANSPORT_SECURITY, Firefox NS_ERROR_NET_INADEQUATE_SECURITY, Go *http2: server sent GOAWAY …
INADEQUATE_SECURITY* or *tls: unsupported cipher*; HTTP/1.1 clients of the same origin see nothing.

Told apart from other ends of the connection by the code; without the code, a forbidden suite beside h2 makes it likely when the
connection ends right after the handshake, and is worth knowing when it goes on.`,
	Asks: []string{
		"Which suite does it choose with h2: `openssl s_client -connect {origin} -servername {host} -alpn h2 -tls1_2 </dev/null | grep -E 'Cipher|ALPN'`",
		"Windows: `Get-TlsCipherSuite | Format-Table Name` (the order counts)",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Put the ECDHE suites with GCM first, machine-wide (needs a restart); those that are there stay behind them.",
			Lines: "# PowerShell, as administrator\nGet-TlsCipherSuite | Format-Table Name\nEnable-TlsCipherSuite -Name TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 -Position 0\nEnable-TlsCipherSuite -Name TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 -Position 1"},
		{On: finding.Nginx, Do: "Put AEAD suites first; HIGH keeps those that other clients may need. Take over what else stands in the line that is there.",
			Lines: "ssl_prefer_server_ciphers on;\nssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5;"},
		{On: finding.Apache, Do: "Put AEAD suites first, HIGH keeps those that other clients may need; mod_http2 itself holds to the list with H2ModernTLSOnly.",
			Lines: "SSLHonorCipherOrder on\nSSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5\nH2ModernTLSOnly on"},
		{On: finding.Java, Do: "Put AEAD suites first, in front of those that are there.",
			Lines: `<SSLHostConfig honorCipherOrder="true" ciphers="ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5">`},
		{On: finding.Lunette, Do: "Speak HTTP/1.1 to this origin, for which every suite will do; or offer no forbidden suite (profile modern).", Lines: "origin:\n  http: \"1.1\""},
	},
	Sources: []string{"RFC 9113 section 9.2.2 and appendix A", "Microsoft: TLS cipher suites in Windows 8.1; how to deploy custom cipher suite ordering"},
	Run:     runInadequateSecurity,
}

func runInadequateSecurity(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.ServerHello()
	alpn, suite := "", ""
	if h != nil {
		alpn, suite = h.ALPN, h.Suite
	}
	if i := withCode(f, fact.SideNone, inadequate); i >= 0 {
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, fmt.Sprintf("%s of the %s%s", frame(&f.Facts[i]), f.Facts[i].Side, debug(&f.Facts[i])))},
			Summary: fmt.Sprintf("The %s ends HTTP/2 for INADEQUATE_SECURITY: the suite may not be used with it.", f.Facts[i].Side)}
		if suite != "" {
			v.Summary = fmt.Sprintf("The %s ends HTTP/2 for INADEQUATE_SECURITY: %s may not be used with it.", f.Facts[i].Side, suite)
			v.Proof = append(v.Proof, f.Proof(at, "the server chose "+suite))
		}
		return v
	}
	if alpn != "h2" || f.Version() > 0x0303 || !forbidden(suite) || !f.Established() {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Severity: finding.Info, Proof: []finding.Proof{f.Proof(at, "the server chose "+suite+" and h2")},
		Summary: fmt.Sprintf("The server chose %s and HTTP/2, which forbids that suite: stricter clients will not go on.", suite)}
	end := f.Ended()
	if end.At < 0 || end.Side != fact.SideClient || f.Has(fact.RequestHead, fact.ResponseHead) || f.Find(at, serverData) >= 0 || f.FirstOf(fact.SideClient, fact.TLSApplicationData) > end.At {
		return v
	}
	if f.Since(f.First(fact.TLSHandshakeDone), end.At) > promptly {
		return v
	}
	v.Confidence, v.Severity, v.Settle = finding.Likely, 0, "decrypt it, or repeat with suites of ECDHE and GCM alone"
	v.Summary = fmt.Sprintf("The server chose %s and HTTP/2, which forbids that suite, and the client ended the connection right after the handshake.", suite)
	v.Proof = append(v.Proof, f.Proof(end.At, "the client ends the connection"))
	return v
}

func serverData(x *fact.Fact) bool {
	return x.Kind == fact.TLSApplicationData && x.Side == fact.SideServer && x.Size > 100 // more than its SETTINGS
}

// forbidden reports whether appendix A of RFC 9113 lists a suite of TLS 1.2: no ephemeral key exchange, or no AEAD. Unknown names are not.
func forbidden(suite string) bool {
	if !strings.HasPrefix(suite, "TLS_") {
		return false
	}
	ephemeral := strings.HasPrefix(suite, "TLS_ECDHE_") || strings.HasPrefix(suite, "TLS_DHE_")
	aead := strings.Contains(suite, "_GCM") || strings.Contains(suite, "_CCM") || strings.Contains(suite, "CHACHA20_POLY1305")
	return strings.Contains(suite, "_WITH_") && !(ephemeral && aead)
}
