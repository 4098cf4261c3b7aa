package lab

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// half is how much of an answer comes before something happens, in bytes.
const half = 2000

// postHandshakeAuth asks for a certificate once the request has come.
func postHandshakeAuth(force bool) answerFunc {
	return func(s *session, r *http.Request) error {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return err
		}
		if s.tls == nil || !force && !s.tls.State().OffersPHA {
			return s.answer(403, page403, r)
		}
		s.note(CertificateRequest, "")
		if err := s.tls.PostHandshakeAuth(s.o.cfg.Renegotiate.ReadAhead); err != nil {
			return err
		}
		if len(s.tls.State().Peer) == 0 {
			_ = s.tls.Alert(tlswire.AlertFatal, tlswire.AlertCertificateRequired)
			return fin(s)
		}
		return s.answer(200, s.describe(r, n), r)
	}
}

const page403 = "<!doctype html><title>403 Forbidden</title><h1>Forbidden</h1><p>Reason: cannot perform post-handshake authentication.</p>\n"

// keyUpdate sends half an answer, KeyUpdate, and the rest; or no rest.
func keyUpdate(stall bool) answerFunc {
	return func(s *session, r *http.Request) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		if err := s.write(ok200 + fmt.Sprintf("Content-Length: %d\r\n\r\n", 2*half) + strings.Repeat("x", half)); err != nil {
			return err
		}
		if s.tls != nil {
			if err := s.tls.KeyUpdate(true); err != nil {
				return err
			}
		}
		if stall {
			return s.silence()
		}
		return s.write(strings.Repeat("y", half))
	}
}

// sessionFaults go wrong in what a client keeps of a TLS session, or in its records.
func sessionFaults() []fault {
	return []fault{
		{Fault: is("resumption-refused", "gives out a ticket, and answers the ClientHello that offers it with alert 40", "", "tls.resumption_failed").asked(Again),
			setup: func(c *Config) error { c.TLS.Sessions = new(tlspeer.Sessions); return upTo12(c) },
			hello: unless(func(h *tlswire.ClientHello) bool { return len(h.Ticket) > 0 }, func(s *session) error {
				s.alertInClear(tlswire.AlertFatal, tlswire.AlertHandshakeFailure)
				return s.finishRaw()
			})},
		{Fault: is("resumption-forgotten", "gives out tickets that the next connection cannot use, as behind a load balancer without shared keys", "", "").asked(Again),
			setup: upTo12, hello: func(_ *session, _ *tlswire.ClientHello, c *tlspeer.Config) error {
				c.Sessions = new(tlspeer.Sessions)
				return nil
			}},
		{Fault: is("ticket-lost", "promises a ticket in the ServerHello of a renegotiation and sends none: GnuTLS, and Go with a session cache, break off", reason.TLSAlert,
			"tls.ticket_lost_in_renegotiation"),
			setup: func(c *Config) error {
				c.TLS.LoseTicket, c.TLS.Sessions = true, new(tlspeer.Sessions)
				c.Renegotiate.Path, c.Renegotiate.Auth = "/", tlspeer.Accept
				return upTo12(c)
			}},
		{Fault: is("record-corrupted", "sends a record whose MAC is wrong in the middle of the answer", reason.TLSAlert, "tls.records_corrupted"), answer: corrupted},
	}
}

func corrupted(s *session, r *http.Request) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if err := s.write(ok200 + fmt.Sprintf("Content-Length: %d\r\n\r\n", 2*half) + strings.Repeat("x", half)); err != nil {
		return err
	}
	if !s.wait(50 * time.Millisecond) { // the first half shall be read before the peer breaks off
		return errEnd
	}
	version := min(s.state().Version, tlswire.VersionTLS12)
	_, _ = s.nc.Write(tlswire.AppendRecord(nil, tlswire.TypeApplicationData, version, []byte(strings.Repeat("?", 64))))
	return s.finishRaw()
}
