package http1

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var chunkBroken = check.Check{
	Code:      "http1.chunk_broken",
	Title:     "the chunks of an answer are malformed, or the last one never came",
	Severity:  finding.Critical,
	Catalogue: []int{63},
	Refines:   []reason.Code{reason.HTTP1BadChunk, reason.HTTP1BadTrailer, reason.ReadTruncated, reason.ReadResetInBody},
	On:        []fact.Kind{fact.HTTPBroken, fact.HTTPCutShort, fact.ResponseHead},
	Silences:  []finding.Code{"tls.no_close_notify"},
	Text: `With Transfer-Encoding: chunked each piece of a body has its size in hexadecimal on a line before it, and a chunk of size zero
with an empty line ends the body (RFC 9112 section 7.1). Without that end the body is incomplete, however the connection ends.

Two faults: the connection ends before the last chunk — the origin died or gave up within the answer, as with http1.body_truncated
— or a size line is none. The latter comes from applications that write chunks themselves while the server does it too (sizes
appear in the page), from modules that change bytes behind the framing, from two workers that write to one connection, and from
sizes in decimal.

nginx prints *upstream sent invalid chunked response* for the second and *upstream prematurely closed connection while reading
upstream* for the first; HAProxy **PH** or **PD** and **SD**; Go *malformed chunked encoding*, *unexpected EOF*; curl exit 56 or
18; a browser ERR_INCOMPLETE_CHUNKED_ENCODING. Some clients show the page all the same, so that it works for one and not for
another.

A lone LF behind a size is also told: many recipients take it, strict ones and firewalls do not, since request smuggling builds on
it.`,
	Asks: []string{
		"Look at the bytes: `curl --raw -s --resolve {host}:{port}:{ip} https://{host}/PATH | head -c 300 | xxd`",
		"Does the application write Transfer-Encoding or chunk sizes itself?",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Let IIS do the chunking: no Transfer-Encoding from the application, and no Response.Flush in filters that changed the length.",
			Lines: `# PowerShell, as administrator
findstr /s /i /c:"Transfer-Encoding" C:\inetpub\wwwroot\*.config C:\inetpub\wwwroot\*.cs C:\inetpub\wwwroot\*.asp*`},
		{On: finding.Nginx, Do: "On an origin that runs nginx, speak HTTP/1.1 to its own upstream, so that chunks are understood and not passed on as text.", Lines: "proxy_http_version 1.1;\nproxy_set_header Connection \"\";"},
		{On: finding.Apache, Do: "Remove a Transfer-Encoding that a CGI or script sets by itself.", Lines: "Header unset Transfer-Encoding"},
		{On: finding.Java, Do: "Do not set Transfer-Encoding in a servlet; flush or close the stream and let the container frame it.", Lines: "grep -rn 'Transfer-Encoding' src/ --include=*.java"},
		{On: finding.Node, Do: "Do not set Transfer-Encoding or write sizes by hand; end every answer.", Lines: "res.end()"},
	},
	Sources: []string{"RFC 9112 section 7.1", "RFC 9112 section 8"},
	Run:     runChunkBroken,
}

// chunkFault reports whether an HTTPBroken speaks of chunks or their trailers.
func chunkFault(text string) bool {
	return strings.Contains(text, "7.1)") && strings.Contains(text, "RFC 9112")
}

func runChunkBroken(c *check.Case) *check.Verdict {
	f := c.Flow
	if i := brokenBy(f, fact.SideServer, -1, chunkFault); i >= 0 {
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "in the chunks: "+f.Facts[i].Text)},
			Summary: fmt.Sprintf("The body of the answer to %s is chunked wrongly: %s.", lineAt(f, i), f.Facts[i].Text)}
		if strings.HasPrefix(f.Facts[i].Text, "bare LF") {
			v.Severity = finding.Warning // most recipients take it
		}
		if !proven(f) {
			v.Confidence, v.Settle = finding.Possible, "capture again without losses: behind a gap chunks are easily misread"
		}
		return v
	}
	if f.Reason == reason.HTTP1BadChunk || f.Reason == reason.HTTP1BadTrailer {
		if at := f.Last(fact.ResponseHead, fact.FirstByte); at >= 0 {
			return &check.Verdict{Confidence: finding.Certain, Summary: "The body of the answer is chunked wrongly: " + orNone(f.Detail, string(f.Reason)) + ".",
				Proof: []finding.Proof{f.Proof(at, "the answer begins; the attempt ended as "+string(f.Reason))}}
		}
	}
	return lastChunkMissing(f)
}

func lastChunkMissing(f *check.Flow) *check.Verdict {
	cut := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.HTTPCutShort && x.Side == fact.SideServer && x.Text == "body"
	})
	if cut < 0 {
		return nil
	}
	x := exchangeAt(f, cut)
	if x == nil || x.Stream != 0 || !isChunked(x.Response) {
		return nil
	}
	e := f.EndAfter(x.ResponseAt)
	if e.At < 0 || e.Side != fact.SideServer {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: f.Since(x.ResponseAt, e.At),
		Summary: fmt.Sprintf("The chunked body of the answer to %s never had its last chunk; %s %s after the head.", x.Line(), endName(e), finding.Span(f.Since(x.ResponseAt, e.At))),
		Proof:   []finding.Proof{f.Proof(x.ResponseAt, fmt.Sprintf("the answer, %d, is chunked", x.Status())), f.Proof(e.At, endName(e)+" before the last chunk")}}
	if !proven(f) {
		v.Confidence, v.Settle = finding.Possible, "capture again without losses: the last chunk may be among bytes that are missing here"
	}
	return v
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}
