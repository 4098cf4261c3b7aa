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

var requestRefused = check.Check{
	Code:      "http1.request_refused",
	Title:     "the origin's HTTP parser refuses the request as it was written",
	Severity:  finding.Critical,
	Catalogue: []int{70},
	Refines:   []reason.Code{reason.OriginStatus4xx, reason.WriteExpectRefused},
	On:        []fact.Kind{fact.ResponseHead},
	Text: `A 400 (or 411, 417, 501, 505) that no application made: the server's parser refuses the request before any site sees it, closes the
connection and writes nothing to the site's log. Servers have become strict since request smuggling: Content-Length beside
Transfer-Encoding, a transfer coding that they do not know, folded fields, spaces before the colon, control characters, a bare LF,
underscores in names, a target with characters that must be escaped, a Host that is missing or there twice. A proxy that passes
such things on, or makes them while it rewrites, gets the 400, while a browser directly does not.

http.sys writes BadRequest, Verb, URL, Header, Invalid_CR/LF, LengthRequired or Version_N/S to HTTPERR and answers with Server:
Microsoft-HTTPAPI/2.0; nginx logs *client sent invalid header line* at level info, and drops names with underscores in silence;
Tomcat *Invalid character found in the request target*; Node HPE_…; Go *malformed HTTP request*; HAProxy **PR--**.

What looks alike: a name that the server does not know (origin.host_unknown), a head that is too large
(http1.request_header_too_large), HTTP in clear on the TLS port (tls.plain_http_on_tls_port). A 400 with the application's own
page is the application's.`,
	Asks: []string{
		"On IIS: `Get-Content C:\\Windows\\System32\\LogFiles\\HTTPERR\\httperr*.log | Select-String ' 400 | 411 | 501 '`",
		"Send the request as the proxy sent it, then leave out one field after the other: nc, `openssl s_client -quiet -ign_eof`.",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Correct the client or the proxy in front that writes such requests; do not make the parser lenient, since smuggling lives from that."},
		{On: finding.Nginx, Do: "As an origin: names with underscores are dropped unless this is on. It lets X_Y pass for X-Y in CGI variables.", Lines: "underscores_in_headers on;"},
		{On: finding.Apache, Do: "For a legacy client alone; it takes away protection against smuggling.", Lines: "HttpProtocolOptions Unsafe"},
		{On: finding.Java, Do: "Tomcat: allow the characters that the application needs in a query, and no others.", Lines: `<!-- add to the Connector that is there -->
relaxedQueryChars="[]|"`},
		{On: finding.Lunette, Do: "Lunette refuses most of these itself; for paths that origins read differently keep it so.", Lines: "path: strict"},
	},
	Sources: []string{"RFC 9112 sections 2.2, 3, 5.1, 5.2, 6.1", "RFC 9110 sections 10.1.1, 15.5.1, 15.5.12, 15.5.18", "Microsoft KB820729 (HTTPERR reason phrases)"},
	Run:     runRequestRefused,
}

func runRequestRefused(c *check.Case) *check.Verdict {
	f := c.Flow
	for n := range f.Exchanges() {
		x := &f.Exchanges()[n]
		if s := x.Status(); x.ResponseAt < 0 || x.RequestAt < 0 || x.Stream != 0 || s != 400 && s != 411 && s != 417 && s != 501 && s != 505 {
			continue
		}
		if v := refusal(f, x); v != nil {
			return v
		}
	}
	return nil
}

