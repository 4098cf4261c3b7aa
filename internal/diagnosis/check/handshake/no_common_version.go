package handshake

import (
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var noCommonVersion = check.Check{
	Code:      "tls.no_common_version",
	Title:     "the client and the origin have no version of TLS in common",
	Severity:  finding.Critical,
	Catalogue: []int{22},
	Refines:   []reason.Code{reason.TLSNoCommonVersion, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSClientHello},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert", "tls.closed_after_hello", "cert.weak"},
	Text: `Either the origin refuses all versions on offer with the fatal alert **protocol_version (70)**, or it chooses an old one in its
ServerHello and the client breaks off, with 70 too, or with internal_error (80) where its library forbids the signatures that go
with TLS 1.0 (OpenSSL 3 at security level 1 and above: *legacy sigalg disallowed or unsupported*).

The usual case is an origin that stopped at TLS 1.0: **Windows Server 2008 R2** can do TLS 1.2 but has it switched off; old Java 6
and 7, old appliances. nginx prints *tlsv1 alert protocol version:SSL alert number 70*, Go *tls: protocol version not supported*
or *no supported versions satisfy MinVersion and MaxVersion*. The reverse is an origin that was hardened to TLS 1.3 while a proxy
is capped at 1.2.

Where the same origin answers another hello that offers fewer versions, it is not short of versions but stumbles over new ones:
tls.version_intolerant.`,
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Switch TLS 1.2 on for the server side of Schannel, machine-wide, beside what is on; then restart the machine. Server 2008 R2 needs SP1.",
			Lines: `# PowerShell, as administrator
reg query HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols /s
reg add "HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server" /v Enabled /t REG_DWORD /d 1 /f
reg add "HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server" /v DisabledByDefault /t REG_DWORD /d 0 /f`},
		{On: finding.Nginx, Do: "Add TLS 1.2 and 1.3 to the versions that are there, which other clients may need, in every server block of the address: the default server's lines decide.",
			Lines: "nginx -T | grep -n ssl_protocols\n# in the server blocks\nssl_protocols VERSIONS-THERE-NOW TLSv1.2 TLSv1.3;"},
		{On: finding.Apache, Do: "Add TLS 1.2 and 1.3 to the versions that are there, which other clients may need.",
			Lines: "grep -rn SSLProtocol /etc/apache2 /etc/httpd\n# in the virtual host\nSSLProtocol VERSIONS-THERE-NOW +TLSv1.2 +TLSv1.3"},
		{On: finding.Java, Do: "In Tomcat's SSLHostConfig add both to the versions that are there; Java 7 knows TLS 1.2 but needs it named.",
			Lines: "<SSLHostConfig protocols=\"VERSIONS-THERE-NOW+TLSv1.2+TLSv1.3\">"},
		{On: finding.Node, Do: "Lower or raise the bounds of tls.createServer.", Lines: "https.createServer({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', /* key, cert */ })"},
		{On: finding.OpenSSL, Do: "Try one version at a time; @SECLEVEL=0 lets OpenSSL 3 speak TLS 1.0.",
			Lines: "openssl s_client -connect {origin} -servername {host} -tls1_2\nopenssl s_client -connect {origin} -servername {host} -tls1 -cipher 'DEFAULT@SECLEVEL=0'"},
		{On: finding.Lunette, Do: "Speak TLS 1.0 to this origin until it is mended: TLS 1.0 and 1.1 are obsolete (RFC 8996), use them in trusted networks only.",
			Lines: "origin:\n  tls:\n    profile: legacy\n    min_version: \"1.0\""},
	},
	Sources: []string{"RFC 8446 sections 4.1.3 and 6.2", "RFC 8996", "Microsoft: TLS registry settings (SCHANNEL\\Protocols)"},
	Run:     runNoCommonVersion,
}

func runNoCommonVersion(c *check.Case) *check.Verdict {
	f := c.Flow
	if r, ok := refused(f); ok {
		return versionRefused(c, &r)
	}
	h, _ := f.Hello()
	s, at := f.ServerHello()
	if at < 0 {
		return nil
	}
	alert := clientAlert(f)
	name := version(f)
	if rank(name) == 0 || alert < 0 && f.Reason != reason.TLSNoCommonVersion {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "the origin chooses "+name)}}
	code := 0
	if alert >= 0 {
		code = f.Facts[alert].Code
		v.Proof = append(v.Proof, f.Proof(alert, fmt.Sprintf("the client breaks off with alert %d %s", code, f.Facts[alert].Text)))
	}
	switch {
	case h != nil && !offersVersion(h, name):
		v.Summary = fmt.Sprintf("The origin chose %s, and the client offers %s.", name, versions(h))
	case code == alertProtocolVersion, f.Reason == reason.TLSNoCommonVersion:
		v.Summary = fmt.Sprintf("The origin chose %s, and the client will not speak it.", name)
	case rank(name) < rank("TLS 1.2") && slices.Contains([]int{alertInternalError, alertInsufficientSecurity}, code) && (s == nil || s.SecureRenegotiation) && !f.Has(fact.TLSClientKeyExchange):
		v.Confidence, v.Settle = finding.Likely, "the client's own log: OpenSSL says \"legacy sigalg disallowed or unsupported\""
		v.Summary = fmt.Sprintf("The origin chose %s, and the client broke off with alert %d: its library no longer allows what goes with that version.", name, code)
	default:
		return nil
	}
	return v
}

// versionRefused looks at a ClientHello that the origin refused.
func versionRefused(c *check.Case, r *refusal) *check.Verdict {
	f := c.Flow
	if r.how != fact.TLSAlert || r.alert != alertProtocolVersion {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: r.proof(f), Summary: "The origin refused every version that the client offers, with alert 70 (protocol_version)."}
	if r.hello == nil {
		return v
	}
	v.Summary = fmt.Sprintf("The origin refused what the client offers, %s, with alert 70 (protocol_version).", versions(r.hello))
	if low, high := bounds(r.hello); len(r.hello.Versions) > 0 && rank(low) <= rank("TLS 1.0") && rank(high) >= rank("TLS 1.3") {
		v.Summary = fmt.Sprintf("The origin refused every version of TLS (%s was offered) with alert 70 (protocol_version): none is left but SSL 2 and 3, or its settings, or its reading of this hello, are broken.", versions(r.hello))
		v.Confidence, v.Settle = finding.Likely, "one version at a time: \"lunette doctor\", or openssl s_client with -tls1_2 alone; and what the origin's own log says"
		v.Without = []finding.System{finding.Lunette} // there is nothing left to offer
	}
	for _, o := range c.Compared() {
		h := answered(o)
		if h == nil || newest(o) == "" {
			continue
		}
		if offersVersion(r.hello, newest(o)) {
			return nil // it speaks a version of this hello: something else in the hello disturbs it
		}
		v.Confidence, v.Settle, v.Without = finding.Certain, "", nil
		v.Proof = append(v.Proof, answer(f, o, "to another hello the origin answers with "+newest(o)))
		v.Summary = fmt.Sprintf("The origin refused what the client offers, %s, with alert 70 (protocol_version); it speaks %s.", versions(r.hello), newest(o))
	}
	return v
}

// version is the version that the server chose, "" unknown.
func version(f *check.Flow) string {
	if v := newest(f); v != "" {
		return v
	}
	return map[int]string{0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}[f.Version()]
}
