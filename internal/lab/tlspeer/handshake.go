package tlspeer

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// handshake is one handshake, the first or a later one; both roles share it.
type handshake struct {
	c          *Conn
	transcript tlscrypt.Transcript
	version    uint16
	suite      tlswire.Suite
	ems, etm   bool
	clientRand []byte
	serverRand []byte
	asked      bool // a client certificate was asked for
	required   bool // and the handshake breaks without one
	peer       []*x509.Certificate
	key        *ecdh.PrivateKey
	group      uint16
	preMaster  []byte
	master     []byte
	flight     []byte // messages to send
	dh         *big.Int
	ticket     bool  // a NewSessionTicket is promised
	stopped    error // what Before said
	hold       int   // bytes of application data that may wait for Read at most; 0: no message was taken yet
}

// inHandshake is how much application data one handshake keeps, beyond what waited for Read when it began.
const inHandshake = 1 << 20

// message is the next message of the handshake.
func (h *handshake) message() ([]byte, error) {
	if h.hold == 0 {
		h.hold = len(h.c.app) + inHandshake
	}
	return h.c.message(h.hold)
}

// say adds a message to the flight and the transcript.
func (h *handshake) say(raw []byte) {
	h.before(raw[0])
	h.transcript.Add(raw)
	h.flight = append(h.flight, raw...)
}

// before asks Config.Before, with all that was said so far sent.
func (h *handshake) before(msg uint8) {
	if h.c.cfg.Before == nil || h.c.client || h.stopped != nil {
		return
	}
	if len(h.flight) > 0 {
		if h.stopped = h.flush(); h.stopped != nil {
			return
		}
	}
	h.stopped = h.c.cfg.Before(h.c, msg)
}

func (h *handshake) flush() error {
	if h.stopped != nil {
		return h.stopped
	}
	err := h.c.writeRecords(tlswire.TypeHandshake, h.flight)
	h.flight = nil
	return err
}

// hear returns the body of the next message, which must be of type want. Its caller adds it to the transcript where it has
// to look at it first.
func (h *handshake) hear(want uint8) (raw, body []byte, err error) {
	raw, err = h.message()
	if err != nil {
		return nil, nil, err
	}
	if raw[0] != want {
		return nil, nil, h.c.fail(tlswire.AlertUnexpectedMessage)
	}
	return raw, raw[tlswire.MessageHeaderLen:], nil
}

// keys derives the master secret and both halves once the pre-master secret and, for EMS, the transcript are there.
func (h *handshake) keys() error {
	if h.ems {
		h.master = tlscrypt.ExtendedMasterSecret(h.version, h.suite.PRF, h.preMaster, h.transcript.Sum(h.version, h.suite.PRF))
	} else {
		h.master = tlscrypt.MasterSecret(h.version, h.suite.PRF, h.preMaster, h.clientRand, h.serverRand)
	}
	return h.halves()
}

// halves derives both halves from the master secret.
func (h *handshake) halves() error {
	k := tlscrypt.DeriveKeys(&h.suite, h.version, h.master, h.clientRand, h.serverRand)
	client, server, err := tlscrypt.Halves(&h.suite, h.version, h.etm, &k)
	if err != nil {
		return err
	}
	h.c.nextIn, h.c.nextOut = client, server
	if h.c.client {
		h.c.nextIn, h.c.nextOut = server, client
	}
	if h.c.cfg.KeyLog != nil {
		_, err = io.WriteString(h.c.cfg.KeyLog, fmt.Sprintf("CLIENT_RANDOM %x %x\n", h.clientRand, h.master))
	}
	return err
}

// sendFinished sends ChangeCipherSpec and our Finished.
func (h *handshake) sendFinished() error {
	h.before(tlswire.MsgFinished)
	if h.stopped != nil {
		return h.stopped
	}
	data := h.finished(h.c.client)
	h.remember(h.c.client, data)
	raw := tlswire.AppendMessage(nil, tlswire.MsgFinished, data)
	h.transcript.Add(raw)
	return h.c.switchOut(raw)
}

// hearFinished checks the peer's, which must stand behind its ChangeCipherSpec.
func (h *handshake) hearFinished() error {
	want := h.finished(!h.c.client)
	raw, body, err := h.hear(tlswire.MsgFinished)
	if err != nil {
		return err
	}
	if h.c.nextIn != nil {
		return h.c.fail(tlswire.AlertUnexpectedMessage)
	}
	if !bytes.Equal(body, want) {
		return h.c.fail(tlswire.AlertDecryptError)
	}
	h.remember(!h.c.client, want)
	h.transcript.Add(raw)
	return nil
}

func (h *handshake) finished(client bool) []byte {
	sum := h.transcript.Sum(h.version, h.suite.PRF)
	if client {
		return tlscrypt.ClientFinished(h.version, h.suite.PRF, h.master, sum)
	}
	return tlscrypt.ServerFinished(h.version, h.suite.PRF, h.master, sum)
}

func (h *handshake) remember(client bool, data []byte) {
	if client {
		h.c.clientVerify = data
	} else {
		h.c.serverVerify = data
	}
}

// end commits what was agreed.
func (h *handshake) end() {
	h.c.suite, h.c.done = h.suite, true
	h.c.count++
	h.c.resumed = false
	if h.c.client || h.asked {
		h.c.peer = h.peer
	}
}

// newECDHE makes our ephemeral key and, once the peer's is known, agree the pre-master secret.
func (h *handshake) newECDHE() (err error) {
	h.key, err = tlscrypt.Curve(h.group).GenerateKey(rand.Reader)
	return err
}

func (h *handshake) agree(public []byte) error {
	peer, err := tlscrypt.Curve(h.group).NewPublicKey(public)
	if err == nil {
		h.preMaster, err = h.key.ECDH(peer)
	}
	if err != nil {
		return h.c.fail(tlswire.AlertIllegalParameter)
	}
	return nil
}

func (h *handshake) parseChain(body []byte) error {
	chain, err := tlswire.ParseCertificate(body, h.version)
	if err != nil {
		return h.c.fail(tlswire.AlertDecodeError)
	}
	h.peer = nil
	for _, der := range chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return h.c.fail(tlswire.AlertBadCertificate)
		}
		h.peer = append(h.peer, cert)
	}
	return nil
}

func newRandom() ([]byte, error) {
	b := make([]byte, tlscrypt.RandomLen)
	_, err := rand.Read(b)
	return b, err
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
