package session

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func handshakeAlert() check.Check {
	return check.Check{
		Code:     "tls.handshake_alert",
		Title:    "a fatal TLS alert ended the connection",
		Severity: finding.Critical,
		Refines:  []reason.Code{reason.TLSAlert, reason.TLSSessionFault, reason.TLSRenegotiationFailed},
		On:       []fact.Kind{fact.TLSAlert},
		Silences: []finding.Code{"tls.no_close_notify", "http1.closed_before_answer", "http1.reset_before_answer"},
		Text: `One end sent a **fatal alert** and left, and no check knows a nearer cause. The alert says what its sender objects to; the sender
is the one that did not like what it got, so the fault is mostly at the other end.

What the numbers mean (RFC 8446 section 6.2, RFC 5246 section 7.2.2): 10 unexpected_message, a message out of turn; 40
handshake_failure, nothing in common, or a client certificate that is lacking: the origin's own log knows which; 42 to 46, 48 and
49, the certificate of the other end; 47 illegal_parameter and 50 decode_error, a message that cannot be read: intolerance of
something new, or a middlebox; 51 decrypt_error, a signature or Finished that does not verify; 70 protocol_version; 71
insufficient_security; 80 internal_error, the sender's own trouble; 109 and 110, an extension that is missing or not wanted; 112
unrecognized_name; 116 certificate_required; 120 no_application_protocol.

Schannel sends few alerts and often resets instead; its System log has 36874, 36887 (received) and 36888 (sent) with the number.
nginx prints *SSL alert number N*, Go *remote error: tls: …* for alerts received and *local error: tls: …* for those it sent.`,
		Asks: []string{
			"What does the end that sent the alert log? On Windows: `Get-WinEvent -FilterHashtable @{LogName='System';ProviderName='Schannel'} -MaxEvents 20`",
			"Which of versions, suites, groups or names is it about? `lunette doctor https://{host}/` tries them one by one",
		},
		Mends: []finding.Mend{
			{On: finding.IIS, Do: "Let Schannel log errors and warnings, machine-wide (restart needed on old versions), and look for 36874, 36887 and 36888.",
				Lines: "# PowerShell, as administrator\nreg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL /v EventLogging /t REG_DWORD /d 7 /f"},
			{On: finding.Apache, Do: "Let mod_ssl log handshakes.", Lines: "LogLevel ssl:debug"},
			{On: finding.Nginx, Do: "Let nginx log handshakes.", Lines: "error_log /var/log/nginx/error.log info;"},
			{On: finding.Java, Do: "Let JSSE log handshakes.", Lines: "-Djavax.net.debug=ssl:handshake"},
			{On: finding.Node, Do: "Let Node log handshakes.", Lines: "NODE_DEBUG=tls node server.js"},
			{On: finding.Lunette, Do: "An old origin may be content with older suites and versions; the profile offers weaker ones, for this origin only.",
				Lines: "origin:\n  tls:\n    profile: compatible"},
		},
		Sources: []string{"RFC 8446 section 6", "RFC 5246 section 7.2", "Microsoft: Schannel event logging (36874, 36887, 36888)"},
		Run:     runHandshakeAlert,
	}
}

func runHandshakeAlert(c *check.Case) *check.Verdict {
	f := c.Flow
	i := f.Find(-1, fatal)
	if i < 0 || leftBefore(f, i) {
		return nil // what follows a close in the midst of something says nothing
	}
	x := &f.Facts[i]
	if x.Size == 0 && x.Side == fact.SideNone {
		return nil
	}
	when := "in the handshake"
	switch {
	case f.Next(-1, fact.TLSHelloRequest) >= 0 && f.First(fact.TLSHelloRequest) < i:
		when = "after the origin had asked to renegotiate"
	case f.Established() && f.First(fact.TLSHandshakeDone) < i:
		when = "after the handshake"
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "the "+x.Side.String()+" breaks off with "+alertWords(x))}}
	if last := lastOf(f, x.Side.Other(), i); last >= 0 {
		v.Proof = append(v.Proof, f.Proof(last, "the last message of the "+x.Side.Other().String()+" before it: "+f.Facts[last].Kind.String()))
	}
	if lostBetween(f, fact.SideNone, -1, -1) {
		v.Confidence, v.Settle = finding.Possible, "a capture in which no packets are lacking: what the alert is about may be among them"
	}
	v.Summary = fmt.Sprintf("The %s broke off %s with fatal %s.", x.Side, when, alertWords(x))
	if !aboutOffers(x.Code) || when != "in the handshake" {
		v.Without = []finding.System{finding.Lunette} // an older offer changes nothing
	}
	if spoke(f, -1) >= 0 && spoke(f, -1) < i && pleased(f) {
		v.Severity = finding.Warning // the page had come
	}
	return v
}

// aboutOffers reports whether an alert may be cured by another offer of versions, suites or extensions.
func aboutOffers(code int) bool {
	switch code {
	case alertHandshakeFailure, 47, alertDecodeError, 70, 71, 80, 109, 110: // illegal_parameter, protocol_version, insufficient_security, internal_error, missing_ and unsupported_extension
		return true
	}
	return false
}

// lastOf is the last handshake message of side s before index i, -1 without.
func lastOf(f *check.Flow, s fact.Side, i int) int {
	for i--; i >= 0; i-- {
		x := &f.Facts[i]
		if x.Side == s && x.Kind >= fact.TLSClientHello && x.Kind <= fact.TLSChangeCipherSpec {
			return i
		}
	}
	return -1
}
