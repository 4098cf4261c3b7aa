package tlspeer

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// handshake13 is a server's handshake of TLS 1.3 (RFC 8446 section 2).
type handshake13 struct {
	*handshake
	ch             *tlswire.ClientHello
	share          *ecdh.PublicKey
	hsSecret       []byte
	client, server []byte // handshake traffic secrets
	appIn, appOut  []byte // application traffic secrets
}

func (c *Conn) serverHandshake13(hello []byte, ch *tlswire.ClientHello, auth ClientAuth) error {
	h := &handshake13{handshake: &handshake{c: c, version: tlswire.VersionTLS13, clientRand: ch.Random[:]}, ch: ch}
	h.asked, h.required = auth != Ignore, auth == Require && c.cfg.RequireInHandshake
	c.version = tlswire.VersionTLS13
	h.transcript.Add(hello)
	if !h.pickSuite13() {
		return c.fail(tlswire.AlertHandshakeFailure)
	}
	if err := h.pickGroup(); err != nil {
		return err
	}
	if err := h.serverHello(); err != nil {
		return err
	}
	if err := h.serverFlight13(); err != nil {
		return err
	}
	if err := h.clientFlight13(); err != nil {
		return err
	}
	h.end()
	c.t13 = &state13{suite: h.suite, in: h.appIn, out: h.appOut, offersPHA: h.ch.PostHandshakeAuth, transcript: h.transcript}
	if h.required && len(h.peer) == 0 {
		return c.fail(tlswire.AlertCertificateRequired) // the client believes that the handshake succeeded
	}
	return nil
}

func (h *handshake13) pickSuite13() bool {
	own := slices.DeleteFunc(slices.Clone(h.c.cfg.Suites), func(id uint16) bool { return id>>8 != 0x13 })
	if len(own) == 0 {
		own = []uint16{0x1301, 0x1302, 0x1303}
	}
	for _, id := range own {
		if s, ok := tlswire.SuiteByID(id); ok && slices.Contains(h.ch.Suites, id) {
			h.suite = s
			return true
		}
	}
	return false
}

// pickGroup takes the first of our groups that the client has sent a key for, or asks for one with a HelloRetryRequest.
func (h *handshake13) pickGroup() error {
	for _, g := range h.c.cfg.Groups {
		if h.takeShare(g) {
			return h.newECDHE()
		}
	}
	for _, g := range h.c.cfg.Groups {
		if tlscrypt.Curve(g) == nil || !slices.Contains(h.ch.Groups, g) {
			continue
		}
		if err := h.retry(g); err != nil {
			return err
		}
		if !h.takeShare(g) {
			return h.c.fail(tlswire.AlertIllegalParameter)
		}
		return h.newECDHE()
	}
	return h.c.fail(tlswire.AlertHandshakeFailure)
}

func (h *handshake13) takeShare(g uint16) bool {
	curve := tlscrypt.Curve(g)
	for _, s := range h.ch.KeyShares {
		if s.Group == g && curve != nil {
			key, err := curve.NewPublicKey(s.Key)
			h.share, h.group = key, g
			return err == nil
		}
	}
	return false
}

// retry sends a HelloRetryRequest for group g and reads the second hello (RFC 8446 sections 4.1.4 and 4.4.1).
func (h *handshake13) retry(g uint16) error {
	first := h.transcript.Sum(h.version, h.suite.PRF)
	h.transcript.Reset()
	h.transcript.Add(tlswire.AppendMessage(nil, tlswire.MsgMessageHash, first))
	sh := h.hello13(u16(g))
	sh.Random = sha256.Sum256([]byte("HelloRetryRequest"))
	h.say(tlswire.AppendServerHello(nil, sh))
	if err := h.flush(); err != nil {
		return err
	}
	raw, body, err := h.hear(tlswire.MsgClientHello)
	if err != nil {
		return err
	}
	if h.ch, err = tlswire.ParseClientHello(body); err != nil {
		return h.c.fail(tlswire.AlertDecodeError)
	}
	h.transcript.Add(raw)
	return nil
}

func (h *handshake13) hello13(share []byte) *tlswire.ServerHello {
	return &tlswire.ServerHello{Version: tlswire.VersionTLS12, SessionID: h.ch.SessionID, Suite: h.suite.ID, Extensions: tlswire.Extensions{
		{Type: tlswire.ExtSupportedVersions, Data: u16(tlswire.VersionTLS13)}, {Type: tlswire.ExtKeyShare, Data: share}}}
}

// serverHello sends the ServerHello and switches to the keys of the handshake.
func (h *handshake13) serverHello() error {
	public := h.key.PublicKey().Bytes()
	sh := h.hello13(join(u16(h.group), u16(uint16(len(public))), public))
	if _, err := rand.Read(sh.Random[:]); err != nil {
		return err
	}
	h.say(tlswire.AppendServerHello(nil, sh))
	if err := h.flush(); err != nil {
		return err
	}
	shared, err := h.key.ECDH(h.share)
	if err != nil {
		return h.c.fail(tlswire.AlertIllegalParameter)
	}
	prf := h.suite.PRF
	early, err := tlscrypt.EarlySecret(prf, nil)
	if err != nil {
		return err
	}
	if h.hsSecret, err = tlscrypt.HandshakeSecret(prf, early, shared); err != nil {
		return err
	}
	if h.client, h.server, err = h.secrets(h.hsSecret, tlscrypt.LabelClientHandshakeTraffic, tlscrypt.LabelServerHandshakeTraffic); err != nil {
		return err
	}
	if err := h.log("HANDSHAKE_TRAFFIC_SECRET", "", h.client, h.server); err != nil {
		return err
	}
	return h.switchTo(h.client, h.server)
}

// secrets derives both directions from secret and the messages so far.
func (h *handshake13) secrets(secret []byte, clientLabel, serverLabel string) (client, server []byte, err error) {
	sum := h.transcript.Sum(h.version, h.suite.PRF)
	if client, err = tlscrypt.DeriveSecret(h.suite.PRF, secret, clientLabel, sum); err != nil {
		return nil, nil, err
	}
	server, err = tlscrypt.DeriveSecret(h.suite.PRF, secret, serverLabel, sum)
	return client, server, err
}

func (h *handshake13) log(label, suffix string, client, server []byte) error {
	if h.c.cfg.KeyLog == nil {
		return nil
	}
	_, err := io.WriteString(h.c.cfg.KeyLog, fmt.Sprintf("CLIENT_%s%s %x %x\nSERVER_%s%s %x %x\n",
		label, suffix, h.clientRand, client, label, suffix, h.clientRand, server))
	return err
}

// switchTo sets the keys of both directions; a nil secret leaves its direction as it is.
func (h *handshake13) switchTo(in, out []byte) (err error) {
	if in != nil {
		if h.c.in, err = tlscrypt.NewHalf13(&h.suite, in); err != nil {
			return err
		}
	}
	if out == nil {
		return nil
	}
	h.c.wmu.Lock()
	defer h.c.wmu.Unlock()
	h.c.out, err = tlscrypt.NewHalf13(&h.suite, out)
	return err
}

func u16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
