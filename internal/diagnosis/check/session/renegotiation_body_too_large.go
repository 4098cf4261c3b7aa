package session

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// What IIS and Apache httpd read ahead of a renegotiation unless told otherwise, in bytes: uploadReadAheadSize and SSLRenegBufferSize.
const (
	iisReadAhead = 49152
	apacheBuffer = 131072
)

func renegotiationBodyTooLarge() check.Check {
	return check.Check{
		Code:      "tls.renegotiation_body_too_large",
		Title:     "the origin answers 413: it must buffer the body before it can renegotiate, and the body is too large for that",
		Severity:  finding.Critical,
		Catalogue: []int{38},
		Refines:   []reason.Code{reason.OriginStatus4xx, reason.WriteEarlyResponse, reason.WriteReset},
		On:        []fact.Kind{fact.ResponseHead, fact.OriginLogged},
		Needs:     0,
		Silences:  []finding.Code{"origin.body_too_large", "http1.early_answer", "http1.request_refused"},
		Text: `This path wants a client certificate, and the origin finds out only when it has read the request's head. Before it can renegotiate
it has to take the whole body out of the way, and buffers it: IIS up to **uploadReadAheadSize** (49,152 bytes), Apache httpd up to
**SSLRenegBufferSize** (131,072 bytes). A larger body gets **413** at once, mostly before it was sent, and the connection is
closed: the client may see a reset instead of the answer. Small uploads to the same path pass, and the same upload passes to paths
that want no certificate.

Proxies hand the 413 on, so users blame the proxy's own limit (nginx client_max_body_size says *client intended to send too large
body*; that is another line in another log). Apache's error log has AH02018 *request body exceeds maximum size for SSL buffer* and
AH02257 *could not buffer message body to allow SSL renegotiation to proceed*.

Nothing of TLS shows: the 413 comes instead of the HelloRequest. It is told from an ordinary limit on bodies
(origin.body_too_large) by the log, or by other requests to the same path that were answered with a HelloRequest. With Expect:
100-continue Apache renegotiates before the body and takes any size.`,
		Asks: []string{
			"On Apache httpd: `grep -E 'AH02018|AH02257' /var/log/apache2/error.log`",
			"At which size does it begin? Near 48 KiB it is IIS' uploadReadAheadSize, near 128 KiB Apache's SSLRenegBufferSize",
		},
		Mends: []finding.Mend{
			{On: finding.IIS, Do: "Read more ahead: uploadReadAheadSize at least as large as the largest upload. It is held in memory, for each request.",
				Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list config "SITE" /section:system.webServer/serverRuntime
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/serverRuntime /uploadReadAheadSize:10485760 /commit:apphost`},
			{On: finding.IIS, Do: "Or ask for the certificate in the handshake, so that nothing has to be buffered; every client of the binding is then asked. " + olderWindows,
				Lines: bindingLines("clientcertnegotiation=enable")},
			{On: finding.Apache, Do: "Buffer more, for the path alone; it is held in memory, for each request. Or move SSLVerifyClient to the VirtualHost, which then asks in the handshake.",
				Lines: "<Location /upload>\n    SSLRenegBufferSize 10486000\n</Location>"},
			{On: finding.Lunette, Do: "Renegotiation must not be \"never\": large bodies are then announced (Expect: 100-continue) on a new connection, and the asking comes before the body.",
				Lines: "origin:\n  tls:\n    renegotiation: auto\n    max_version: \"1.2\"\n  http: \"1.1\""},
		},
		Sources: []string{"Microsoft: serverRuntime, uploadReadAheadSize", "Apache mod_ssl: SSLRenegBufferSize", "RFC 9110 sections 10.1.1 and 15.5.14"},
		Run:     runRenegotiationBodyTooLarge,
	}
}

func runRenegotiationBodyTooLarge(c *check.Case) *check.Verdict {
	f := c.Flow
	log := logged(f, "AH02018", "AH02257")
	at, x := refusedBody(f)
	if log < 0 && at < 0 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain}
	v.Summary = "The origin could not buffer the body of the request to renegotiate."
	if at >= 0 {
		v.Proof = append(v.Proof, f.Proof(at, "the origin answers 413"))
		v.Summary = fmt.Sprintf("The origin answered %s with 413: it would have to buffer its body (%s) to ask for a client certificate.", x.Line(), bytesOf(x))
	}
	if log >= 0 {
		byLog(f, log, v)
		v.Proof = append(v.Proof, f.Proof(log, logWords(&f.Facts[log])))
		return v
	}
	o, asks := asksElsewhere(c, f, x)
	if o == nil {
		return nil // an ordinary limit, as far as can be seen
	}
	v.Proof = append(v.Proof, f.ProofOther(&o.Facts[asks], "another request to this path is answered with a HelloRequest"))
	v.Confidence, v.Settle = finding.Likely, "AH02018 in Apache's error log (--origin-log), or the same upload a little below 48 KiB (IIS) or 128 KiB (Apache)"
	switch check.System(c) {
	case finding.IIS:
		if n := length(x); n >= 0 && n <= iisReadAhead {
			v.Confidence = finding.Possible
		}
	case finding.Apache:
		if n := length(x); n >= 0 && n <= apacheBuffer {
			v.Confidence = finding.Possible
		}
	}
	return v
}

// refusedBody is the first 413 of f, with its exchange; -1 without.
func refusedBody(f *check.Flow) (int, *check.Exchange) {
	for i := range f.Exchanges() {
		if x := &f.Exchanges()[i]; x.Status() == 413 {
			return x.ResponseAt, x
		}
	}
	return -1, nil
}

// asksElsewhere is another connection to the same path on which the origin asks to renegotiate.
func asksElsewhere(c *check.Case, f *check.Flow, x *check.Exchange) (*check.Flow, int) {
	for _, o := range append(c.Others[:len(c.Others):len(c.Others)], c.Normal) {
		if o == nil || x.Request == nil || !sameTarget(f, o) {
			continue
		}
		if i := o.First(fact.TLSHelloRequest); i >= 0 {
			return o, i
		}
	}
	return nil, -1
}

// length is that of a request's body as announced, -1 when it is not.
func length(x *check.Exchange) int64 {
	if x.Request == nil {
		return -1
	}
	return x.Request.Length
}

func bytesOf(x *check.Exchange) string {
	if n := length(x); n >= 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return "of unknown length"
}
