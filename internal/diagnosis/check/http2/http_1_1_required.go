package http2

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var http11RequiredCheck = check.Check{
	Code:      "http2.http_1_1_required",
	Title:     "the origin wants this request over HTTP/1.1",
	Severity:  finding.Critical,
	Catalogue: []int{72},
	Refines:   []reason.Code{reason.HTTP2RST, reason.HTTP2GoAway},
	On:        []fact.Kind{fact.HTTP2RstStream, fact.HTTP2GoAway},
	Silences:  []finding.Code{"http2.stream_reset", "http2.goaway_race", "client.gone"},
	Text: `The origin offered HTTP/2 by ALPN, took the request, and reset its stream with **HTTP_1_1_REQUIRED** (error code 13): it cannot do
over HTTP/2 what this path needs. Two things need HTTP/1.1: a **client certificate asked for after the request**, by renegotiation
or post-handshake authentication, which RFC 9113 forbids on a connection that carries many requests at once; and **Windows
authentication** (NTLM, Negotiate), which binds a user to a TCP connection. Browsers open an HTTP/1.1 connection and ask again by
themselves; few proxies do.

Elsewhere: Envoy **UR** with *upstream_reset_before_response_started{remote_reset}*; nginx speaks no HTTP/2 to origins and never
sees it; Go *stream error: stream ID 1; HTTP_1_1_REQUIRED*; curl falls back by itself and prints nothing. Apache httpd (mod_http2)
and http.sys both do it.

Told apart from other resets (http2.stream_reset) by the code. What the origin wants the certificate or the user for shows on the
HTTP/1.1 connection that follows: CertificateRequest or HelloRequest there, or 401 with WWW-Authenticate: Negotiate.`,
	Asks: []string{
		"What does the same request get over HTTP/1.1: `curl --http1.1 -sv https://{host}/PATH -o /dev/null`",
		"Apache: `grep -rn 'SSLVerifyClient' /etc/apache2 /etc/httpd`; IIS: `%windir%\\system32\\inetsrv\\appcmd list config \"SITE/PATH\" /section:system.webServer/security/access`",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Do not offer HTTP/2 on this binding (sslFlags 4): add 4 to the number that is there; 5 is SNI without HTTP/2. Or ask for the certificate in the handshake (tls.hello_request_ignored says how).",
			Lines: `:: cmd, as administrator: the bindings and their sslFlags now
%windir%\system32\inetsrv\appcmd.exe list site "SITE" /config
%windir%\system32\inetsrv\appcmd.exe set site "SITE" "/bindings.[protocol='https',bindingInformation='*:{port}:{host}'].sslFlags:FLAGS"`},
		{On: finding.Apache, Do: "Offer HTTP/1.1 alone on this virtual host, or ask for the certificate for the whole host instead of a part of it.", Lines: "Protocols http/1.1"},
		{On: finding.Lunette, Do: "Speak HTTP/1.1 to this origin; with TLS 1.2 it can ask for a certificate after the request.",
			Lines: "origin:\n  http: \"1.1\"\n  tls:\n    max_version: \"1.2\"\n    renegotiation: auto"},
	},
	Sources: []string{"RFC 9113 sections 7, 9.2.1 and 9.2.3", "RFC 8740", "Microsoft: HTTP/2 on IIS (when HTTP/2 is not supported)", "Apache: mod_http2", "curl#3341"},
	Run:     runHTTP11Required,
}

func runHTTP11Required(c *check.Case) *check.Verdict {
	f := c.Flow
	i := withCode(f, fact.SideServer, http11Required)
	if i < 0 {
		return nil
	}
	request := line(f, streamOf(&f.Facts[i]))
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, frame(&f.Facts[i])+" of the server")},
		Summary: fmt.Sprintf("The origin wants %s over HTTP/1.1 (%s).", request, frame(&f.Facts[i]))}
	o, x := overHTTP1(c, request)
	if o == nil {
		return v
	}
	v.Proof = append(v.Proof, f.ProofOther(&o.Facts[x.RequestAt], "the same request over HTTP/1.1"))
	if j := o.First(fact.TLSPostHandshakeAuth, fact.TLSHelloRequest); j >= 0 {
		v.Summary += " Over HTTP/1.1 it then asks for a client certificate."
		v.Proof = append(v.Proof, f.ProofOther(&o.Facts[j], "the origin asks for a client certificate there"))
	}
	if scheme := authScheme(x.Response); scheme != "" {
		v.Summary += " Over HTTP/1.1 it then wants " + scheme + "."
		v.Proof = append(v.Proof, f.ProofOther(&o.Facts[x.ResponseAt], "401, WWW-Authenticate: "+scheme))
	}
	if s := x.Status(); s >= 200 && s < 400 {
		v.Severity = finding.Warning
		v.Summary += fmt.Sprintf(" There it was answered (%d).", s)
	}
	return v
}

// authScheme is NTLM or Negotiate where an answer asks for it.
func authScheme(h *fact.HTTPHead) string {
	if h == nil || h.Status != 401 {
		return ""
	}
	for i := range h.Fields {
		if strings.EqualFold(h.Fields[i].Name, "WWW-Authenticate") {
			scheme, _, _ := strings.Cut(h.Fields[i].Value, " ")
			if strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate") {
				return scheme
			}
		}
	}
	return ""
}
