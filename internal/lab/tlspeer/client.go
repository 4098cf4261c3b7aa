package tlspeer

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// clientHandshake runs a handshake, the first or one that a HelloRequest asked for.
func (c *Conn) clientHandshake() error {
	h := &handshake{c: c}
	if err := h.sendHello(); err != nil {
		return err
	}
	if err := h.hearHello(); err != nil {
		return err
	}
	request, err := h.hearServerFlight()
	if err != nil {
		return err
	}
	if err := h.sendKeys(request); err != nil {
		return err
	}
	if err := h.sendFinished(); err != nil {
		return err
	}
	if err := h.hearFinished(); err != nil {
		return err
	}
	h.end()
	return nil
}

func (h *handshake) sendHello() error {
	c := h.c
	var err error
	if h.clientRand, err = newRandom(); err != nil {
		return err
	}
	ch := &tlswire.ClientHello{Version: c.cfg.MaxVersion, Suites: slices.Clone(c.cfg.Suites), Compression: []byte{0}, ServerName: c.cfg.ServerName,
		Groups: c.cfg.Groups, PointFormats: []byte{0}, ExtendedMasterSecret: !c.cfg.NoExtendedMasterSecret, EncryptThenMAC: !c.cfg.NoEncryptThenMAC}
	copy(ch.Random[:], h.clientRand)
	if c.cfg.MaxVersion >= tlswire.VersionTLS12 {
		ch.SignatureSchemes = schemes()
	}
	if c.cfg.ALPN != nil {
		ch.ALPN = c.cfg.ALPN
	}
	if !c.cfg.NoSecureRenegotiation {
		ch.RenegotiationInfo = join([]byte{}, c.clientVerify)
	}
	ch.BuildExtensions()
	h.say(tlswire.AppendClientHello(nil, ch))
	return h.flush()
}

func (h *handshake) hearHello() error {
	c := h.c
	raw, body, err := h.hear(tlswire.MsgServerHello)
	if err != nil {
		return err
	}
	sh, err := tlswire.ParseServerHello(body)
	if err != nil {
		return c.fail(tlswire.AlertDecodeError)
	}
	h.transcript.Add(raw)
	h.version = sh.Negotiated()
	if h.version < c.cfg.MinVersion || h.version > c.cfg.MaxVersion || c.done && h.version != c.version {
		return c.fail(tlswire.AlertProtocolVersion)
	}
	suite, ok := tlswire.SuiteByID(sh.Suite)
	if !ok || !slices.Contains(c.cfg.Suites, sh.Suite) {
		return c.fail(tlswire.AlertIllegalParameter)
	}
	want := join([]byte{}, c.clientVerify, c.serverVerify)
	if sh.RenegotiationInfo != nil && !bytes.Equal(sh.RenegotiationInfo, want) || c.done && c.secure && sh.RenegotiationInfo == nil {
		return c.fail(tlswire.AlertHandshakeFailure) // RFC 5746 sections 3.4 and 3.5
	}
	if !c.done {
		c.secure = sh.RenegotiationInfo != nil
	}
	c.version, c.alpn, h.suite = h.version, sh.ALPN, suite
	h.ems, h.etm, h.serverRand = sh.ExtendedMasterSecret, sh.EncryptThenMAC, sh.Random[:]
	return nil
}

