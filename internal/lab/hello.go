package lab

import (
	"errors"
	"io"
	"net"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// peek reads up to one ClientHello. hello is nil when what came is none; raw is all that was read.
func (s *session) peek() (hello *tlswire.ClientHello, raw []byte) {
	buf := make([]byte, 4096)
	for len(raw) < tlswire.MaxHello {
		n, err := s.nc.Read(buf)
		raw = append(raw, buf[:n]...)
		h, notYet := tlswire.PeekClientHello(raw)
		if h != nil || err != nil || !errors.Is(notYet, tlswire.ErrShort) {
			return h, raw
		}
	}
	return nil, raw
}

// afterHello reads up to one ClientHello, then calls then; the connection closes when it returns.
func afterHello(then func(*session)) func(*session) {
	return func(s *session) {
		s.peek()
		then(s)
	}
}

// replayed is a connection of which some bytes were read already.
type replayed struct {
	net.Conn
	first []byte
}

func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// CloseWrite passes on to TCP.
func (r *replayed) CloseWrite() error {
	if t, ok := r.Conn.(*net.TCPConn); ok {
		return t.CloseWrite()
	}
	return io.ErrClosedPipe
}
