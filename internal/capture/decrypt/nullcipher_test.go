package decrypt

import (
	"bytes"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// A suite that encrypts nothing is read without any secret, also after a loss, up to the handshake that goes over to another.
func TestNullCipher(t *testing.T) {
	const suite = 0x003b // TLS_RSA_WITH_NULL_SHA256
	conv := nullConversation(t, suite)
	s, l := play(conv, nil)
	if i := s.Info(); i.Why != WhyNot || i.Closed != 0 || i.Source != sourceNone || i.Handshakes != 1 {
		t.Errorf("%+v", i)
		l.dump(t)
	}
	if string(l.plain[fact.SideClient]) != "ping" || string(l.plain[fact.SideServer]) != "pong" {
		t.Errorf("%q", l.plain)
	}
	if l.count(fact.TLSFinished) != 2 || l.count(fact.TLSAlert) != 1 || l.count(fact.TLSDecryptable) != 1 || l.count(fact.TLSUndecryptable) != 0 {
		l.dump(t)
		t.Error("not all was told")
	}
	lost := without(conv, len(conv)-3, true) // what the client said
	s, l = play(lost, nil)
	if i := s.Info(); string(l.plain[fact.SideServer]) != "pong" || i.Why != WhyNot {
		t.Errorf("%+v %q", i, l.plain)
	}
	for i := range conv { // too short for its MAC: it stays closed, and nothing breaks
		if conv[i].rec.Type == tlswire.TypeApplicationData {
			conv[i].rec.Payload, conv[i].rec.Length = conv[i].rec.Payload[:3], 3
		}
	}
	s, l = play(conv, nil)
	if i := s.Info(); i.Closed != 2 || i.Why != WhyNoSecrets || l.plain[fact.SideClient] != nil {
		t.Errorf("%+v %q", i, l.plain)
	}
}

// nullConversation is a handshake, a word of each side and an alert.
func nullConversation(t *testing.T, suite uint16) conversation {
	t.Helper()
	message := func(typ byte, body ...byte) []byte { return append([]byte{typ, 0, 0, byte(len(body))}, body...) }
	random := bytes.Repeat([]byte{7}, 32)
	head := append([]byte{3, 3}, random...)
	id := []byte{byte(suite >> 8), byte(suite & 0xff)}
	var conv conversation
	add := func(side fact.Side, typ uint8, payload []byte) {
		at := fact.Stamp{At: int64(len(conv) + 1), Frame: int64(len(conv) + 1)}
		conv = append(conv, piece{side, tlsrecord.Record{Type: typ, Version: tlswire.VersionTLS12, Payload: payload, Length: len(payload), At: at, End: at}})
	}
	s, ok := tlswire.SuiteByID(suite)
	if !ok {
		t.Fatal("no such suite")
	}
	keys := tlscrypt.DeriveKeys(&s, tlswire.VersionTLS12, bytes.Repeat([]byte{9}, 48), random, random)
	client, server, err := tlscrypt.Halves(&s, tlswire.VersionTLS12, false, &keys)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(side fact.Side, typ uint8, payload []byte) {
		half := client
		if side == fact.SideServer {
			half = server
		}
		sealed, err := half.Seal(nil, typ, payload)
		if err != nil {
			t.Fatal(err)
		}
		add(side, typ, sealed[tlswire.RecordHeaderLen:])
	}
	add(fact.SideClient, tlswire.TypeHandshake, message(tlswire.MsgClientHello, append(append(bytes.Clone(head), 0, 0, 2), id[0], id[1], 1, 0)...))
	add(fact.SideServer, tlswire.TypeHandshake, message(tlswire.MsgServerHello, append(append(bytes.Clone(head), 0), id[0], id[1], 0)...))
	add(fact.SideServer, tlswire.TypeHandshake, message(tlswire.MsgServerHelloDone))
	add(fact.SideClient, tlswire.TypeHandshake, message(tlswire.MsgClientKeyExchange, 0, 1, 1))
	for _, side := range []fact.Side{fact.SideClient, fact.SideServer} {
		add(side, tlswire.TypeChangeCipherSpec, []byte{1})
		seal(side, tlswire.TypeHandshake, message(tlswire.MsgFinished, make([]byte, 12)...))
	}
	seal(fact.SideClient, tlswire.TypeApplicationData, []byte("ping"))
	seal(fact.SideServer, tlswire.TypeApplicationData, []byte("pong"))
	seal(fact.SideServer, tlswire.TypeAlert, []byte{1, 0})
	return conv
}
