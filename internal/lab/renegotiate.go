package lab

import (
	"errors"
	"net"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

func (s *session) asks(path string) bool {
	prefix := s.o.cfg.Renegotiate.Path
	return s.tls != nil && prefix != "" && strings.HasPrefix(path, prefix)
}

func (s *session) mustRenegotiate(path string) bool {
	return s.asks(path) && (!s.done || s.o.cfg.Renegotiate.Every)
}

// renegotiate does what IIS does between the head of a request and its answer.
func (s *session) renegotiate() error {
	cfg := &s.o.cfg.Renegotiate
	s.note(HelloRequest, "")
	_ = s.nc.SetReadDeadline(time.Now().Add(cfg.Patience))
	var err error
	if cfg.Interfere {
		err = s.tls.RenegotiateAfter(cfg.Auth, cfg.ReadAhead, []byte("HTTP/1.1 102 Processing\r\n\r\n"))
	} else {
		err = s.tls.Renegotiate(cfg.Auth, cfg.ReadAhead)
	}
	var alert *tlspeer.AlertError
	var timeout net.Error
	switch {
	case err == nil:
		s.done = true
		subject := ""
		if peer := s.tls.State().Peer; len(peer) > 0 {
			subject = peer[0].Subject.String()
		}
		s.note(Renegotiated, subject)
		_ = s.nc.SetReadDeadline(time.Now().Add(idleTimeout))
		return nil
	case errors.As(err, &alert) && !alert.Sent && alert.Number == tlswire.AlertNoRenegotiation:
		s.note(Refused, "")
		return s.reset()
	case errors.Is(err, tlspeer.ErrReadAhead):
		return s.overflow()
	case errors.As(err, &timeout) && timeout.Timeout():
		s.note(Unanswered, cfg.Patience.String())
		return s.reset()
	}
	return err
}

// overflow is what happens when the body does not stop for the handshake: IIS answers 413 or, where it reads no further, both
// sides wait for one another.
func (s *session) overflow() error {
	cfg := &s.o.cfg.Renegotiate
	s.note(Overflowed, "")
	if cfg.Stall {
		if s.wait(cfg.Patience) {
			s.note(Unanswered, cfg.Patience.String())
		}
		return s.reset()
	}
	s.note(Answered, "413")
	if err := s.write("HTTP/1.1 413 Request Entity Too Large\r\nServer: lunette-lab\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	return s.finish()
}

// finish ends the connection in order although the peer may still be sending: it closes its own direction and reads on.
func (s *session) finish() error {
	if s.tls != nil {
		_ = s.tls.Alert(tlswire.AlertWarning, tlswire.AlertCloseNotify)
	}
	s.closeWrite()
	return s.silence()
}

// finishRaw is finish without a close_notify: what came before says enough.
func (s *session) finishRaw() error { s.closeWrite(); return s.silence() }

// closeWrite sends FIN and goes on reading: a plain close with bytes unread would send RST.
func (s *session) closeWrite() {
	if t, ok := s.nc.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
}
