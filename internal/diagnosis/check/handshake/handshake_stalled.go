package handshake

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var handshakeStalled = check.Check{
	Code:      "tls.handshake_stalled",
	Title:     "the origin stops in the midst of the handshake",
	Severity:  finding.Critical,
	Catalogue: []int{19},
	Refines:   []reason.Code{reason.TLSTimeout},
	On:        []fact.Kind{fact.TLSServerHello, fact.TLSHelloRetryRequest},
	Needs:     check.Records,
	Silences:  []finding.Code{"client.gone"},
	Text: `The origin answers the ClientHello, so the port, the name and the versions are right, and then stands still where its next message
is due: its Certificate, its ServerKeyExchange, or the ChangeCipherSpec and Finished that end the handshake. Something in the
server waits in that very place. Before the Certificate it is often a stapled OCSP response that Apache httpd fetches **within** the
handshake, or a lookup of the certificate by name; before ServerKeyExchange or CertificateVerify the private key, which may lie in
an HSM, a key service or behind a lock; behind the client's Finished the check of a client certificate, the session cache, or
an authentication plug-in. A random source that blocks stops Java in any of them.

nginx says *upstream timed out (110) while SSL handshaking to upstream* (504), Go *net/http: TLS handshake timeout*, HAProxy **sC** or
*Timeout during SSL handshake*. None of them says how far the handshake had come.

Look-alikes: with no ServerHello at all it is tls.silent_after_hello. When only large packets are lost, the flight stops as well, but
its short end arrives or segments come again (tcp.mtu_black_hole). A client that owes the next message is not the origin's fault.
Behind a client certificate and with a length of 15 s, see tls.revocation_stall.`,
	Asks: []string{
		"Does every handshake stop, or one in so many? `for i in $(seq 20); do curl -sk -o /dev/null -w '%{time_appconnect}\\n' https://{host}/; done`",
		"On the origin, while it stands: which addresses does it try to reach? `ss -tnp state syn-sent` (Windows: `netstat -ano | findstr SYN_SENT`)",
		"Does it go on without a request for a stapled response? `openssl s_client -connect {origin} -servername {host}` (without -status)",
	},
	Mends: []finding.Mend{
		{On: finding.Apache, Do: "Bound the wait for the OCSP responder, or leave stapling out; see that no lock of the session cache is stuck.",
			Lines: "SSLStaplingResponderTimeout 2\nSSLStaplingReturnResponderErrors off\n# or: SSLUseStapling off"},
		{On: finding.IIS, Do: "See what LSASS and Schannel wait for: the key's provider (HSM, smart card), or a revocation list of a client certificate.",
			Lines: "# PowerShell, as administrator\nGet-WinEvent -FilterHashtable @{LogName='System';ProviderName='Schannel'} -MaxEvents 20\nwevtutil sl Microsoft-Windows-CAPI2/Operational /e:true\nnetsh http show sslcert"},
		{On: finding.Nginx, Do: "See whether workers are blocked: by a key in an engine or HSM, by Lua that fetches certificates, by the disk.", Lines: "ps -o pid,stat,wchan:30,cmd -C nginx\nnginx -T | grep -nE 'ssl_(engine|certificate|certificate_by_lua)'"},
		{On: finding.Java, Do: "Take a thread dump while it stands; give it a random source that does not block.", Lines: "jcmd PID Thread.print\n-Djava.security.egd=file:/dev/./urandom"},
		{On: finding.Node, Do: "Look for a SNICallback or OCSPRequest handler that does not call back, and for work that blocks the event loop."},
		{On: finding.Lunette, Do: "Leave out servers that stand still, so that requests go to others at once.",
			Lines: "origin:\n  health: {path: /, interval: 10s, timeout: 3s}\n  timeouts: {tls: 5s}"},
	},
	Sources: []string{"RFC 5246 section 7.3", "RFC 8446 section 2", "Apache mod_ssl: SSLStaplingResponderTimeout"},
	Run:     runHandshakeStalled,
}

