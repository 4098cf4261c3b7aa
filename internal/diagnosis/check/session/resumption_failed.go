package session

import (
	"fmt"
	"strconv"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func resumptionFailed() check.Check {
	return check.Check{
		Code:      "tls.resumption_failed",
		Title:     "the origin cannot resume sessions that it gave out",
		Severity:  finding.Critical,
		Catalogue: []int{44},
		Refines:   []reason.Code{reason.TLSAlert, reason.TLSSessionFault, reason.TLSReset, reason.TLSEOF},
		On:        []fact.Kind{fact.TLSClientHello},
		Silences:  []finding.Code{"tls.handshake_alert", "tls.closed_after_hello", "tls.records_corrupted", "tls.no_common_cipher"},
		Text: `The client offers to resume a session: a session id, a ticket, or in TLS 1.3 a pre-shared key. An origin that does not know it
must shake hands in full, and nothing is lost. Some fail instead: several servers behind one address share neither cache nor
ticket keys and one of them takes a ticket for its own, the session belongs to another name (Apache then answers 421 or breaks
off), a balancer in front mends extensions. The handshake ends with alert handshake_failure (40), illegal_parameter (47),
decrypt_error (51) or bad_record_mac (20), or a reset, **now and then only**, because first connections and those to the right
server pass.

nginx keeps upstream sessions by default (*SSL_do_handshake() failed ... bad record mac*); proxy_ssl_session_reuse off is the
quick test. Go resumes only where ClientSessionCache is set. Where offers are declined each time it costs a full handshake for
every connection, and no more.

It is told from a mismatch of suites or versions by the contrast: the same ClientHello without the offer passes. Alert 40 without
an offer to resume is not this.`,
		Asks: []string{
			"Does each server behind the address take the tickets of the others? `openssl s_client -connect ADDRESS-A:{port} -servername {host} -sess_out t`, then `openssl s_client -connect ADDRESS-B:{port} -servername {host} -sess_in t`",
		},
		Mends: []finding.Mend{
			{On: finding.Nginx, Do: "As the origin, on each server: the same ticket key file and a shared cache. As a proxy in front of it: proxy_ssl_session_reuse off.",
				Lines: "# as the origin\nssl_session_ticket_key /etc/nginx/ticket.key;   # 80 bytes, the same on all, changed daily\nssl_session_cache shared:tls:10m;\n# as a proxy\nproxy_ssl_session_reuse off;"},
			{On: finding.Apache, Do: "The same ticket key file on each server, or no tickets.", Lines: "SSLSessionTicketKeyFile /etc/apache2/ticket.key\n# or\nSSLSessionTickets off"},
			{On: finding.IIS, Do: "Let the balancer keep a client on one server, or share ticket keys (Windows Server 2012 R2 and later).", Lines: "# PowerShell, as administrator, on each server with the same file; read the password once\n$p = Read-Host -AsSecureString\nNew-TlsSessionTicketKey -Path C:\\tls\\ticket.key -Password $p\nEnable-TlsSessionTicketKey -Path C:\\tls\\ticket.key -Password $p -ServiceAccountName \"NETWORK SERVICE\""},
			{On: finding.Java, Do: "Tomcat: hardly any cache of sessions while the servers differ; each connection then costs a whole handshake. Add to the element that is there.", Lines: `<SSLHostConfig sessionCacheSize="1" sessionTimeout="1">`},
			{On: finding.Network, Do: "Pin clients to servers by source address in the balancer that passes TLS through."},
		},
		Sources: []string{"RFC 5246 section 7.3", "RFC 5077 section 3.4", "RFC 8446 sections 2.2 and 4.2.11", "Apache mod_ssl: SSLSessionTicketKeyFile", "nginx: ngx_http_proxy_module, proxy_ssl_session_reuse"},
		Run:     runResumptionFailed,
	}
}

func runResumptionFailed(c *check.Case) *check.Verdict {
	f := c.Flow
	h, at := f.Hello()
	if h == nil || !offersResumption(h) {
		return nil
	}
	if f.Established() {
		return declined(c)
	}
	end := f.EndAfter(at)
	if end.At < 0 || f.Has(fact.TLSHelloRequest) || lostBetween(f, fact.SideNone, at, -1) {
		return nil
	}
	x := &f.Facts[end.At]
	switch {
	case x.Kind == fact.TLSAlert && (x.Code == alertHandshakeFailure || x.Code == 47 || x.Code == alertDecryptError || x.Code == alertBadRecordMAC || x.Code == alertDecodeError || x.Code == 115):
	case x.Kind == fact.TCPReset && x.Side == fact.SideServer, x.Kind == fact.TCPClosed && x.Side == fact.SideServer:
	default:
		return nil
	}
	how := endWords(end)
	if x.Kind == fact.TLSAlert {
		how = "the " + x.Side.String() + " broke off with " + alertWords(x)
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(at, "the client offers to resume: "+offerWords(h)), f.Proof(end.At, how)}}
	passed, failed := withoutOffer(c, h)
	if passed == nil || failed != nil {
		return nil // nothing says that the offer is to blame
	}
	i := passed.First(fact.TLSHandshakeDone)
	v.Proof = append(v.Proof, f.ProofOther(&passed.Facts[i], "the same ClientHello without the offer is taken"))
	contrast := c.Contrast(func(o *check.Flow) check.Bearing { return aboutOffer(o, h) })
	contrast.Temper(v)
	v.Summary = fmt.Sprintf("With the offer to resume a session (%s) %s; without it the handshake succeeds.", offerWords(h), how)
	return v
}

