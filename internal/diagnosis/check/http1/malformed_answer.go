package http1

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var malformedAnswer = check.Check{
	Code:      "http1.malformed_answer",
	Title:     "the origin's answer is not the HTTP that the RFCs allow",
	Severity:  finding.Critical,
	Catalogue: []int{65},
	Refines:   malformedReasons(),
	On:        []fact.Kind{fact.HTTPBroken, fact.ResponseInterim, fact.ResponseHead, fact.FirstByte, fact.RequestSent},
	Text: `The answer breaks the syntax or the framing of HTTP/1.1: a field name with a space, a line without a colon, two Content-Length
fields that differ, Content-Length beside Transfer-Encoding, a status that is no number, bytes behind the end of the body, or no
HTTP at all. Recipients differ in what they forgive, which is why the page works directly and fails through a strict proxy, or the
reverse; and since request and response smuggling live from that difference, proxies grow stricter with each release.

nginx prints *upstream sent invalid header*, *upstream sent duplicate header line*, *upstream sent no valid HTTP/1.0 header* (and
then passes the bytes on as HTTP/0.9), *"Content-Length" and "Transfer-Encoding" headers at the same time*; HAProxy logs **PH**,
and *show errors* has the bytes; Go says *malformed HTTP status code*, *malformed MIME header line*, *multiple Content-Length
headers*; Node HPE_INVALID_HEADER_TOKEN, HPE_UNEXPECTED_CONTENT_LENGTH; curl *Received HTTP/0.9 when not allowed*.

A storm of interim responses (1xx) is valid for RFC 9110, and yet nobody takes any number of them: Lunette ends it above 16.

Bytes behind a body often mean that Content-Length is too small for what is sent: characters counted instead of bytes. A broken
chunk is http1.chunk_broken, an answer of TLS or another protocol on this port is a matter of the port (tls.tls_to_plain_port).`,
	Asks: []string{
		"Look at the bytes of the head: `curl -sik --http1.1 --resolve {host}:{port}:{ip} https://{host}/PATH | head -30 | cat -A`",
		"Which of application, framework or front end writes that field? Compare the answer of a static file on the same server.",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Correct the field or the length where it is written; a proxy that repairs it hides an attack as well."},
		{On: finding.IIS, Do: "Look for fields set twice, by web.config and by the application.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list config "SITE" -section:system.webServer/httpProtocol`},
		{On: finding.Nginx, Do: "On an origin that runs nginx, drop the field of its own upstream that is set a second time.", Lines: "proxy_hide_header X-Example;"},
		{On: finding.Apache, Do: "Replace instead of add, and drop what a script must not set.", Lines: "Header unset Content-Length\nHeader always set X-Example value"},
		{On: finding.Java, Do: "Set a field with setHeader, not addHeader; do not set Content-Length and Transfer-Encoding.", Lines: "response.setHeader(\"X-Example\", value);"},
		{On: finding.Node, Do: "Do not write to the socket beside the response, and count bytes.", Lines: "res.setHeader('Content-Length', Buffer.byteLength(body))"},
	},
	Sources: []string{"RFC 9112 sections 2.2, 4, 5, 6.3", "RFC 9110 sections 5.5, 8.6"},
	Run:     runMalformedAnswer,
}

func runMalformedAnswer(c *check.Case) *check.Verdict {
	f := c.Flow
	mine := slices.Contains(malformedReasons(), f.Reason)
	i := brokenBy(f, fact.SideServer, -1, func(text string) bool {
		return !chunkFault(text) && !strings.HasPrefix(text, "head over ") && !strings.HasPrefix(text, "101 ") && !strings.HasPrefix(text, "more is broken") &&
			!strings.Contains(text, "SETTINGS of HTTP/2") && !strings.Contains(text, "are not shown") && !strings.Contains(text, "RFC 6455")
	})
	if i >= 0 && unasked(f, i) && !mine {
		return nil
	}
	if i < 0 && !mine {
		return stormed(f)
	}
	if i < 0 {
		at := f.Last(fact.FirstByte, fact.ResponseHead, fact.RequestSent, fact.RequestDone)
		if at < 0 {
			return nil
		}
		return &check.Verdict{Confidence: finding.Certain, Summary: "The answer is not the HTTP that RFC 9112 allows: " + orNone(f.Detail, string(f.Reason)) + ".",
			Proof: []finding.Proof{f.Proof(at, "the attempt ended as "+string(f.Reason)+" "+f.Detail)}}
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, f.Facts[i].Text)},
		Summary: fmt.Sprintf("The answer to %s is not the HTTP that the RFCs allow: %s.", lineAt(f, i), f.Facts[i].Text)}
	if !mine && f.Served() {
		v.Severity = finding.Warning // read all the same; another recipient may refuse it
		if strings.HasPrefix(f.Facts[i].Text, "bare LF") {
			v.Severity = finding.Info // a recipient may take it, and nearly all do
		}
	}
	if !proven(f) {
		v.Confidence, v.Severity, v.Settle = finding.Possible, finding.Info, "capture again without losses: behind a gap HTTP is easily misread"
	}
	return v
}

