package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// session is one connection to an origin.
type session struct {
	o    *Origin
	id   uint64
	nc   net.Conn
	tls  *tlspeer.Conn // nil on a plain origin
	conn net.Conn      // tls, or nc on a plain origin
	br   *bufio.Reader
	n    int  // requests so far
	done bool // renegotiated already

	login      int    // the NTLM message that this connection has got so far: 1 or 3
	lastStream uint32 // of HTTP/2, answered
	second     bool   // it came to the second node
}

// errEnd ends a session without a word.
var errEnd = errors.New("session over")

func (s *session) note(kind EventKind, text string) {
	if s.o.cfg.Observe != nil {
		s.o.cfg.Observe(Event{At: time.Now(), Conn: s.id, Kind: kind, Text: text})
	}
}

func (s *session) run() {
	defer s.nc.Close()
	s.note(Connected, s.nc.RemoteAddr().String())
	if s.o.fault.raw != nil {
		s.o.fault.raw(s)
		return
	}
	if err := s.serve(); err != nil && !errors.Is(err, errEnd) && !errors.Is(err, io.EOF) {
		s.note(Failed, err.Error())
	}
}

func (s *session) serve() error {
	_ = s.nc.SetDeadline(time.Now().Add(idleTimeout))
	s.conn = s.nc
	if !s.o.cfg.Plain {
		if err := s.handshake(); err != nil {
			return err
		}
		if s.tls.State().ALPN == "h2" {
			return s.serveH2()
		}
	}
	s.br = bufio.NewReader(s.conn)
	for {
		_ = s.nc.SetDeadline(time.Now().Add(s.o.cfg.Idle))
		r, err := http.ReadRequest(s.br)
		if err != nil {
			_ = s.conn.Close()
			return err
		}
		_ = s.nc.SetDeadline(time.Now().Add(idleTimeout))
		s.n++
		s.note(Requested, r.Method+" "+r.RequestURI)
		if err := s.exchange(r); err != nil {
			return err
		}
		if r.Close {
			return s.conn.Close()
		}
	}
}

func (s *session) handshake() error {
	cfg, nc := s.o.cfg.TLS, s.nc
	if s.second {
		cfg.Certificate = s.o.cfg.old
	}
	if s.o.fault.hello != nil || s.o.fault.plain != nil {
		hello, raw := s.peek()
		if hello == nil && s.o.fault.plain != nil {
			return s.o.fault.plain(s)
		}
		if hello != nil && s.o.fault.hello != nil {
			if err := s.o.fault.hello(s, hello, &cfg); err != nil {
				return err
			}
		}
		nc = &replayed{s.nc, raw}
	}
	s.tls = tlspeer.Server(nc, cfg)
	s.conn = s.tls
	if err := s.tls.Handshake(); err != nil {
		return err
	}
	st := s.tls.State()
	s.note(Handshaken, tlswire.VersionName(st.Version)+" "+tlswire.SuiteName(st.Suite))
	return nil
}

// exchange answers one request; an error ends the connection.
func (s *session) exchange(r *http.Request) error {
	if s.o.fault.answer != nil {
		return s.o.fault.answer(s, r)
	}
	early := int64(0)
	if s.mustRenegotiate(r.URL.Path) {
		var err error
		if early, err = s.earlyBody(r); err != nil {
			return err
		}
		if err := s.renegotiate(); err != nil {
			return err
		}
	}
	if waits(r) {
		if err := s.write(continue100); err != nil {
			return err
		}
	}
	body, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	body += early
	if s.o.cfg.Renegotiate.Auth == tlspeer.Require && s.asks(r.URL.Path) && len(s.state().Peer) == 0 {
		return s.answer(403, page4037, r)
	}
	return s.answer(200, s.describe(r, body), r)
}

// flight is how long the origin reads nothing before it asks, so that more of the body is on its way.
const flight = 200 * time.Millisecond

// earlyBody reads the body up to ReadAhead where the origin is to ask for a certificate while a longer one is in flight.
func (s *session) earlyBody(r *http.Request) (int64, error) {
	cfg := &s.o.cfg.Renegotiate
	if !cfg.InFlight || waits(r) || r.ContentLength <= int64(cfg.ReadAhead) {
		return 0, nil
	}
	n, err := io.CopyN(io.Discard, r.Body, int64(cfg.ReadAhead))
	if err == nil && !s.wait(flight) {
		err = errEnd
	}
	return n, err
}

// waits reports whether the client holds its body back for a 100 Continue.
func waits(r *http.Request) bool { return strings.EqualFold(r.Header.Get("Expect"), "100-continue") }

// state is the zero State on a plain origin.
func (s *session) state() tlspeer.State {
	if s.tls == nil {
		return tlspeer.State{}
	}
	return s.tls.State()
}

// write sends text as it is.
func (s *session) write(text string) error {
	_, err := io.WriteString(s.conn, text)
	return err
}

// answer sends a whole response.
func (s *session) answer(status int, page string, r *http.Request) error {
	kind := "text/plain"
	if strings.HasPrefix(page, "<") {
		kind = "text/html"
	}
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nServer: lunette-lab\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %d\r\n",
		status, http.StatusText(status), kind, len(page))
	if r.Close {
		head += "Connection: close\r\n"
	}
	if r.Method == http.MethodHead {
		page = ""
	}
	s.note(Answered, fmt.Sprint(status))
	return s.write(head + "\r\n" + page)
}

// describe is the page of a healthy origin: what it received.
func (s *session) describe(r *http.Request, body int64) string {
	st := s.state()
	subject, protocol := "none", "none"
	if s.tls != nil {
		protocol = tlswire.VersionName(st.Version) + " " + tlswire.SuiteName(st.Suite)
	}
	if len(st.Peer) > 0 {
		subject = st.Peer[0].Subject.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "lunette lab origin\nrequest: %s %s\nhost: %s\nbody: %d bytes\ntls: %s\nhandshakes: %d\nclient certificate: %s\n",
		r.Method, r.RequestURI, r.Host, body, protocol, st.Handshakes, subject)
	return b.String()
}

const page4037 = "<!doctype html><title>403.7</title><h1>HTTP Error 403.7 - Forbidden</h1>" +
	"<p>This page needs a client certificate, and the connection came without one.</p>\n"

// reset ends the connection with RST.
func (s *session) reset() error {
	s.note(Reset, "")
	reset(s.nc)
	return errEnd
}

func reset(nc net.Conn) {
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = nc.Close()
}

// wait returns true after d, false when the origin is closed first.
func (s *session) wait(d time.Duration) bool {
	ctx, cancel := context.WithTimeout(s.o.ctx, d)
	defer cancel()
	<-ctx.Done()
	return s.o.ctx.Err() == nil
}

// silence keeps the connection open and says nothing until the peer or the origin ends it. What comes is read and dropped.
func (s *session) silence() error {
	_ = s.nc.SetDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, s.nc)
	return errEnd
}