// offersResumption reports whether a hello offers a session that the origin could resume. A session id alone says nothing in TLS 1.3.
func offersResumption(h *fact.ClientHello) bool {
	return h.OffersPSK || h.OffersTicket || h.SessionID != "" && len(h.Versions) == 0
}

func offerWords(h *fact.ClientHello) string {
	switch {
	case h.OffersPSK:
		return "a pre-shared key"
	case h.OffersTicket:
		return "a ticket"
	}
	return "a session id"
}

// withoutOffer finds connections to the origin with the same name and versions and no offer: one that passed, one that failed too.
func withoutOffer(c *check.Case, h *fact.ClientHello) (passed, failed *check.Flow) {
	for _, o := range c.Others {
		g, _ := o.Hello()
		if g == nil || offersResumption(g) || g.ServerName != h.ServerName || len(g.Suites) != len(h.Suites) || len(g.Versions) != len(h.Versions) {
			continue
		}
		switch {
		case o.Established():
			passed = o
		case o.Ended().At >= 0:
			failed = o
		}
	}
	return passed, failed
}

// aboutOffer is what another connection says of the offer to resume in h.
func aboutOffer(o *check.Flow, h *fact.ClientHello) check.Bearing {
	g, _ := o.Hello()
	if g == nil || g.ServerName != h.ServerName {
		return check.Aside
	}
	switch offers, done := offersResumption(g), o.Established(); {
	case offers && !done:
		return check.Failed
	case offers:
		return check.Against
	case done && len(g.Suites) == len(h.Suites) && len(g.Versions) == len(h.Versions):
		return check.Worked
	}
	return check.Aside
}

// declined is an origin that shakes hands in full each time though sessions are offered: it costs time and no more.
func declined(c *check.Case) *check.Verdict {
	const enough = 3
	n, refused := 0, 0
	for o := range c.Flows {
		h, _ := o.Hello()
		if h == nil || !offersResumption(h) || !o.Established() {
			continue
		}
		n++
		if full(o) {
			refused++
		}
	}
	if n < enough || refused < n {
		return nil
	}
	h, at := c.Flow.Hello()
	return &check.Verdict{Confidence: finding.Likely, Severity: finding.Info, Proof: []finding.Proof{c.Flow.Proof(at, "the client offers to resume: "+offerWords(h))},
		Settle:  "more connections, to the same server of the origin",
		Summary: "The origin declined all " + strconv.Itoa(n) + " offers to resume a session and shook hands in full each time, which costs a round trip and a signature."}
}

// full reports whether the handshake of f was a full one: the server sent its certificate.
func full(f *check.Flow) bool { return f.FirstOf(fact.SideServer, fact.TLSCertificate) >= 0 }