func refusal(f *check.Flow, x *check.Exchange) *check.Verdict {
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, fmt.Sprintf("the origin answers %d %s", x.Status(), phraseOf(x)))}}
	chunkedBody := check.HasField(x.Request, "Transfer-Encoding")
	logged, l := f.Logged(func(l *fact.OriginLog) bool {
		return l.Format == "httperr" && slices.Contains([]string{"BadRequest", "Verb", "URL", "Header", "Invalid_CR/LF", "LengthRequired", "Version_N/S", "Number", "N/I"}, l.Phrase)
	})
	broken := brokenBy(f, fact.SideClient, x.RequestAt-1, func(string) bool { return true })
	switch {
	case l != nil:
		v.Proof = append(v.Proof, f.Proof(logged, "http.sys wrote "+l.Phrase))
		v.Summary = fmt.Sprintf("http.sys refused %s with %d: %s.", x.Line(), x.Status(), l.Phrase)
	case broken >= 0 && broken <= x.ResponseAt:
		v.Proof = append(v.Proof, f.Proof(broken, "the request: "+f.Facts[broken].Text))
		v.Summary = fmt.Sprintf("The origin refused %s with %d; the request breaks a rule of HTTP: %s.", x.Line(), x.Status(), f.Facts[broken].Text)
		if x.Status() == 400 && !proven(f) {
			v.Confidence, v.Settle = finding.Possible, "capture again without losses"
		}
	case known(check.HTTPSysPhrase(x.Response)):
		phrase := check.HTTPSysPhrase(x.Response)
		v.Confidence, v.Settle = finding.Likely, "look for "+phrase+" in HTTPERR"
		v.Proof = append(v.Proof, f.Proof(x.ResponseAt, fmt.Sprintf("%d bytes are the length of http.sys' page for %s", x.Response.Length, phrase)))
		v.Summary = fmt.Sprintf("http.sys refused %s with %d before any site saw it: %s, by the length of its page.", x.Line(), x.Status(), phrase)
	case x.Status() == 417:
		if !expects(x) {
			return nil
		}
		v.Proof = append(v.Proof, f.Proof(x.RequestAt, "the request has Expect: 100-continue"))
		v.Severity = finding.Warning // clients send it again without
		v.Mends = []finding.Mend{{On: finding.Origin, Do: "Let the origin answer 100 (Continue), as RFC 9110 asks of it, or have the client leave the field out: curl -H 'Expect:'."}}
		v.Summary = fmt.Sprintf("The origin refused %s with 417: it does not take Expect: 100-continue.", x.Line())
	case x.Status() == 411:
		v.Summary = fmt.Sprintf("The origin refused %s with 411: it wants a Content-Length.", x.Line())
		if chunkedBody {
			v.Proof = append(v.Proof, f.Proof(x.RequestAt, "the request's body is chunked"))
		}
	case x.Status() == 501 && chunkedBody:
		v.Confidence, v.Settle = finding.Likely, "send the same body with a Content-Length"
		v.Proof = append(v.Proof, f.Proof(x.RequestAt, "the request has Transfer-Encoding: "+check.Field(x.Request, "Transfer-Encoding")))
		v.Summary = fmt.Sprintf("The origin refused %s with 501; it seems not to know the transfer coding.", x.Line())
	case x.Status() == 505:
		v.Summary = fmt.Sprintf("The origin refused %s with 505: it does not speak this version of HTTP.", x.Line())
	default:
		odd := oddField(x.Request)
		if odd == "" || !closesAfter(x) {
			return nil
		}
		v.Confidence, v.Settle = finding.Possible, "send the request without the field "+odd
		v.Proof = append(v.Proof, f.Proof(x.RequestAt, "the request has the field "+odd))
		v.Summary = fmt.Sprintf("The origin refused %s with %d and closes; its parser may dislike the field %s.", x.Line(), x.Status(), odd)
	}
	return v
}

// known reports whether http.sys refused for the way in which a request was written.
func known(phrase string) bool {
	return phrase != "" && phrase != "Hostname" && phrase != "RequestLength" && phrase != "FieldLength"
}

// oddField is the name of a field that some parsers refuse, "" for none.
func oddField(h *fact.HTTPHead) string {
	if h == nil {
		return ""
	}
	for i := range h.Fields {
		name := h.Fields[i].Name
		if strings.Contains(name, "_") || strings.ContainsAny(name, " \t()<>@,;:\\\"/[]?={}") {
			return name
		}
	}
	if check.HasField(h, "Transfer-Encoding") && check.HasField(h, "Content-Length") {
		return "Transfer-Encoding beside Content-Length"
	}
	return ""
}

// closesAfter reports whether the answer announces that the connection ends, as parsers do that have lost their place.
func closesAfter(x *check.Exchange) bool {
	return strings.EqualFold(check.Field(x.Response, "Connection"), "close")
}
