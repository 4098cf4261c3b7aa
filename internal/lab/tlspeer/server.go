package tlspeer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"slices"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// serverHandshake runs a handshake; hello is the ClientHello when it has been read already.
func (c *Conn) serverHandshake(hello []byte, auth ClientAuth) error {
	h := &handshake{c: c, required: auth == Require && c.cfg.RequireInHandshake}
	if hello == nil {
		var err error
		if hello, err = c.message(0); err != nil {
			return err
		}
	}
	if hello[0] != tlswire.MsgClientHello {
		return c.fail(tlswire.AlertUnexpectedMessage)
	}
	ch, err := tlswire.ParseClientHello(hello[tlswire.MessageHeaderLen:])
	if err != nil {
		return c.fail(tlswire.AlertDecodeError)
	}
	if !c.done && c.cfg.MaxVersion >= tlswire.VersionTLS13 && slices.Contains(ch.Versions, tlswire.VersionTLS13) {
		return c.serverHandshake13(hello, ch, auth)
	}
	h.transcript.Add(hello)
	sh, err := h.choose(ch)
	if err != nil {
		return err
	}
	if s, ok := h.resumes(ch); ok {
		return h.resume(ch, sh, s)
	}
	if err := h.serverFlight(ch, sh, auth); err != nil {
		return err
	}
	if err := h.clientFlight(); err != nil {
		return err
	}
	if err := h.giveTicket(); err != nil {
		return err
	}
	if err := h.sendFinished(); err != nil {
		return err
	}
	h.end()
	return nil
}

// choose answers the hello: version, suite, extensions.
func (h *handshake) choose(ch *tlswire.ClientHello) (sh *tlswire.ServerHello, err error) {
	c := h.c
	h.version = min(ch.Version, c.cfg.MaxVersion, tlswire.VersionTLS12)
	if c.done {
		h.version = c.version
	}
	if h.version < c.cfg.MinVersion || h.version > ch.Version {
		return nil, c.fail(tlswire.AlertProtocolVersion)
	}
	c.version = h.version
	if !h.pickSuite(ch) {
		return nil, c.fail(tlswire.AlertHandshakeFailure)
	}
	sh = &tlswire.ServerHello{Version: h.version, Suite: h.suite.ID}
	if sh.ALPN, err = c.chooseALPN(ch.ALPN); err != nil {
		return nil, err
	}
	if !c.cfg.NoSecureRenegotiation {
		if !h.secureRenegotiation(ch) {
			return nil, c.fail(tlswire.AlertHandshakeFailure)
		}
		if c.secure {
			sh.RenegotiationInfo = join([]byte{}, c.clientVerify, c.serverVerify)
		}
	}
	h.ems = ch.ExtendedMasterSecret && !c.cfg.NoExtendedMasterSecret
	h.etm = ch.EncryptThenMAC && !c.cfg.NoEncryptThenMAC && h.suite.Cipher.Kind == tlswire.KindCBC
	sh.ExtendedMasterSecret, sh.EncryptThenMAC = h.ems, h.etm
	if h.serverRand, err = newRandom(); err != nil {
		return nil, err
	}
	copy(sh.Random[:], h.serverRand)
	h.clientRand = ch.Random[:]
	sh.BuildExtensions()
	h.promiseTicket(ch, sh)
	return sh, nil
}

// secureRenegotiation checks the client's half of RFC 5746 sections 3.6 and 3.7.
func (h *handshake) secureRenegotiation(ch *tlswire.ClientHello) bool {
	if !h.c.done {
		h.c.secure = ch.SecureRenegotiation
		return len(ch.RenegotiationInfo) == 0
	}
	if !h.c.secure {
		return !ch.SecureRenegotiation
	}
	return ch.RenegotiationInfo != nil && bytes.Equal(ch.RenegotiationInfo, h.c.clientVerify)
}

// pickSuite takes the first of our suites that the client offers and that our key and the version can do.
func (h *handshake) pickSuite(ch *tlswire.ClientHello) bool {
	cert := h.c.cfg.Certificate
	_, isECDSA := cert.Key.(*ecdsa.PrivateKey)
	for _, g := range h.c.cfg.Groups {
		if (ch.Groups == nil || slices.Contains(ch.Groups, g)) && tlscrypt.Curve(g) != nil {
			h.group = g
			break
		}
	}
	for _, id := range h.c.cfg.Suites {
		s, ok := tlswire.SuiteByID(id)
		if !ok || !slices.Contains(ch.Suites, id) {
			continue
		}
		if h.version < tlswire.VersionTLS12 && (s.Cipher.Kind == tlswire.KindAEAD || s.MAC != "SHA" && s.MAC != "MD5") {
			continue
		}
		switch s.KX {
		case "RSA", "DHE_RSA":
			ok = !isECDSA
		case "ECDHE_RSA":
			ok = !isECDSA && h.group != 0
		case "ECDHE_ECDSA":
			ok = isECDSA && h.group != 0
		default:
			ok = false
		}
		if ok {
			h.suite = s
			return true
		}
	}
	return false
}

