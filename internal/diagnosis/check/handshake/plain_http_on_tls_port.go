package handshake

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var plainHTTPOnTLSPort = check.Check{
	Code:      "tls.plain_http_on_tls_port",
	Title:     "plain HTTP is sent to a port on which the origin speaks TLS",
	Severity:  finding.Critical,
	Catalogue: []int{32, 85},
	Refines:   []reason.Code{reason.TLSWrongPort, reason.OriginStatus4xx, reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader},
	On:        []fact.Kind{fact.PlainRequest, fact.RequestSent, fact.RequestHead},
	Needs:     check.Records,
	Silences:  []finding.Code{"http1.malformed_answer", "http1.request_refused", "http1.closed_before_answer", "http1.reset_before_answer", "origin.host_unknown"},
	Text: `The proxy sends a request in clear to a port that expects a ClientHello: its address says http://, its port is 443. nginx notices
and answers 400 *The plain HTTP request was sent to HTTPS port* (497 in its log), Apache httpd 400 *You're speaking plain HTTP to
an SSL-enabled server port* (AH01996), Go's servers 400 *Client sent an HTTP request to an HTTPS server*; Java and OpenSSL send a
TLS alert, which a client of HTTP calls malformed (Go: *malformed HTTP response "\x15\x03\x01…"*); IIS resets.

It happens where one end of a pair was changed alone: TLS was added to the origin, or the load balancer that took it off is gone.
Redirect loops are its relative: there the origin speaks HTTP but wants https (origin.redirect_loop).

A 400 alone may have many causes. What proves it is a TLS record in answer, or another connection to the same port on which a
ClientHello gets a ServerHello.`,
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Speak TLS to this port.", Lines: "origin:\n  urls: [\"https://{origin}\"]"},
		{On: finding.Nginx, Do: "As a proxy, write https:// in proxy_pass.", Lines: "proxy_pass https://{origin};"},
		{On: finding.Apache, Do: "As a proxy, write https:// and switch TLS on for it.", Lines: "SSLProxyEngine on\nProxyPass / https://{origin}/"},
		{On: finding.Network, Do: "Where a load balancer stands between, let its listener and its backend protocol agree: TLS kept or TLS taken off, once."},
	},
	Sources: []string{"RFC 9110 section 4.2.2", "nginx: ngx_http_ssl_module, code 497"},
	Run:     runPlainHTTPOnTLSPort,
}

func runPlainHTTPOnTLSPort(c *check.Case) *check.Verdict {
	f := c.Flow
	if f.Has(fact.TLSClientHello, fact.TLSServerHello, fact.TLSHandshakeDone, fact.TLSApplicationData, fact.TCPMidstream) || f.Served() && f.Exchanges()[0].Status() != 400 {
		return nil
	}
	asked := f.FirstOf(fact.SideClient, fact.PlainRequest, fact.RequestHead, fact.RequestSent)
	if asked < 0 {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(asked, "the client sends a request in clear")}}
	record := f.Find(asked, func(x *fact.Fact) bool {
		return x.Side == fact.SideServer && (x.Kind == fact.TLSAlert || x.Kind == fact.HTTPBroken && (strings.Contains(x.Text, "TLS record") || strings.HasPrefix(x.Text, `"\x15\x03`)))
	})
	port := f.Server.Port()
	if record >= 0 || f.Reason == reason.TLSWrongPort {
		v.Summary = fmt.Sprintf("A request in clear went to port %d, and the origin answered with a TLS record.", port)
		if record >= 0 {
			v.Proof = append(v.Proof, f.Proof(record, "the origin answers with a TLS record"))
		}
		return v
	}
	did, at := refusedPlain(f, asked)
	if at < 0 {
		return nil
	}
	v.Proof = append(v.Proof, f.Proof(at, "the origin "+did))
	v.Summary = fmt.Sprintf("A request in clear went to port %d, and the origin %s.", port, did)
	for _, o := range c.Compared() {
		if o.Server == f.Server && o.Has(fact.TLSServerHello) {
			v.Proof = append(v.Proof, answer(f, o, "on another connection to this port the origin answers a ClientHello"))
			v.Summary = fmt.Sprintf("A request in clear went to port %d, on which the origin speaks TLS; it %s.", port, did)
			return v
		}
	}
	page := ownPage(f, at)
	if port != 443 && port != 8443 && !page {
		return nil
	}
	v.Confidence, v.Settle = finding.Likely, "a ClientHello to the same port: openssl s_client -connect "+f.Server.String()
	switch {
	case page:
		v.Proof = append(v.Proof, f.Proof(at, "the answer is as long as nginx's page \"The plain HTTP request was sent to HTTPS port\""))
	case f.Facts[at].Kind != fact.ResponseHead:
		v.Confidence = finding.Possible
	}
	return v
}

// ownPage reports whether an answer is nginx's page for a request in clear, by its length: the words are fixed, and its foot is the Server
// field.
func ownPage(f *check.Flow, at int) bool {
	const words = 243 // bytes without the foot
	h, ok := f.Facts[at].Detail.(*fact.HTTPHead)
	server := check.Field(h, "Server")
	return ok && h.Status == 400 && strings.HasPrefix(server, "nginx") && h.Length == int64(words+len(server))
}

// refusedPlain is what the origin did with the first request: 400, or an end without an answer; -1 where it served it.
func refusedPlain(f *check.Flow, asked int) (did string, at int) {
	if i := f.Next(asked, fact.ResponseHead); i >= 0 {
		if f.Facts[i].Code == 400 || len(f.Exchanges()) > 0 && f.Exchanges()[0].Status() == 400 {
			return "answered 400", i
		}
		return "", -1
	}
	switch end := f.EndAfter(asked); {
	case end.Side != fact.SideServer || end.At < 0:
	case end.How == fact.TCPReset:
		return "reset the connection", end.At
	case end.How == fact.TCPClosed:
		return "closed the connection", end.At
	}
	return "", -1
}