// hearServerFlight reads Certificate to ServerHelloDone; request is nil when no client certificate is asked for.
func (h *handshake) hearServerFlight() (request *tlswire.CertificateRequest, err error) {
	for {
		raw, err := h.message()
		if err != nil {
			return nil, err
		}
		h.transcript.Add(raw)
		body := raw[tlswire.MessageHeaderLen:]
		switch raw[0] {
		case tlswire.MsgCertificate:
			if err := h.serverChain(body); err != nil {
				return nil, err
			}
		case tlswire.MsgServerKeyExchange:
			if err := h.serverKey(body); err != nil {
				return nil, err
			}
		case tlswire.MsgCertificateRequest:
			if request, err = tlswire.ParseCertificateRequest(body, h.version); err != nil {
				return nil, h.c.fail(tlswire.AlertDecodeError)
			}
		case tlswire.MsgServerHelloDone:
			if len(h.peer) == 0 || strings.HasPrefix(h.suite.KX, "ECDHE") != (h.group != 0) {
				return nil, h.c.fail(tlswire.AlertUnexpectedMessage)
			}
			return request, nil
		case tlswire.MsgHelloRequest, tlswire.MsgCertificateStatus:
		default:
			return nil, h.c.fail(tlswire.AlertUnexpectedMessage)
		}
	}
}

func (h *handshake) serverChain(body []byte) error {
	if err := h.parseChain(body); err != nil {
		return err
	}
	if len(h.peer) == 0 {
		return h.c.fail(tlswire.AlertBadCertificate)
	}
	if h.c.cfg.Roots == nil {
		return nil
	}
	between := x509.NewCertPool()
	for _, cert := range h.peer[1:] {
		between.AddCert(cert)
	}
	if _, err := h.peer[0].Verify(x509.VerifyOptions{DNSName: h.c.cfg.ServerName, Roots: h.c.cfg.Roots, Intermediates: between}); err != nil {
		_ = h.c.fail(tlswire.AlertUnknownCA)
		return err
	}
	return nil
}

func (h *handshake) serverKey(body []byte) error {
	k, err := tlswire.ParseServerKeyExchange(body, h.suite.KX, h.version)
	if err != nil || len(h.peer) == 0 {
		return h.c.fail(tlswire.AlertDecodeError)
	}
	if tlscrypt.Verify(h.peer[0].PublicKey, h.version, join(h.clientRand, h.serverRand, k.Params), k.Signed) != nil {
		return h.c.fail(tlswire.AlertDecryptError)
	}
	if !slices.Contains(h.c.cfg.Groups, k.Group) || tlscrypt.Curve(k.Group) == nil {
		return h.c.fail(tlswire.AlertIllegalParameter)
	}
	h.group = k.Group
	if err := h.newECDHE(); err != nil {
		return err
	}
	return h.agree(k.Public)
}

// sendKeys sends Certificate (when asked), ClientKeyExchange and CertificateVerify.
func (h *handshake) sendKeys(request *tlswire.CertificateRequest) error {
	own := h.c.cfg.Certificate
	if request != nil {
		var chain [][]byte
		if own != nil {
			chain = own.Chain
		}
		h.say(tlswire.AppendCertificate(nil, chain))
	}
	var public []byte
	if h.suite.KX == "RSA" {
		var err error
		if public, err = h.encryptPreMaster(); err != nil {
			return err
		}
	} else {
		public = h.key.PublicKey().Bytes()
	}
	h.say(tlswire.AppendClientKeyExchange(nil, h.suite.KX, public))
	if err := h.keys(); err != nil {
		return err
	}
	if request != nil && own != nil {
		sig, err := tlscrypt.Sign(own.Key, tlscrypt.PickScheme(own.Key.Public(), request.SignatureSchemes), h.version, h.transcript.Bytes())
		if err != nil {
			return err
		}
		h.say(tlswire.AppendCertificateVerify(nil, sig, h.version))
	}
	return h.flush()
}

func (h *handshake) encryptPreMaster() ([]byte, error) {
	key, ok := h.peer[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, h.c.fail(tlswire.AlertIllegalParameter)
	}
	h.preMaster = make([]byte, tlscrypt.PreMasterLen)
	if _, err := rand.Read(h.preMaster); err != nil {
		return nil, err
	}
	h.preMaster[0], h.preMaster[1] = byte(h.c.cfg.MaxVersion>>8), byte(h.c.cfg.MaxVersion)
	return rsa.EncryptPKCS1v15(rand.Reader, key, h.preMaster)
}