// serverFlight sends ServerHello to ServerHelloDone.
func (h *handshake) serverFlight(ch *tlswire.ClientHello, sh *tlswire.ServerHello, auth ClientAuth) error {
	cert := h.c.cfg.Certificate
	h.say(tlswire.AppendServerHello(nil, sh))
	h.say(tlswire.AppendCertificate(nil, cert.Chain))
	if h.suite.KX != "RSA" {
		if err := h.serverKeyExchange(ch); err != nil {
			return err
		}
	}
	if auth != Ignore {
		h.asked = true
		h.say(tlswire.AppendCertificateRequest(nil, &tlswire.CertificateRequest{
			Types: []uint8{tlswire.CertTypeRSASign, tlswire.CertTypeECDSASign}, SignatureSchemes: schemes(), Authorities: h.c.cfg.ClientCAs}, h.version))
	}
	h.say(tlswire.AppendMessage(nil, tlswire.MsgServerHelloDone, nil))
	return h.flush()
}

// serverKeyExchange says the ephemeral key, signed.
func (h *handshake) serverKeyExchange(ch *tlswire.ClientHello) error {
	params, err := h.ephemeral()
	if err != nil {
		return err
	}
	cert := h.c.cfg.Certificate
	k := &tlswire.ServerKeyExchange{Params: params}
	offered := ch.SignatureSchemes
	if offered == nil { // RFC 5246 section 7.4.1.4.1
		offered = []uint16{tlscrypt.RSAPKCS1SHA1, tlscrypt.ECDSASHA1}
	}
	scheme := tlscrypt.PickScheme(cert.Key.Public(), offered)
	if scheme == 0 && h.version >= tlswire.VersionTLS12 {
		return h.c.fail(tlswire.AlertHandshakeFailure)
	}
	if k.Signed, err = tlscrypt.Sign(cert.Key, scheme, h.version, join(h.clientRand, h.serverRand, k.Params)); err != nil {
		return err
	}
	h.say(tlswire.AppendServerKeyExchange(nil, k, h.version))
	return nil
}

// ephemeral makes our key and returns the parameters to sign.
func (h *handshake) ephemeral() ([]byte, error) {
	if h.suite.KX == "DHE_RSA" {
		return h.newDHE()
	}
	if err := h.newECDHE(); err != nil {
		return nil, err
	}
	return tlswire.AppendECDHEParams(nil, h.group, h.key.PublicKey().Bytes()), nil
}

// chooseALPN picks the protocol; "" for none.
func (c *Conn) chooseALPN(offered []string) (string, error) {
	pick := c.cfg.ForceALPN
	for _, p := range c.cfg.ALPN {
		if pick == "" && slices.Contains(offered, p) {
			pick = p
		}
	}
	if pick == "" && c.cfg.RequireALPN {
		return "", c.fail(tlswire.AlertNoApplicationProtocol)
	}
	c.alpn = pick
	return pick, nil
}

// schemes is what we ask and offer in TLS 1.2.
func schemes() []uint16 {
	return []uint16{tlscrypt.RSAPKCS1SHA256, tlscrypt.ECDSASHA256, tlscrypt.RSAPSSSHA256, tlscrypt.RSAPKCS1SHA384, tlscrypt.ECDSASHA384,
		tlscrypt.RSAPKCS1SHA512, tlscrypt.RSAPKCS1SHA1, tlscrypt.ECDSASHA1}
}

// clientFlight reads Certificate to Finished.
func (h *handshake) clientFlight() error {
	if h.asked {
		raw, body, err := h.hear(tlswire.MsgCertificate)
		if err != nil {
			return err
		}
		if err := h.parseChain(body); err != nil {
			return err
		}
		if h.required && len(h.peer) == 0 {
			return h.c.fail(tlswire.AlertHandshakeFailure)
		}
		h.transcript.Add(raw)
	}
	raw, body, err := h.hear(tlswire.MsgClientKeyExchange)
	if err != nil {
		return err
	}
	value, err := tlswire.ParseClientKeyExchange(body, h.suite.KX, h.version)
	if err != nil {
		return h.c.fail(tlswire.AlertDecodeError)
	}
	h.transcript.Add(raw)
	switch h.suite.KX {
	case "RSA":
		err = h.decryptPreMaster(value)
	case "DHE_RSA":
		err = h.agreeDHE(value)
	default:
		err = h.agree(value)
	}
	if err != nil {
		return err
	}
	if err := h.keys(); err != nil {
		return err
	}
	if len(h.peer) > 0 {
		if err := h.hearVerify(); err != nil {
			return err
		}
	}
	return h.hearFinished()
}

// decryptPreMaster reads the RSA-encrypted pre-master secret; a bad one gives random keys (RFC 5246 section 7.4.7.1).
func (h *handshake) decryptPreMaster(encrypted []byte) error {
	key, ok := h.c.cfg.Certificate.Key.(*rsa.PrivateKey)
	if !ok {
		return h.c.fail(tlswire.AlertInternalError)
	}
	h.preMaster = make([]byte, tlscrypt.PreMasterLen)
	if _, err := rand.Read(h.preMaster); err != nil {
		return err
	}
	if err := rsa.DecryptPKCS1v15SessionKey(rand.Reader, key, encrypted, h.preMaster); err != nil {
		return h.c.fail(tlswire.AlertDecryptError)
	}
	return nil
}

// hearVerify checks that the client holds the key of the certificate it sent.
func (h *handshake) hearVerify() error {
	signed := slices.Clone(h.transcript.Bytes())
	raw, body, err := h.hear(tlswire.MsgCertificateVerify)
	if err != nil {
		return err
	}
	sig, err := tlswire.ParseCertificateVerify(body, h.version)
	if err != nil {
		return h.c.fail(tlswire.AlertDecodeError)
	}
	if tlscrypt.Verify(h.peer[0].PublicKey, h.version, signed, sig) != nil {
		return h.c.fail(tlswire.AlertDecryptError)
	}
	h.transcript.Add(raw)
	return nil
}
