package decrypt

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// A TLS 1.3 connection that began before the capture opens by trial, from any record on.
func TestMidstream(t *testing.T) {
	var log strings.Builder
	client, server := variation{version: tls.VersionTLS13}.configs(certificate(t, false), certificate(t, true), &log)
	var conv conversation
	for range 3 { // only one of their secrets is the right one
		conv = talk(t, client, server, longScript)
	}
	st := storeFrom(t, log.String())
	for from := range conv {
		if from == 0 {
			continue
		}
		s, l := play(conv[from:], st)
		i := s.Info()
		if conv[from].rec.Type == 22 { // the server's hello: the client's random is missing, and looked for
			if i.Closed != 0 || i.Why != WhyNot || i.Decrypted == 0 || l.count(fact.TLSCertificate) == 0 {
				t.Errorf("from the ServerHello: %d opened, %d closed, %q", i.Decrypted, i.Closed, i.Why)
			}
			if i := infoOf(conv[from:], strangers(t)); i.Why != WhyNoHello {
				t.Errorf("from the ServerHello, with other secrets: %q", i.Why)
			}
			continue
		}
		handshake := 0
		for _, p := range conv[from:max(from, 9)] {
			if p.rec.Type == 23 {
				handshake++
			}
		}
		if i.Closed > int64(handshake) || i.Closed == 0 && i.Why != WhyNot || i.Decrypted == 0 || i.Version != tls.VersionTLS13 {
			t.Errorf("from record %d: %d opened, %d closed, %q", from, i.Decrypted, i.Closed, i.Why)
			l.dump(t)
			return
		}
	}
}

// strangers holds secrets of another connection only.
func strangers(t *testing.T) *secrets.Store {
	var log strings.Builder
	client, server := variation{version: tls.VersionTLS13}.configs(certificate(t, false), certificate(t, true), &log)
	talk(t, client, server, longScript)
	return storeFrom(t, log.String())
}

func infoOf(c conversation, src *secrets.Store) Info {
	s, _ := play(c, src)
	return s.Info()
}

// And one with KeyUpdates before its start.
func TestMidstreamAfterKeyUpdate(t *testing.T) {
	c := captures.Find(t, "dec_tls13_keyupdate")
	conv := conversationsOf(t, c)[0]
	st := storeOf(t, c, false)
	_, whole := play(conv, st)
	updates := 0
	for i, p := range conv {
		if p.rec.Type == 23 && i > len(conv)/2 {
			s, l := play(conv[i:], st)
			if s.Info().Closed > 0 {
				t.Errorf("from record %d: %+v", i, s.Info())
				l.dump(t)
			}
			updates++
		}
	}
	if updates == 0 || whole.count(fact.TLSKeyUpdate) != 2 {
		t.Error("nothing was tested")
	}
}

// The work in the dark is bounded.
func TestMidstreamWithForeignSecrets(t *testing.T) {
	var log strings.Builder
	client, server := variation{version: tls.VersionTLS13}.configs(certificate(t, false), certificate(t, true), &log)
	conv := talk(t, client, server, longScript)
	st := secrets.New()
	var lines strings.Builder
	for i := range 3000 {
		line := []byte(strings.Repeat("0", 64))
		copy(line, strings.ToLower(strings.Repeat(string("0123456789abcdef"[i%16]), 5)))
		binary.BigEndian.PutUint16(line[8:], uint16(0x3030+i%10+(i/10%10)<<8))
		lines.WriteString("SERVER_TRAFFIC_SECRET_0 " + string(line) + " " + strings.Repeat("ab", 32) + "\n")
	}
	if _, err := st.AddKeyLog("log", strings.NewReader(lines.String())); err != nil {
		t.Fatal(err)
	}
	s, _ := play(conv[12:], st)
	if i := s.Info(); i.Decrypted != 0 || i.Why != WhyStartMissing {
		t.Errorf("%+v", i)
	}
}

// echConfig makes a configuration of Encrypted Client Hello (RFC 9849 section 4).
func echConfig(t *testing.T) (list []byte, key tls.EncryptedClientHelloKey) {
	t.Helper()
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte{7, 0, 0x20, 0, 32} // config id, DHKEM(X25519), length
	body = append(body, k.PublicKey().Bytes()...)
	body = append(body, 0, 4, 0, 1, 0, 1, 32) // HKDF-SHA256, AES-128-GCM, longest name
	body = append(append(body, 11), "public.test"...)
	body = append(body, 0, 0)
	config := append([]byte{0xfe, 0x0d, 0, byte(len(body))}, body...)
	return append([]byte{0, byte(len(config))}, config...), tls.EncryptedClientHelloKey{Config: config, PrivateKey: k.Bytes(), SendAsRetry: true}
}

// With Encrypted Client Hello the secrets stand under a random number that is not on the wire.
func TestEncryptedClientHello(t *testing.T) {
	var log strings.Builder
	client, server := variation{version: tls.VersionTLS13}.configs(certificate(t, false), certificate(t, true), &log)
	list, key := echConfig(t)
	client.EncryptedClientHelloConfigList, client.InsecureSkipVerify = list, true
	server.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{key}
	conv := talk(t, client, server, longScript)
	s, l := play(conv, storeFrom(t, log.String()))
	if i := s.Info(); i.Closed > 0 || i.Why != WhyNot || i.ServerName != "public.test" || string(l.plain[1]) != strings.Join(longScript, "") {
		t.Errorf("%+v", i)
		l.dump(t)
	}
}
