package tlspeer

import (
	"crypto/rand"
	"sync"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// maxSessions bounds a store; the lab needs few.
const maxSessions = 1000

// Sessions is what a server remembers behind its tickets (RFC 5077), up to TLS 1.2. The zero value is ready. Many connections may
// share one.
type Sessions struct {
	mu  sync.Mutex
	all map[string]session
}

type session struct {
	version, suite uint16
	ems            bool
	master         []byte
}

func (s *Sessions) put(ticket string, one session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= maxSessions {
		s.all = map[string]session{}
	}
	s.all[ticket] = one
}

func (s *Sessions) get(ticket []byte) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[string(ticket)]
	return one, ok
}

// promiseTicket adds session_ticket to the ServerHello where a ticket will follow, or is to be missed.
func (h *handshake) promiseTicket(ch *tlswire.ClientHello, sh *tlswire.ServerHello) {
	_, asks := ch.Extensions.Get(tlswire.ExtSessionTicket)
	h.ticket = asks && h.c.cfg.Sessions != nil
	if h.ticket || asks && h.c.cfg.LoseTicket && h.c.done {
		sh.Extensions = append(sh.Extensions, tlswire.Extension{Type: tlswire.ExtSessionTicket})
	}
}

// giveTicket sends the promised NewSessionTicket (RFC 5077 section 3.3).
func (h *handshake) giveTicket() error {
	if !h.ticket || h.c.cfg.LoseTicket && h.c.done {
		return nil
	}
	id := make([]byte, 32)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	h.c.cfg.Sessions.put(string(id), session{h.version, h.suite.ID, h.ems, h.master})
	h.say(tlswire.AppendMessage(nil, tlswire.MsgNewSessionTicket, append([]byte{0, 0, 14, 16, 0, 32}, id...))) // an hour
	return h.flush()
}

// resumes looks for the session that the client offers; one of other parameters gives a full handshake.
func (h *handshake) resumes(ch *tlswire.ClientHello) (session, bool) {
	if h.c.cfg.Sessions == nil || h.c.done || len(ch.Ticket) == 0 {
		return session{}, false
	}
	s, ok := h.c.cfg.Sessions.get(ch.Ticket)
	return s, ok && s.version == h.version && s.suite == h.suite.ID && s.ems == h.ems
}

// resume runs the abbreviated handshake (RFC 5246 section 7.3).
func (h *handshake) resume(ch *tlswire.ClientHello, sh *tlswire.ServerHello, s session) error {
	sh.SessionID = ch.SessionID
	for i := range sh.Extensions {
		if sh.Extensions[i].Type == tlswire.ExtSessionTicket {
			sh.Extensions = append(sh.Extensions[:i], sh.Extensions[i+1:]...)
			break
		}
	}
	h.say(tlswire.AppendServerHello(nil, sh))
	if err := h.flush(); err != nil {
		return err
	}
	h.master = s.master
	if err := h.halves(); err != nil {
		return err
	}
	if err := h.sendFinished(); err != nil {
		return err
	}
	if err := h.hearFinished(); err != nil {
		return err
	}
	h.end()
	h.c.resumed = true
	return nil
}