// manyInterims is above how many 1xx before one answer recipients refuse it; RFC 9110 sets no number, Lunette takes 16.
const manyInterims = 16

// stormed finds an answer behind more interim responses than recipients take.
func stormed(f *check.Flow) *check.Verdict {
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if len(x.Interims) <= manyInterims || x.Stream != 0 {
			continue
		}
		first, last := x.Interims[0], x.Interims[len(x.Interims)-1]
		v := &check.Verdict{Severity: finding.Info, Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(first, fmt.Sprintf("the first of %d interim responses: %d", len(x.Interims), f.Facts[first].Code)), f.Proof(last, "the last of them")},
			Summary: fmt.Sprintf("The origin sent %d interim responses (1xx) to %s before the answer; this client took them, others refuse them.", len(x.Interims), x.Line())}
		e := f.EndAfter(first)
		if f.Ours {
			v.Severity = 0
			v.Summary = fmt.Sprintf("The origin sent %d interim responses (1xx) to %s before the answer; Lunette takes no more than %d.", len(x.Interims), x.Line(), manyInterims)
		} else if e.At >= 0 && e.Side == fact.SideClient && (x.ResponseAt < 0 || e.How == fact.TCPReset || e.At < x.ResponseAt || f.NextOf(fact.SideClient, e.At, fact.TCPReset) >= 0) {
			v.Severity, v.Confidence, v.Settle = 0, finding.Likely, "the client's own log: is it the number of 1xx that it refuses"
			v.Proof = append(v.Proof, f.Proof(e.At, endName(e)))
			v.Summary = fmt.Sprintf("The origin sent %d interim responses (1xx) to %s, and %s in the midst of them.", len(x.Interims), x.Line(), endName(e))
		}
		return v
	}
	return nil
}

// unasked reports whether the broken thing at index i is an answer to no request that servers may give: 408 before they close an idle
// connection (RFC 9110 section 15.5.9), 400 to a client that ends, or says what they cannot read, before it asked for anything.
func unasked(f *check.Flow, i int) bool {
	head := f.NextOf(fact.SideServer, i, fact.ResponseHead)
	if head < 0 || !strings.HasPrefix(f.Facts[i].Text, "response before its request") {
		return false
	}
	asked := f.FirstOf(fact.SideClient, fact.RequestHead)
	return f.Facts[head].Code == 408 || f.Facts[head].Code == 400 && (asked < 0 || asked > i)
}

// malformedReasons are the reasons of attempts that ended for the syntax of an answer.
func malformedReasons() []reason.Code {
	return []reason.Code{reason.HTTP1BadStatusLine, reason.HTTP1BadHeader, reason.HTTP1DuplicateHeader, reason.HTTP1CLAndTE, reason.HTTP1BadCL, reason.HTTP1BadTE,
		reason.HTTP1ExtraData, reason.HTTP1BadEncoding, reason.HTTP1BareLF, reason.HTTP1BadVersion, reason.HTTP1TooManyInformational}
}
