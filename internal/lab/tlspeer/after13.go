package tlspeer

import (
	"bytes"
	"crypto/rand"
	"errors"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// state13 is what a server of TLS 1.3 needs after its handshake.
type state13 struct {
	suite      tlswire.Suite
	in, out    []byte // application traffic secrets
	offersPHA  bool
	transcript tlscrypt.Transcript // up to the client's Finished
}

// errNotTLS13 says that a message exists in TLS 1.3 only.
var errNotTLS13 = errors.New("send message of tls 1.3: another version was negotiated")

// PostHandshakeAuth asks for a client certificate in TLS 1.3 (RFC 8446 section 4.6.2). Application data that comes first is kept, up
// to readAhead bytes. A client that never offered this answers with unexpected_message: see State.OffersPHA.
func (c *Conn) PostHandshakeAuth(readAhead int) error {
	if c.t13 == nil {
		return errNotTLS13
	}
	context := make([]byte, 8)
	if _, err := rand.Read(context); err != nil {
		return err
	}
	h := &handshake{c: c, version: tlswire.VersionTLS13, suite: c.t13.suite, asked: true}
	h.transcript.Add(c.t13.transcript.Bytes())
	h.say(certificateRequest13(context))
	if err := h.flush(); err != nil {
		return err
	}
	first, err := c.message(len(c.app) + readAhead)
	if err != nil {
		return err
	}
	c.msgs = join(first, c.msgs) // hear takes it again
	if err := h.hearCertificate13(context); err != nil {
		return err
	}
	want, err := tlscrypt.Finished13(h.suite.PRF, c.t13.in, h.transcript.Sum(h.version, h.suite.PRF))
	if err != nil {
		return err
	}
	_, body, err := h.hear(tlswire.MsgFinished)
	if err != nil {
		return err
	}
	if !bytes.Equal(body, want) {
		return c.fail(tlswire.AlertDecryptError)
	}
	c.peer = h.peer
	c.count++
	return nil
}

// KeyUpdate sends one and changes our keys; request asks the peer to do the same (RFC 8446 section 4.6.3).
func (c *Conn) KeyUpdate(request bool) error {
	if c.t13 == nil {
		return errNotTLS13
	}
	body := []byte{0}
	if request {
		body[0] = 1
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if err := c.writeLocked(tlswire.TypeHandshake, tlswire.AppendMessage(nil, tlswire.MsgKeyUpdate, body)); err != nil {
		return err
	}
	next, half, err := c.t13.next(c.t13.out)
	if err == nil {
		c.t13.out, c.out = next, half
	}
	return err
}

func (s *state13) next(secret []byte) ([]byte, *tlscrypt.Half, error) {
	next, err := tlscrypt.NextTrafficSecret(s.suite.PRF, secret)
	if err != nil {
		return nil, nil, err
	}
	half, err := tlscrypt.NewHalf13(&s.suite, next)
	return next, half, err
}

// unasked13 handles a handshake message between handshakes: of a client, KeyUpdate alone may come.
func (c *Conn) unasked13(m []byte) error {
	if m[0] != tlswire.MsgKeyUpdate {
		return c.fail(tlswire.AlertUnexpectedMessage)
	}
	wanted, err := tlswire.ParseKeyUpdate(m[tlswire.MessageHeaderLen:])
	if err != nil {
		return c.fail(tlswire.AlertDecodeError)
	}
	next, half, err := c.t13.next(c.t13.in)
	if err != nil {
		return err
	}
	c.t13.in, c.in = next, half
	if wanted {
		return c.KeyUpdate(false)
	}
	return nil
}
