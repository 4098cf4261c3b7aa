package session

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// patience is how long a HelloRequest must lie without any answer before that is more than a slow client.
const patience = time.Second

var helloRequestIgnored = check.Check{
	Code:      "tls.hello_request_ignored",
	Title:     "the origin asked to renegotiate and got no answer",
	Severity:  finding.Critical,
	Catalogue: []int{33},
	Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.TLSRenegotiationFailed, reason.ReadResetBeforeHeader, reason.ReadEOFBeforeHeader, reason.ClientGone},
	On:        []fact.Kind{fact.TLSHelloRequest},
	Silences:  []finding.Code{"http1.slow_first_byte", "http1.reset_before_answer", "http1.closed_before_answer", "client.gone", "read.timer_inversion"},
	Text: `The origin reads the request and then sends a TLS **HelloRequest** inside the session: it wants a second handshake, nearly always to
ask for a client certificate that this part of the site accepts or requires. A client may ignore it (RFC 5246 section 7.4.1.1), and then
both sides conform and both wait: the origin for a ClientHello, the client for its page. The wait ends with a timer of somebody: http.sys
resets after 120 s, Apache httpd serves the page after 20 s (mod_reqtimeout) or after Timeout, a proxy in front answers 504 first, or the
user leaves (499).

The same site works in a browser, which answers. Logs are silent: nginx says *upstream timed out while reading response header*, HAProxy
**sH**, Envoy **UT**, and IIS writes nothing to the site's log, but a line with Timer_SslRenegotiation to HTTPERR.

On the wire up to TLS 1.2 it shows without any key: after application data, a record of type handshake from the server, of the length that
a message of four bytes has under the cipher suite; then nothing of type handshake from the client.`,
	Asks: []string{
		"On IIS, in an elevated prompt: findstr /s Timer_SslRenegotiation %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Stop asking: SSL Settings > Client certificates: Ignore, for the site or the folder that asks.",
			Lines: `%windir%\system32\inetsrv\appcmd.exe set config "Default Web Site/app" -section:system.webServer/security/access /sslFlags:"Ssl" /commit:apphost`},
		{On: finding.Lunette, Do: "Answer the HelloRequest, with no certificate where none is configured.", Lines: "origin:\n  tls:\n    renegotiation: auto\n    max_version: \"1.2\"\n  http: \"1.1\""},
	},
	Sources: []string{"RFC 5246 section 7.4.1.1", "Microsoft KB820729 (HTTPERR reason phrases)", "rustls#1999", "caddy#4785"},
	Run:     runHelloRequestIgnored,
}

func runHelloRequestIgnored(c *check.Case) *check.Verdict {
	f := c.Flow
	asked := f.First(fact.TLSHelloRequest)
	if asked < 0 {
		return nil
	}
	if answer := f.Next(asked, fact.TLSHelloRequestAnswer); answer >= 0 && f.Facts[answer].Text != "ignored" {
		return nil
	}
	next := f.NextOf(fact.SideClient, asked, fact.TLSClientHello, fact.TLSAlert, fact.TLSEncryptedMessage, fact.TLSEncryptedAlert)
	end := f.EndAfter(asked)
	until := end.Time
	spoke := f.NextOf(fact.SideServer, asked, fact.ResponseHead, fact.TLSApplicationData)
	if spoke >= 0 && (end.At < 0 || spoke < end.At) {
		until = f.Facts[spoke].At
	}
	if next >= 0 && f.Facts[next].At.Before(until) {
		return nil
	}
	waited := until.Sub(f.Facts[asked].At)
	if waited < patience {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: waited, Proof: []finding.Proof{f.Proof(asked, "the origin sends HelloRequest: it asks to renegotiate")}}
	how := "until the watching ended"
	switch {
	case spoke >= 0 && (end.At < 0 || spoke < end.At):
		how = "until the origin went on without"
		v.Proof = append(v.Proof, f.Proof(spoke, "the origin goes on by itself"))
	case end.At >= 0:
		how = map[fact.Kind]string{fact.TCPReset: "until the " + end.Side.String() + " reset the connection", fact.TCPClosed: "until the " + end.Side.String() + " closed the connection",
			fact.TLSAlert: "until the " + end.Side.String() + " broke off with an alert", fact.GaveUp: "until a timer of the proxy ran out"}[end.How]
		v.Proof = append(v.Proof, f.Proof(end.At, "it ends here, no ClientHello came"))
	default:
		v.Confidence, v.Settle = finding.Likely, "watch until the connection ends"
	}
	v.Summary = fmt.Sprintf("The origin asked for a new handshake (HelloRequest) and nobody answered; both sides waited %s, %s.", finding.Span(waited), how)
	return v
}
