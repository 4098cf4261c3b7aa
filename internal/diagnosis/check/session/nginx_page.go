package session

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// Lengths of nginx's own pages about client certificates, without the name of the server at their end, which the field Server has too.
const (
	nginxRefusedPage  = 203    // "The SSL certificate error"
	nginxRequiredPage = 225    // "No required SSL certificate was sent"
	nginxPadding      = 6 * 67 // that MSIE and Chrome get behind it
)

// nginxPage reports whether an answer is nginx's own page of this length.
func nginxPage(x *fact.Fact, length int64) bool {
	h, ok := x.Detail.(*fact.HTTPHead)
	server := check.Field(h, "Server")
	if !ok || server != "nginx" && !strings.HasPrefix(server, "nginx/") && !strings.HasPrefix(server, "openresty") {
		return false
	}
	length += int64(len(server))
	return h.Length == length || h.Length == length+nginxPadding
}

// requiredPage is where nginx answers that no certificate was sent, by the length of its page, or, sealed, of its whole answer; -1 without.
func requiredPage(f *check.Flow, d *demand, s *sentence) int {
	switch {
	case d.given < 0 || !d.empty || d.dark || d.when != "in the handshake":
	case s.head >= 0 && f.Facts[s.head].Code == 400 && nginxPage(&f.Facts[s.head], nginxRequiredPage):
		return s.head
	case s.head < 0 && s.done && s.alert < 0:
		return sealedPage(f, d.given)
	}
	return -1
}

// sealedPage is the first answer behind index i where it has the length of nginx's answer over HTTP/1.1, page and head in one record, and
// the server closes at once: nginx keeps no such connection. -1 without.
func sealedPage(f *check.Flow, i int) int {
	const answer = 365 // and the name of the server twice
	names := [...]int{len("nginx"), len("nginx/1.x.y"), len("nginx/1.xx.y"), len("nginx/1.xx.yy")}
	seal := 0
	if h, _ := f.ServerHello(); h != nil {
		switch suite := f.Facts[f.First(fact.TLSServerHello)].Text; {
		case f.Version() != 0x0303 || h.ALPN == "h2":
		case strings.Contains(suite, "_GCM_"):
			seal = 8 + 16
		case strings.Contains(suite, "_CHACHA20_"):
			seal = 16
		}
	}
	asked := f.NextOf(fact.SideClient, i, fact.TLSApplicationData)
	at := f.NextOf(fact.SideServer, i, fact.TLSApplicationData)
	if seal == 0 || asked < 0 || at < asked || f.Facts[at].Code != 1 || f.Next(at, fact.TLSApplicationData) >= 0 {
		return -1
	}
	if end := f.EndAfter(at); end.At < 0 || end.Side != fact.SideServer || end.Time.Sub(f.Facts[at].At) > patience {
		return -1
	}
	for _, n := range names {
		if int(f.Facts[at].Size) == answer+2*n+seal {
			return at
		}
	}
	return -1
}

// refusedAtHead judges the answer that followed an empty certificate: what the origin did, "" where it need not be about it.
func refusedAtHead(f *check.Flow, v *check.Verdict, d *demand, s *sentence) string {
	log := loggedRequired(f)
	if at := requiredPage(f, d, s); at >= 0 {
		v.Confidence, v.Settle = finding.Likely, "the same request with a certificate, or \"client sent no required SSL certificate\" in nginx's error log (level info; --origin-log)"
		text := "the origin answers 400, with a page as long as nginx's \"No required SSL certificate was sent\""
		if f.Facts[at].Kind != fact.ResponseHead {
			text = "the origin's answer (sealed) is as long as nginx's \"400 No required SSL certificate was sent\", and the origin closes behind it"
		}
		if log >= 0 {
			v.Confidence, v.Settle = finding.Certain, ""
		}
		v.Proof = append(v.Proof, f.Proof(at, text))
		return "answered as nginx does then: 400, \"No required SSL certificate was sent\""
	}
	if s.head < 0 || f.Facts[s.head].Code != 403 {
		return ""
	}
	v.Proof = append(v.Proof, f.Proof(s.head, "the origin answers 403"))
	v.Confidence, v.Settle = finding.Likely, "the origin's log: sc-substatus 7 (IIS) or AH02263 (Apache), with --origin-log"
	if log < 0 && d.when == "in the handshake" {
		v.Confidence, v.Severity = finding.Possible, finding.Info // pages are forbidden for many reasons
		v.Settle = "the same request with a client certificate; or ask the origin: what does it do without one ($ssl_client_verify, SSL_CLIENT_VERIFY)"
	}
	if v.Confidence == finding.Possible {
		return "answered 403, as it may for other reasons"
	}
	return "answered 403"
}
