package route

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// iisLimit is IIS' default of maxAllowedContentLength, in bytes.
const iisLimit = 30_000_000

var bodyTooLarge = check.Check{
	Code:      "origin.body_too_large",
	Title:     "the request's body is larger than the origin takes",
	Severity:  finding.Critical,
	Catalogue: []int{82},
	Refines:   []reason.Code{reason.OriginStatus4xx, reason.WriteEarlyResponse, reason.WriteReset},
	On:        []fact.Kind{fact.ResponseHead, fact.OriginLogged},
	Silences:  []finding.Code{"http1.early_answer", "http1.request_refused"},
	Text: `Uploads above some size fail, smaller ones work. The origin answers 413, or IIS' request filtering 404 with substatus 13 (which
its users take for a missing page), or it resets the connection in the midst of the upload. Often the limit that was raised is not
the one that refuses: there is one in each proxy, one in the server, one in the framework.

Defaults: nginx client_max_body_size 1 MB (log: *client intended to send too large body*); IIS maxAllowedContentLength 30,000,000
bytes and ASP.NET maxRequestLength 4 MB; Kestrel 30,000,000; Tomcat maxPostSize 2 MB for forms; Apache LimitRequestBody 1 GiB
since 2.4.54; Express' body parser 100 kB; PHP post_max_size 8 MB; Lunette limits.body 10 MiB, which answers by itself and never
gets to the origin.

The answer may come while the body is on its way and be lost to a reset (http1.early_answer). A 413 that depends on a client
certificate is another matter: the origin must hold the body while it renegotiates, 48 KiB on IIS (uploadReadAheadSize) and 128
KiB on Apache (SSLRenegBufferSize): tls.renegotiation_body_too_large.`,
	Asks: []string{
		"At which size does it begin: try bodies of 1, 2, 4, 10, 30 and 31 MB. 49,152 and 131,072 bytes mean renegotiation.",
		"On IIS: is sc-substatus 13 with the 404 in the site's log?",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Raise the limit of request filtering (bytes), and in ASP.NET httpRuntime maxRequestLength (KB) too; larger bodies can be used to fill memory and disk.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/security/requestFiltering /requestLimits.maxAllowedContentLength:104857600 /commit:apphost` + "\n" +
				`<system.web><httpRuntime maxRequestLength="102400" /></system.web>`},
		{On: finding.Nginx, Do: "Raise the limit, best in the location alone.", Lines: "client_max_body_size 100m;"},
		{On: finding.Apache, Do: "Raise the limit (bytes).", Lines: "LimitRequestBody 104857600"},
		{On: finding.Java, Do: "Raise the limits of Tomcat's connector, and of multipart-config in the application.", Lines: `<!-- add to the Connector that is there -->
maxPostSize="104857600" maxSwallowSize="104857600"`},
		{On: finding.Node, Do: "Raise the limit of the body parser.", Lines: "app.use(express.json({ limit: '100mb' }))"},
		{On: finding.Lunette, Do: "Let such bodies pass here too, for the path that needs it; rules see the first waf.body_limit of them, and an attack may hide in the rest.",
			Lines: "routes:\n  - path: /upload\n    limits:\n      body: 100MiB\n    waf:\n      on_limit: partial"},
	},
	Sources: []string{"RFC 9110 section 15.5.14 (413)", "IIS requestLimits: maxAllowedContentLength", "Microsoft KB943891 (404.13)", "nginx: ngx_http_core_module, client_max_body_size"},
	Run:     runBodyTooLarge,
}

func runBodyTooLarge(c *check.Case) *check.Verdict {
	f := c.Flow
	line, l := f.Logged(func(l *fact.OriginLog) bool {
		return l.Status == 404 && l.Substatus == 13 || l.Format == "httperr" && l.Phrase == "EntityTooLarge" ||
			l.Format == "nginx_error" && strings.HasPrefix(l.Message, "client intended to send too large body")
	})
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if x.ResponseAt < 0 || x.RequestAt < 0 || f.Handshaken(x.RequestAt) {
			continue
		}
		size := bodyOf(f, x)
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, fmt.Sprintf("the origin answers %d", x.Status()))}}
		switch s := x.Status(); {
		case s == 413:
			v.Summary = fmt.Sprintf("The origin refused %s with 413 (Content Too Large)%s.", x.Line(), sized(size))
		case s == 404 && l != nil && l.Substatus == 13:
			v.Proof = append(v.Proof, f.Proof(line, "the site's log says 404.13: the body exceeds maxAllowedContentLength"))
			v.Summary = fmt.Sprintf("IIS refused %s with 404.13%s: request filtering found its body too large.", x.Line(), sized(size))
		case s == 404 && size > iisLimit && check.System(c) == finding.IIS:
			v.Confidence, v.Settle = finding.Likely, "look for sc-substatus 13 in the site's log, or send less than 30,000,000 bytes to the same path"
			v.Proof = append(v.Proof, f.Proof(x.RequestAt, fmt.Sprintf("the body has %d bytes; IIS takes 30,000,000 by default", size)))
			v.Summary = fmt.Sprintf("IIS answered %s with 404%s: above its limit that is what request filtering says.", x.Line(), sized(size))
		case (s == 400 || s == 500) && l != nil && l.Substatus != 13:
			v.Proof = append(v.Proof, f.Proof(line, "the origin wrote "+l.Phrase+l.Message))
			v.Summary = fmt.Sprintf("The origin refused %s%s: it found the body too large.", x.Line(), sized(size))
		default:
			continue
		}
		return v
	}
	return nil
}

// bodyOf is the size of a request's body as far as it is known, 0 unknown.
func bodyOf(f *check.Flow, x *check.Exchange) int64 {
	size := int64(0)
	if x.Request != nil {
		size = max(size, x.Request.Length)
	}
	if x.RequestDone >= 0 {
		size = max(size, f.Facts[x.RequestDone].Size)
	}
	return size
}

func sized(n int64) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(", with a body of %d bytes", n)
}
