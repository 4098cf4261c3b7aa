package http1

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// largeHead is where servers begin to refuse heads: nginx and Tomcat at 8 KiB, http.sys and Node at 16 KiB.
const largeHead = 8000

var requestHeaderTooLarge = check.Check{
	Code:      "http1.request_header_too_large",
	Title:     "the head of the request is larger than the origin takes",
	Severity:  finding.Critical,
	Catalogue: []int{64},
	Refines:   []reason.Code{reason.OriginStatus4xx},
	On:        []fact.Kind{fact.ResponseHead},
	Silences:  []finding.Code{"http1.request_refused", "origin.host_unknown"},
	Text: `The origin refuses the request for the size of its line or fields: 431 Request Header Fields Too Large, 414 URI Too Long, or a
bare 400. On IIS it is http.sys that refuses, before any site: *Bad Request - Request Too Long* or *Header Field Too Long*,
nothing in the site's log, and RequestLength, FieldLength or URL_Length in HTTPERR. nginx answers *400 Request Header Or Cookie
Too Large* or 414, Node 431, Tomcat 400, Apache 400 *Size of a request header field exceeds server limit*.

Users meet it one by one: Kerberos tickets of users in many groups (Authorization: Negotiate of 12 KB and more), cookies that pile
up on a domain, tokens in the URL. Through a proxy it begins earlier, because the proxy adds fields of its own (X-Forwarded-For,
Via, Forwarded, a client certificate in a field), so that the same user gets through directly.

Limits: http.sys MaxFieldLength 16384 and MaxRequestBytes 16384, nginx large_client_header_buffers 8k each, Apache
LimitRequestFieldSize 8190, Tomcat maxHttpHeaderSize 8192, Node 16384 (8192 before 14).`,
	Asks: []string{
		"Does it go away when the user deletes the cookies of the site, or is in fewer groups (whoami /groups)?",
		"On IIS: `findstr /s \"RequestLength FieldLength URL_Length\" %SystemRoot%\\System32\\LogFiles\\HTTPERR\\httperr*.log`",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Raise both limits of http.sys (bytes), machine-wide; larger heads cost memory of the kernel. http.sys reads them when the machine starts: restart it. Stopping http.sys alone stops all that stands on it (WinRM, print spooler, AD FS, WSUS), and starts none of it again.",
			Lines: `# PowerShell, as administrator
reg query HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters
reg add HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters /v MaxFieldLength /t REG_DWORD /d 65534 /f
reg add HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters /v MaxRequestBytes /t REG_DWORD /d 1048576 /f`},
		{On: finding.Nginx, Do: "Raise the buffers for large heads.", Lines: "large_client_header_buffers 8 32k;"},
		{On: finding.Apache, Do: "Raise the limits for a field and for the request line.", Lines: "LimitRequestFieldSize 32768\nLimitRequestLine 16384"},
		{On: finding.Java, Do: "Raise the limit of the connector.", Lines: `<!-- add to the Connector that is there -->
maxHttpRequestHeaderSize="65536"`},
		{On: finding.Node, Do: "Raise the limit.", Lines: "node --max-http-header-size=65536 server.js"},
		{On: finding.Origin, Do: "Send fewer and smaller cookies, and keep tokens out of the URL."},
	},
	Sources: []string{"RFC 6585 section 5", "RFC 9110 section 15.5.15", "Microsoft KB820129 (http.sys registry settings)", "Microsoft KB820729 (HTTPERR reason phrases)"},
	Run:     runRequestHeaderTooLarge,
}

func runRequestHeaderTooLarge(c *check.Case) *check.Verdict {
	f := c.Flow
	logged, l := f.Logged(func(l *fact.OriginLog) bool {
		return l.Format == "httperr" && (l.Phrase == "RequestLength" || l.Phrase == "FieldLength" || l.Phrase == "URL_Length")
	})
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if x.ResponseAt < 0 {
			continue
		}
		size := sentBytes(f, x)
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, fmt.Sprintf("the answer is %d %s", x.Status(), phraseOf(x)))},
			Summary: fmt.Sprintf("The origin refused %s for the size of its head: %d%s.", x.Line(), x.Status(), about(size))}
		switch {
		case x.Status() == 431 || x.Status() == 414:
			return v
		case x.Status() == 400 && l != nil:
			v.Proof = append(v.Proof, f.Proof(logged, "http.sys wrote "+l.Phrase))
			return v
		case tooLong(x):
			v.Confidence, v.Settle = finding.Likely, "look for RequestLength or FieldLength in HTTPERR"
			v.Proof = append(v.Proof, f.Proof(x.ResponseAt, fmt.Sprintf("%d bytes are the length of http.sys' page for a head that is too long", x.Response.Length)))
			return v
		case x.Status() == 400 && check.HTTPSysPhrase(x.Response) == "" && bodiless(x) && size >= largeHead:
			v.Confidence, v.Settle = finding.Likely, "send the same request without its cookies and Authorization; on IIS look for RequestLength or FieldLength in HTTPERR"
			v.Proof = append(v.Proof, f.Proof(x.RequestAt, fmt.Sprintf("the request has %d bytes", size)))
			return v
		}
	}
	return nil
}

// tooLong reports whether the answer is http.sys' page for a request or a field that is too long.
func tooLong(x *check.Exchange) bool {
	phrase := check.HTTPSysPhrase(x.Response)
	return phrase == "RequestLength" || phrase == "FieldLength"
}

// bodiless reports whether a request had no body, so that all of its bytes are its head.
func bodiless(x *check.Exchange) bool {
	return x.RequestAt >= 0 && x.Request != nil && x.Request.Length == 0 && !check.HasField(x.Request, "Transfer-Encoding")
}

func about(size int64) string {
	if size < largeHead/2 {
		return ""
	}
	return fmt.Sprintf(", after %d bytes", size)
}

func phraseOf(x *check.Exchange) string {
	if x.Response == nil {
		return ""
	}
	return strings.TrimSpace(x.Response.Phrase)
}
