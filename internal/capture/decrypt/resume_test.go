package decrypt

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
)

// The private key opens a resumed connection once the full handshake is known, whichever comes first.
func TestResumption(t *testing.T) {
	rs := certificate(t, true)
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "origin.test", MaxVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	server := &tls.Config{Certificates: []tls.Certificate{rs}, MaxVersion: tls.VersionTLS12, CipherSuites: client.CipherSuites}
	server.SetSessionTicketKeys([][32]byte{{1}})
	var conns []conversation
	for range 3 {
		conns = append(conns, talk(t, client, server, []string{"hello", "again"}))
		server.SetSessionTicketKeys([][32]byte{{byte(len(conns))}, {byte(len(conns) - 1)}, {1}}) // so that a resumed handshake gives a new ticket
	}
	st := secrets.New()
	key, ok := rs.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("no RSA key")
	}
	if err := st.AddPrivateKey("key", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), nil); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{2, 1} { // the resumed ones first
		s, l := play(conns[i], st)
		if info := s.Info(); info.Why != WhyResumed || info.Resumed != "ticket" || info.Decrypted > 0 {
			t.Errorf("connection %d: %+v", i, info)
			l.dump(t)
		}
	}
	before := st.Generation()
	if s, l := play(conns[0], st); s.Info().Why != WhyNot || s.Info().Resumed != "" || s.Info().Source != "private key" {
		t.Errorf("the full handshake: %+v", s.Info())
		l.dump(t)
	}
	if st.Generation() == before {
		t.Error("nobody is told that a session is known now")
	}
	for i, c := range conns[1:] {
		s, l := play(c, st)
		if info := s.Info(); info.Why != WhyNot || info.Resumed != "ticket" || info.Source != "session" || string(l.plain[2]) != "HELLOAGAIN" {
			t.Errorf("connection %d: %+v", i+1, info)
			l.dump(t)
		}
		if log := s.KeyLog(); len(log) != 1 || !strings.HasPrefix(log[0], "CLIENT_RANDOM ") {
			t.Errorf("key log %q", log)
		}
	}
}
