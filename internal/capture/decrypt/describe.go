package decrypt

import (
	"encoding/hex"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// describe says what handshake message m is and, as far as it can be read, what it says. version and kx are those negotiated
// (kx as in [tlswire.Suite]); 0 and "" before there are any. At, Conn, Side and Frame are left to the caller, and so is Size
// of a HelloRequest, which depends on the record. The error is a *tlswire.ParseError; the fact is good for its kind even then,
// and Detail holds what could be read, or nothing.
func describe(m tlswire.Message, version uint16, kx string) (fact.Fact, error) {
	f := fact.Fact{Kind: kindOf(m.Type)}
	if f.Kind == fact.TLSOtherMessage {
		f.Code, f.Text, f.Size = int(m.Type), tlswire.MessageName(m.Type), int64(m.Length)
	}
	if m.Raw == nil { // too long to be kept
		return f, nil
	}
	switch m.Type {
	case tlswire.MsgClientHello:
		h, err := tlswire.ReadClientHello(m.Body)
		f.Size, f.Detail = int64(m.Length), describeClientHello(h)
		return f, err
	case tlswire.MsgServerHello:
		h, err := tlswire.ReadServerHello(m.Body)
		return serverHelloFact(h), err
	}
	return f, describeBody(&f, m, version, kx)
}

// describeSSL2 is describe for a ClientHello in the format of SSL 2.0, msg without its two bytes of length. The hello is nil when
// it cannot be read.
func describeSSL2(msg []byte) (fact.Fact, *tlswire.ClientHello, error) {
	f := fact.Fact{Kind: fact.TLSClientHello, Size: int64(len(msg))}
	h, err := tlswire.ParseSSL2ClientHello(msg)
	if err == nil {
		f.Detail = describeClientHello(h)
	}
	return f, h, err
}

// serverHelloFact is the whole fact for a ServerHello or HelloRetryRequest.
func serverHelloFact(h *tlswire.ServerHello) fact.Fact {
	f := fact.Fact{Kind: fact.TLSServerHello, Code: int(h.Negotiated()), Text: tlswire.SuiteName(h.Suite), Detail: describeServerHello(h)}
	if h.HelloRetry {
		f.Kind = fact.TLSHelloRetryRequest
	}
	return f
}

func kindOf(t uint8) fact.Kind {
	for i := range messageKinds {
		if messageKinds[i].t == t {
			return messageKinds[i].kind
		}
	}
	return fact.TLSOtherMessage
}

var messageKinds = [...]struct {
	t    uint8
	kind fact.Kind
}{
	{tlswire.MsgHelloRequest, fact.TLSHelloRequest}, {tlswire.MsgClientHello, fact.TLSClientHello}, {tlswire.MsgServerHello, fact.TLSServerHello},
	{tlswire.MsgNewSessionTicket, fact.TLSNewSessionTicket}, {tlswire.MsgEndOfEarlyData, fact.TLSEndOfEarlyData},
	{tlswire.MsgHelloRetryRequest, fact.TLSHelloRetryRequest}, {tlswire.MsgEncryptedExtensions, fact.TLSEncryptedExtensions},
	{tlswire.MsgCertificate, fact.TLSCertificate}, {tlswire.MsgServerKeyExchange, fact.TLSServerKeyExchange},
	{tlswire.MsgCertificateRequest, fact.TLSCertificateRequest}, {tlswire.MsgServerHelloDone, fact.TLSServerHelloDone},
	{tlswire.MsgCertificateVerify, fact.TLSCertificateVerify}, {tlswire.MsgClientKeyExchange, fact.TLSClientKeyExchange},
	{tlswire.MsgFinished, fact.TLSFinished}, {tlswire.MsgCertificateStatus, fact.TLSCertificateStatus}, {tlswire.MsgKeyUpdate, fact.TLSKeyUpdate},
}

// describeClientHello puts a ClientHello into words.
func describeClientHello(h *tlswire.ClientHello) *fact.ClientHello {
	d := &fact.ClientHello{
		Version: tlswire.VersionName(h.Version), Versions: versionNames(h.Versions),
		Random: hex.EncodeToString(h.Random[:]), SessionID: hex.EncodeToString(h.SessionID),
		ServerName: h.ServerName, ALPN: few(h.ALPN),
		Suites: suiteNames(h.Suites), Groups: groupNames(h.Groups), KeyShares: keyShareNames(h.KeyShares),
		SignatureSchemes: schemeNames(h.SignatureSchemes), Extensions: extensionNames(h.Extensions),
		SecureRenegotiation: h.SecureRenegotiation, Renegotiation: len(h.RenegotiationInfo) > 0,
		ExtendedMasterSecret: h.ExtendedMasterSecret, EncryptThenMAC: h.EncryptThenMAC,
		SessionTicket: h.SessionTicket, OffersTicket: len(h.Ticket) > 0, OffersPSK: len(h.PSKIdentities) > 0,
		EarlyData: h.EarlyData, PostHandshakeAuth: h.PostHandshakeAuth, EncryptedHello: h.EncryptedHello,
	}
	if h.SSL2 {
		d.Suites = append(d.Suites, names(h.SSL2Specs, tlswire.SSL2SpecName)...)
	} else if len(h.Suites) > 0 { // else it broke off before there was anything to take the fingerprint of
		d.JA3, d.JA4 = h.JA3(), h.JA4()
	}
	return d
}

// describeServerHello puts a ServerHello or HelloRetryRequest into words.
func describeServerHello(h *tlswire.ServerHello) *fact.ServerHello {
	d := &fact.ServerHello{
		Version: tlswire.VersionName(h.Negotiated()), Random: hex.EncodeToString(h.Random[:]), SessionID: hex.EncodeToString(h.SessionID),
		Suite: tlswire.SuiteName(h.Suite), ALPN: h.ALPN, Extensions: extensionNames(h.Extensions),
		SecureRenegotiation: h.RenegotiationInfo != nil, ExtendedMasterSecret: h.ExtendedMasterSecret,
		EncryptThenMAC: h.EncryptThenMAC, SessionTicket: h.SessionTicket, AcceptsPSK: h.PSK, JA3S: h.JA3S(),
	}
	if v := h.DowngradeFrom(); v != 0 {
		d.Downgrade = tlswire.VersionName(v)
	}
	if h.KeyShare != 0 {
		d.Group = tlswire.GroupName(h.KeyShare)
	}
	return d
}

// describeEncryptedExtensions puts EncryptedExtensions into words.
func describeEncryptedExtensions(m *tlswire.EncryptedExtensions) *fact.ServerHello {
	return &fact.ServerHello{ALPN: m.ALPN, Extensions: extensionNames(m.Extensions), AcceptsEarlyData: m.EarlyData}
}
