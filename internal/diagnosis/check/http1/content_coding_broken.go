package http1

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

var contentCodingBroken = check.Check{
	Code:      "http1.content_coding_broken",
	Title:     "the body is not compressed as its Content-Encoding says",
	Severity:  finding.Critical,
	Catalogue: []int{68},
	On:        []fact.Kind{fact.HTTPCoding},
	Text: `The head says Content-Encoding: gzip (or deflate, br, zstd) and the body does not begin as that coding begins: gzip is 1f 8b, zstd
28 b5 2f fd, zlib a byte with low half 8 and a checksum. Or the text was compressed twice and says so once: inside the gzip lies
gzip again.

All logs say 200 with the right length; only browsers complain: ERR_CONTENT_DECODING_FAILED, *Content Encoding Error*, curl 61, or
the page is shown as binary rubbish. Where a proxy or WAF looks into bodies, it may fail or see nothing.

It comes from an application that compresses and a server that does it again; from error pages and redirects for which the field
was set before the handler failed, with the text of the error in clear behind it; from files that were compressed on disk (.gz)
and served as text; from a cache that stored one variant and answers with the other for lack of Vary: Accept-Encoding; from a
proxy that rewrites the body and leaves the field.

A part of a range (206) begins anywhere and is not judged, nor are archives that are compressed once more on purpose.`,
	Asks: []string{
		"What is in it: `curl -s --resolve {host}:{port}:{ip} https://{host}/PATH -H 'Accept-Encoding: gzip' | head -c 16 | xxd`; then the same with Accept-Encoding: identity.",
		"Is it always so, or only from a cache (Age, X-Cache), or only for errors?",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Let either the application or IIS compress.",
			Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe set config "SITE" -section:system.webServer/urlCompression /doDynamicCompression:False /commit:apphost`},
		{On: finding.Nginx, Do: "Where nginx compresses or rewrites, have its own upstream send plain text.", Lines: "proxy_set_header Accept-Encoding \"\";"},
		{On: finding.Apache, Do: "Do not compress what the application has compressed.", Lines: "SetEnvIf Request_URI \\.gz$ no-gzip\nRequestHeader unset Accept-Encoding"},
		{On: finding.Java, Do: "Remove the filter, or the compression of the connector.", Lines: `<!-- add to the Connector that is there -->
compression="off"`},
		{On: finding.Node, Do: "Use the compression middleware once, and remove the field where the handler fails.", Lines: "res.removeHeader('Content-Encoding')"},
		{On: finding.Origin, Do: "Send Vary: Accept-Encoding with every answer that has a compressed variant."},
	},
	Sources: []string{"RFC 9110 sections 8.4, 12.5.3", "RFC 1952 section 2.3.1 (gzip)", "RFC 1950 section 2.2 (zlib)", "RFC 8878 section 3.1.1 (zstd)"},
	Run:     runContentCodingBroken,
}

func runContentCodingBroken(c *check.Case) *check.Verdict {
	f := c.Flow
	i := f.FirstOf(fact.SideServer, fact.HTTPCoding)
	if i < 0 {
		return nil
	}
	x := &f.Facts[i]
	v := &check.Verdict{Confidence: finding.Certain}
	if x.Text == "gzip twice" {
		v.Summary = fmt.Sprintf("The body of the answer to %s was compressed twice and says so once: text within gzip within gzip.", lineAt(f, i))
		v.Proof = []finding.Proof{f.Proof(i, "inside the gzip lies gzip again, though its type is text")}
	} else {
		v.Summary = fmt.Sprintf("The body of the answer to %s is announced as %s and does not begin so.", lineAt(f, i), x.Text)
		v.Proof = []finding.Proof{f.Proof(i, fmt.Sprintf("the first %s are not how %s begins", check.Count(x.Size, "byte"), x.Text))}
	}
	if !proven(f) {
		v.Confidence, v.Settle = finding.Possible, "capture again without losses"
	}
	return v
}
