package tlspeer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// serverFlight13 sends EncryptedExtensions to Finished and switches to the keys of the application.
func (h *handshake13) serverFlight13() error {
	if err := h.encryptedExtensions(); err != nil {
		return err
	}
	if h.asked {
		h.say(certificateRequest13(nil))
	}
	cert := h.c.cfg.Certificate
	h.say(certificate13(cert.Chain))
	scheme := tlscrypt.PickScheme(cert.Key.Public(), schemes13(cert.Key.Public(), h.ch.SignatureSchemes))
	if scheme == 0 {
		return h.c.fail(tlswire.AlertHandshakeFailure)
	}
	sig, err := tlscrypt.Sign(cert.Key, scheme, h.version, signed13(true, h.transcript.Sum(h.version, h.suite.PRF)))
	if err != nil {
		return err
	}
	h.say(tlswire.AppendCertificateVerify(nil, sig, h.version))
	data, err := tlscrypt.Finished13(h.suite.PRF, h.server, h.transcript.Sum(h.version, h.suite.PRF))
	if err != nil {
		return err
	}
	h.say(tlswire.AppendMessage(nil, tlswire.MsgFinished, data))
	if err := h.flush(); err != nil {
		return err
	}
	secret, err := tlscrypt.MainSecret(h.suite.PRF, h.hsSecret)
	if err != nil {
		return err
	}
	if h.appIn, h.appOut, err = h.secrets(secret, tlscrypt.LabelClientTraffic, tlscrypt.LabelServerTraffic); err != nil {
		return err
	}
	if err := h.log("TRAFFIC_SECRET", "_0", h.appIn, h.appOut); err != nil {
		return err
	}
	return h.switchTo(nil, h.appOut)
}

func (h *handshake13) encryptedExtensions() error {
	alpn, err := h.c.chooseALPN(h.ch.ALPN)
	if err != nil {
		return err
	}
	var ext []byte
	if alpn != "" {
		n := len(alpn)
		ext = join(u16(tlswire.ExtALPN), u16(uint16(n+3)), u16(uint16(n+1)), []byte{byte(n)}, []byte(alpn))
	}
	h.say(tlswire.AppendMessage(nil, tlswire.MsgEncryptedExtensions, join(u16(uint16(len(ext))), ext)))
	return nil
}

// clientFlight13 reads Certificate (when asked) to Finished.
func (h *handshake13) clientFlight13() error {
	if h.asked {
		if err := h.hearCertificate13(nil); err != nil {
			return err
		}
	}
	want, err := tlscrypt.Finished13(h.suite.PRF, h.client, h.transcript.Sum(h.version, h.suite.PRF))
	if err != nil {
		return err
	}
	raw, body, err := h.hear(tlswire.MsgFinished)
	if err != nil {
		return err
	}
	if !bytes.Equal(body, want) {
		return h.c.fail(tlswire.AlertDecryptError)
	}
	h.transcript.Add(raw)
	return h.switchTo(h.appIn, nil)
}

// hearCertificate13 reads Certificate and, behind one that is not empty, CertificateVerify.
func (h *handshake) hearCertificate13(context []byte) error {
	raw, body, err := h.hear(tlswire.MsgCertificate)
	if err != nil {
		return err
	}
	m, err := tlswire.ParseCertificateMessage(body, tlswire.VersionTLS13)
	if err != nil || !bytes.Equal(m.Context, context) {
		return h.c.fail(tlswire.AlertDecodeError)
	}
	if err := h.parseChain(body); err != nil {
		return err
	}
	h.transcript.Add(raw)
	if len(h.peer) == 0 {
		return nil
	}
	sum := h.transcript.Sum(h.version, h.suite.PRF)
	raw, body, err = h.hear(tlswire.MsgCertificateVerify)
	if err != nil {
		return err
	}
	sig, err := tlswire.ParseCertificateVerify(body, h.version)
	if err != nil {
		return h.c.fail(tlswire.AlertDecodeError)
	}
	if tlscrypt.Verify(h.peer[0].PublicKey, h.version, signed13(false, sum), sig) != nil {
		return h.c.fail(tlswire.AlertDecryptError)
	}
	h.transcript.Add(raw)
	return nil
}

// signed13 is what a CertificateVerify signs (RFC 8446 section 4.4.3).
func signed13(server bool, transcript []byte) []byte {
	who := "client"
	if server {
		who = "server"
	}
	return append([]byte(strings.Repeat(" ", 64)+"TLS 1.3, "+who+" CertificateVerify\x00"), transcript...)
}

// schemes13 leaves what key may sign with in TLS 1.3: PSS for RSA, its own curve's for ECDSA.
func schemes13(key crypto.PublicKey, offered []uint16) []uint16 {
	fit := []uint16{tlscrypt.RSAPSSSHA256, tlscrypt.RSAPSSSHA384, tlscrypt.RSAPSSSHA512}
	if k, ok := key.(*ecdsa.PublicKey); ok {
		fit = []uint16{map[int]uint16{256: tlscrypt.ECDSASHA256, 384: tlscrypt.ECDSASHA384, 521: tlscrypt.ECDSASHA512}[k.Curve.Params().BitSize]}
	}
	return slices.DeleteFunc(slices.Clone(offered), func(id uint16) bool { return !slices.Contains(fit, id) })
}

func certificateRequest13(context []byte) []byte {
	var list []byte
	for _, id := range []uint16{tlscrypt.ECDSASHA256, tlscrypt.RSAPSSSHA256, tlscrypt.RSAPKCS1SHA256, tlscrypt.ECDSASHA384, tlscrypt.RSAPSSSHA384} {
		list = binary.BigEndian.AppendUint16(list, id)
	}
	ext := join(u16(tlswire.ExtSignatureAlgorithms), u16(uint16(len(list)+2)), u16(uint16(len(list))), list)
	return tlswire.AppendMessage(nil, tlswire.MsgCertificateRequest, join([]byte{byte(len(context))}, context, u16(uint16(len(ext))), ext))
}

func certificate13(chain [][]byte) []byte {
	var list []byte
	for _, der := range chain {
		list = join(list, u24(len(der)), der, []byte{0, 0})
	}
	return tlswire.AppendMessage(nil, tlswire.MsgCertificate, join([]byte{0}, u24(len(list)), list))
}

func u24(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }
