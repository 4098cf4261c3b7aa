package session

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func noCloseNotify() check.Check {
	return check.Check{
		Code:      "tls.no_close_notify",
		Title:     "the origin ends a body of unknown length by closing TCP without close_notify: nobody can tell whether it is whole",
		Severity:  finding.Warning,
		Catalogue: []int{43},
		Refines:   []reason.Code{reason.ReadTruncated, reason.ReadEOFInHeader},
		On:        []fact.Kind{fact.ResponseHead},
		Needs:     check.Records | check.Plain,
		Text: `The answer has neither Content-Length nor chunked coding, so the end of the connection ends it (RFC 9112 section 6.3). In TLS that
end is the alert **close_notify**: a FIN without it may come from anybody on the way, and the body may lack its tail (RFC 8446
section 6.1). This origin closes TCP and sends none.

OpenSSL 3 makes it an error, *unexpected eof while reading*; PHP, Python and Ruby programs fail with it. nginx, HAProxy, Apache
httpd and Go take the body as complete, so that a page that was really cut short is cached and handed on. The usual senders are
old appliances, IIS behind some load balancers, and programs that exit without SSL_shutdown.

Where the length is known the missing close_notify does no harm, and nothing is said. A body that is shorter than its
Content-Length is http1.body_truncated; a reset in the middle of it is a reset.`,
		Asks: []string{"Fetch the page twice and compare the lengths: do they differ, the body is cut short at times"},
		Mends: []finding.Mend{
			{On: finding.Origin, Do: "Send Content-Length or chunked coding (HTTP/1.1); then the end of the connection says nothing."},
			{On: finding.OpenSSL, Do: "Call SSL_shutdown before the socket is closed. A client can be told to take it: that gives up the protection against truncation.",
				Lines: "SSL_shutdown(ssl);\nSSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);  /* client: truncation passes unseen */"},
			{On: finding.Nginx, Do: "In front of such an origin: speak HTTP/1.1 to it, so that it can send lengths.", Lines: "proxy_http_version 1.1;\nproxy_set_header Connection \"\";"},
			{On: finding.Apache, Do: "Take workarounds for old clients out: they suppress close_notify.", Lines: "# remove: SetEnvIf User-Agent \".*\" ssl-unclean-shutdown"},
			{On: finding.Java, Do: "Set the length before the body is written, or let the container chunk it.", Lines: "response.setContentLengthLong(bytes.length);"},
			{On: finding.Node, Do: "End the response with response.end(), and do not destroy the socket.", Lines: "response.setHeader('Content-Length', Buffer.byteLength(body)); response.end(body)"},
		},
		Sources: []string{"RFC 9112 sections 6.3 and 9.8", "RFC 8446 section 6.1", "RFC 5246 section 7.2.1", "OpenSSL 3 migration guide: SSL_R_UNEXPECTED_EOF_WHILE_READING", "openssl#18295"},
		Run:     runNoCloseNotify,
	}
}

func runNoCloseNotify(c *check.Case) *check.Verdict {
	f := c.Flow
	if f.Version() == 0 || lostBetween(f, fact.SideServer, -1, -1) {
		return nil
	}
	fin := f.FirstOf(fact.SideServer, fact.TCPClosed)
	if fin < 0 {
		return nil
	}
	for i := range f.Exchanges() {
		x := &f.Exchanges()[i]
		if !endsByClosing(x) || x.ResponseAt > fin || x.ResponseDone < 0 && x.CutShort < 0 {
			continue
		}
		if at := f.NextOf(fact.SideServer, -1, fact.TLSAlert, fact.TLSEncryptedAlert); at >= 0 {
			return nil // it said that it goes, or why
		}
		if mine := f.FirstOf(fact.SideClient, fact.TCPClosed, fact.TLSAlert, fact.TCPReset); mine >= 0 && mine < fin {
			return nil // the client went first
		}
		size := ""
		if x.ResponseDone >= 0 {
			size = bytesWords(f.Facts[x.ResponseDone].Size)
		}
		return &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(x.ResponseAt, "the answer states no length: the end of the connection ends it"),
			f.Proof(fin, "FIN of the origin without close_notify")},
			Summary: "The origin ended the body of the answer to " + x.Line() + size + " with a bare FIN: whether it is whole nobody can tell."}
	}
	return nil
}

// endsByClosing reports whether the end of the connection ends the body of an answer (RFC 9112 section 6.3).
func endsByClosing(x *check.Exchange) bool {
	h := x.Response
	switch {
	case h == nil || len(h.Fields) == 0 || h.Length >= 0 || h.Proto != "HTTP/1.1" && h.Proto != "HTTP/1.0":
		return false
	case h.Status < 200 || h.Status == 204 || h.Status == 304 || x.Request != nil && (x.Request.Method == "HEAD" || x.Request.Method == "CONNECT"):
		return false
	}
	return !check.HasField(h, "Transfer-Encoding") && !check.HasField(h, "Content-Length")
}