func runHandshakeStalled(c *check.Case) *check.Verdict {
	f := c.Flow
	begun := f.First(fact.TLSServerHello, fact.TLSHelloRetryRequest)
	if begun < 0 || f.Established() || f.Lacks(fact.SideNone, -1) || f.Has(fact.TCPZeroWindow, fact.TCPMidstream, fact.TLSBadRecord) || sealedFlight(f, begun) {
		return nil
	}
	end := f.EndAfter(begun)
	if end.At >= 0 && end.How == fact.TLSAlert || f.Has(fact.RequestHead, fact.RequestSent) {
		return nil
	}
	last := lastMessage(f, end.At)
	waited, at := f.SilenceAfter(begun, -1)
	switch {
	case at >= 0 && f.Facts[at].Side == fact.SideServer:
	case at < 0 && f.Reason == reason.TLSTimeout && owes(f, last):
		waited, at = end.Time.Sub(f.Facts[last].At), last
	default:
		return nil
	}
	ours := end.How == fact.GaveUp || f.Reason == reason.TLSTimeout
	lasts := f.Lasts(begun)
	if waited < patience && (!ours && !lasts || waited < time.Second) {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: waited, Proof: []finding.Proof{f.Proof(begun, "the origin answers the ClientHello"),
		f.Proof(at, fmt.Sprintf("behind the %s of the %s nothing comes for %s: the origin's turn", message(f, last), f.Facts[last].Side, finding.Span(waited)))},
		Summary: fmt.Sprintf("The handshake stood still for %s behind the %s of the %s: the origin owes the next message.", finding.Span(waited), message(f, last), f.Facts[last].Side)}
	if ours {
		v.Waited = 0
	}
	if lasts {
		v.Severity, v.Lasts = finding.Warning, true
		v.Summary = fmt.Sprintf("The handshake has stood still for %s behind the %s of the %s, so far: the origin owes the next message.", finding.Span(waited), message(f, last), f.Facts[last].Side)
	}
	if end.At >= 0 {
		v.Proof = append(v.Proof, f.Proof(end.At, "it ends without it"))
	}
	again := f.Find(begun, func(x *fact.Fact) bool { return x.Kind == fact.TCPRetransmission && x.Text == "data" })
	given := f.FirstOf(fact.SideClient, fact.TLSCertificate)
	switch {
	case given >= 0 && f.Facts[given].Size > 0 && f.Facts[last].Side == fact.SideClient:
		v.Confidence, v.Settle = finding.Possible, "a capture on the origin's side: it may be checking the client's certificate (tls.revocation_stall)"
	case again >= 0:
		v.Confidence, v.Settle = finding.Possible, "a capture on the origin's side: packets were lost on the way, its next message may be among them"
	case !f.AtServer():
		v.Confidence, v.Settle = finding.Likely, "a capture on the origin's side: its next message may have been lost on the way (tcp.mtu_black_hole)"
	case end.At < 0:
		v.Confidence, v.Settle = finding.Likely, "watch until the connection ends"
	}
	return v
}

// sealedFlight reports whether messages of TLS 1.3 that nobody opened came: nobody can tell how far the handshake went.
func sealedFlight(f *check.Flow, i int) bool {
	return f.Version() == 0x0304 && f.Has(fact.TLSUndecryptable) && f.NextOf(fact.SideServer, i, fact.TLSApplicationData, fact.TLSEncryptedMessage) >= 0
}

// lastMessage is the last handshake message, of either side, before index until (-1: the end).
func lastMessage(f *check.Flow, until int) int {
	last := f.First(fact.TLSClientHello, fact.TLSServerHello, fact.TLSHelloRetryRequest)
	for i := range f.Facts {
		if k := f.Facts[i].Kind; (until < 0 || i < until) && k >= fact.TLSClientHello && k <= fact.TLSChangeCipherSpec && f.Facts[i].Side != fact.SideNone {
			last = max(last, i)
		}
	}
	return last
}

// owes reports whether the origin's message is due behind that at index i.
func owes(f *check.Flow, i int) bool {
	x := &f.Facts[i]
	if x.Side == fact.SideClient {
		return x.Kind == fact.TLSFinished || x.Kind == fact.TLSEncryptedMessage || x.Kind == fact.TLSClientHello
	}
	return x.Kind != fact.TLSServerHelloDone && x.Kind != fact.TLSHelloRetryRequest && x.Kind != fact.TLSFinished
}

// message is the name of a handshake message, as the RFCs write it.
func message(f *check.Flow, i int) string {
	switch f.Facts[i].Kind {
	case fact.TLSClientHello:
		return "ClientHello"
	case fact.TLSServerHello:
		return "ServerHello"
	case fact.TLSHelloRetryRequest:
		return "HelloRetryRequest"
	case fact.TLSEncryptedExtensions:
		return "EncryptedExtensions"
	case fact.TLSCertificate:
		return "Certificate"
	case fact.TLSServerKeyExchange:
		return "ServerKeyExchange"
	case fact.TLSCertificateRequest:
		return "CertificateRequest"
	case fact.TLSServerHelloDone:
		return "ServerHelloDone"
	case fact.TLSClientKeyExchange:
		return "ClientKeyExchange"
	case fact.TLSCertificateVerify:
		return "CertificateVerify"
	case fact.TLSChangeCipherSpec:
		return "ChangeCipherSpec"
	}
	return "Finished"
}
