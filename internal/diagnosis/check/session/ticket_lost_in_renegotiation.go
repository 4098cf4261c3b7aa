package session

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func ticketLostInRenegotiation() check.Check {
	return check.Check{
		Code:      "tls.ticket_lost_in_renegotiation",
		Title:     "the origin announces a session ticket in the renegotiation and does not send it",
		Severity:  finding.Critical,
		Catalogue: []int{42},
		Refines:   []reason.Code{reason.TLSRenegotiationFailed, reason.TLSAlert, reason.TLSSessionFault},
		On:        []fact.Kind{fact.TLSHelloRequest},
		Silences:  []finding.Code{"tls.handshake_alert", "http1.closed_before_answer", "tls.no_close_notify"},
		Text: `In the second handshake of a renegotiation the origin's ServerHello carries the **session_ticket** extension, which promises a
NewSessionTicket before its ChangeCipherSpec (RFC 5077 section 3.3), and the ticket does not come. OpenSSL servers do that when
they renegotiate. OpenSSL clients do not mind; **GnuTLS** clients take the ChangeCipherSpec for a message out of turn and break
off: *An unexpected TLS packet was received* (wget, gnutls-cli, curl built with GnuTLS and with tickets on). So of two clients
that both answer the HelloRequest, one gets the page and one does not.

On the wire, with the secrets: HelloRequest, ClientHello, ServerHello with session_ticket, the client's flight, then
ChangeCipherSpec and Finished of the origin without a ticket, and the client's alert unexpected_message (10) or its FIN.

A client that ends the connection after a certificate that it does not trust, or an origin that breaks off, is something else.`,
		Asks: []string{"Does the request pass without tickets? `gnutls-cli --priority 'NORMAL:%NO_TICKETS' {ip}`"},
		Mends: append([]finding.Mend{
			{On: finding.Apache, Do: "Do without session tickets: SSLSessionTickets off (resumption by session id stays).", Lines: "SSLSessionTickets off"},
			{On: finding.Nginx, Do: "Do without session tickets.", Lines: "ssl_session_tickets off;"},
			{On: finding.OpenSSL, Do: "Do without session tickets, in the server or in a client of your own; for GnuTLS clients the priority string %NO_TICKETS.", Lines: "SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);"},
		}, mendsAsking()...),
		Sources: []string{"RFC 5077 section 3.3", "GnuTLS manual: priority strings, %NO_TICKETS"},
		Run:     runTicketLost,
	}
}

func runTicketLost(c *check.Case) *check.Verdict {
	f := c.Flow
	for _, a := range requests(f) {
		if a.answer != complied || lostBetween(f, fact.SideServer, a.at, -1) {
			continue
		}
		if v := ticketLostLive(f, &a); v != nil {
			return v
		}
		second := f.NextOf(fact.SideServer, a.at, fact.TLSServerHello)
		if second < 0 || second > a.until {
			continue
		}
		h, ok := f.Facts[second].Detail.(*fact.ServerHello)
		changes := f.NextOf(fact.SideServer, second, fact.TLSChangeCipherSpec)
		ticket := f.NextOf(fact.SideServer, second, fact.TLSNewSessionTicket)
		if !ok || !h.SessionTicket || changes < 0 || ticket >= 0 && ticket < changes {
			continue
		}
		end := f.EndAfter(changes)
		if end.At < 0 || end.Side != fact.SideClient || spoke(f, changes) >= 0 && !brokeOff(&f.Facts[end.At]) {
			continue // the page may have been on its way when the client broke off, else it was served
		}
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{
			f.Proof(a.at, "the origin asks to renegotiate"), f.Proof(second, "its second ServerHello announces a session ticket"),
			f.Proof(changes, "ChangeCipherSpec without the ticket before it"), f.Proof(end.At, endWords(end))},
			Summary: "In the renegotiation the origin announced a session ticket and did not send it; then " + endWords(end) + "."}
		if x := &f.Facts[end.At]; x.Kind != fact.TLSAlert || x.Code != alertUnexpectedMessage {
			v.Confidence, v.Settle = finding.Likely, "the client's own error, or the same request without tickets"
		}
		return v
	}
	return nil
}

// brokeOff reports whether x is the alert of a client that takes a message for one out of turn.
func brokeOff(x *fact.Fact) bool {
	return x.Kind == fact.TLSAlert && x.Side == fact.SideClient && x.Code == alertUnexpectedMessage
}

// ticketLostLive is what the gateway sees of it: its own library broke off with unexpected_message at the origin's second ChangeCipherSpec, be
// its Finished there already or not. What it missed before that is the ticket, which the first ServerHello promised, and it got no content.
func ticketLostLive(f *check.Flow, a *asked) *check.Verdict {
	h, _ := f.ServerHello()
	changes := f.NextOf(fact.SideServer, a.at, fact.TLSChangeCipherSpec)
	broke := f.Find(a.at, brokeOff)
	if !f.Ours || h == nil || !h.SessionTicket || changes < 0 || broke < changes || f.NextOf(fact.SideServer, a.at, fact.TLSServerHello, fact.TLSNewSessionTicket) >= 0 ||
		spoke(f, a.at) >= 0 || strings.Contains(f.Detail, "sending data") {
		return nil
	}
	return &check.Verdict{Confidence: finding.Likely, Settle: "a capture with its secrets: does the second ServerHello announce a ticket, and does it come?",
		Proof:   []finding.Proof{f.Proof(a.at, "the origin asks to renegotiate"), f.Proof(changes, "its ChangeCipherSpec comes, and no ticket came before"), f.Proof(broke, "Lunette breaks off with "+alertWords(&f.Facts[broke]))},
		Summary: "At the end of the renegotiation Lunette broke off with unexpected_message: the origin gives session tickets, and sent none in the second handshake."}
}
