package oracle_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// goTalk is a connection between two programs that use crypto/tls.
type goTalk struct {
	name           string
	client, server tls.Config
	size           int // bytes that each says
}

// TestGo opens connections of Go's crypto/tls: all its suites, hybrid key exchange, resumption, client certificates, Encrypted Client
// Hello, much both ways at once.
func TestGo(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	rsa, ec := ca.Issue(peer.Issue{Names: []string{"rsa.test"}, RSA: 2048}), ca.Issue(peer.Issue{Names: []string{"ec.test"}})
	keys := filepath.Join(t.TempDir(), "go.keys")
	log, err := os.OpenFile(keys, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	known := map[string][2]string{}
	path := peer.Capture(t, []string{ln.Addr().String()}, func() {
		for _, talk := range goTalks(t, rsa, ec, ca.Pool()) {
			said := [2][]byte{filler("client of "+talk.name, talk.size), filler("server of "+talk.name, talk.size)}
			known[strings.Replace(talk.name, "hidden", "outer", 1)] = [2]string{string(said[0]), string(said[1])}
			talk.client.KeyLogWriter = log
			if err := talk.run(ln, said); err != nil {
				t.Errorf("%s: %v", talk.name, err)
			}
		}
	})
	m := &made{path: path, ports: []string{portOf(ln.Addr().String())}, keys: keys, key: rsa.Key, known: known, shows: map[string]func(*seen) bool{
		"second.": func(s *seen) bool { return s.TLS.Resumed != "" },
		"cert.":   func(s *seen) bool { return s.TLS.ClientCertificate },
		"hybrid.": func(s *seen) bool { return strings.Contains(s.TLS.Group, "MLKEM") },
		"retry.":  func(s *seen) bool { return s.count(fact.TLSHelloRetryRequest) == 1 },
		"outer.":  func(s *seen) bool { return s.TLS.Version == tls.VersionTLS13 },
	}}
	m.check(t)
}

// filler is text of so many bytes that does not repeat.
func filler(seed string, n int) []byte {
	out := []byte(seed + "\n")
	for i := 0; len(out) < n; i++ {
		out = fmt.Appendf(out, "line %d of %s\n", i, seed)
	}
	return out
}

// run connects the two; each says its part while the other does.
func (g *goTalk) run(ln net.Listener, said [2][]byte) error {
	failed := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			failed <- err
			return
		}
		defer conn.Close()
		failed <- converse(tls.Server(conn, &g.server), said[1], said[0])
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	return errors.Join(converse(tls.Client(conn, &g.client), said[0], said[1]), <-failed)
}

// converse says one thing, hears another and closes.
func converse(conn *tls.Conn, say, hear []byte) error {
	if err := conn.Handshake(); err != nil {
		return err
	}
	var both sync.WaitGroup
	var writing error
	both.Go(func() {
		if _, writing = conn.Write(say); writing == nil {
			writing = conn.CloseWrite()
		}
	})
	heard, err := io.ReadAll(conn)
	both.Wait()
	if err == nil && !bytes.Equal(heard, hear) {
		err = fmt.Errorf("heard %d bytes, not %d", len(heard), len(hear))
	}
	return errors.Join(err, writing)
}

// goTalks lists the connections.
func goTalks(t testing.TB, rsa, ec *peer.Cert, pool *x509.CertPool) []*goTalk {
	t.Helper()
	var out []*goTalk
	add := func(name string, version uint16, cert *peer.Cert) *goTalk {
		one := &goTalk{name: name + ".test", size: 20_000}
		one.client = tls.Config{InsecureSkipVerify: true, ServerName: one.name, MinVersion: version, MaxVersion: version} // a test
		one.server = tls.Config{Certificates: []tls.Certificate{cert.TLS}, MinVersion: version, MaxVersion: version}
		out = append(out, one)
		return one
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		for _, version := range suite.SupportedVersions {
			cert := rsa
			if strings.Contains(suite.Name, "ECDSA") {
				cert = ec
			}
			name := strings.ReplaceAll(strings.ToLower(suite.Name), "_", "-") + fmt.Sprintf(".%04x", version)
			one := add(name, version, cert)
			one.client.CipherSuites, one.server.CipherSuites = []uint16{suite.ID}, []uint16{suite.ID}
		}
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS12, tls.VersionTLS13} {
		first := add(fmt.Sprintf("first.%04x", version), version, ec)
		first.client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		second := add(fmt.Sprintf("second.%04x", version), version, ec)
		second.client.ClientSessionCache = oneSession{first.client.ClientSessionCache}
		key := [32]byte{byte(version)}
		first.server.SetSessionTicketKeys([][32]byte{key})
		second.server.SetSessionTicketKeys([][32]byte{key})
		cert := add(fmt.Sprintf("cert.%04x", version), version, rsa)
		cert.server.ClientAuth = tls.RequireAnyClientCert
		cert.client.Certificates = []tls.Certificate{ec.TLS}
		add(fmt.Sprintf("large.%04x", version), version, rsa).size = 300_000
	}
	add("hybrid", tls.VersionTLS13, ec)
	retry := add("retry", tls.VersionTLS13, ec)
	retry.server.CurvePreferences = []tls.CurveID{tls.CurveP384}
	hidden := add("hidden", tls.VersionTLS13, ec)
	hidden.client.EncryptedClientHelloConfigList, hidden.server.EncryptedClientHelloKeys = hiddenHello(t)
	hidden.client.EncryptedClientHelloRejectionVerify = func(tls.ConnectionState) error { return errors.New("the hidden hello was refused") }
	hidden.client.InsecureSkipVerify, hidden.client.RootCAs, hidden.client.ServerName = false, pool, "ec.test"
	return out
}

// oneSession makes every server the one that a session is of.
type oneSession struct{ tls.ClientSessionCache }

func (c oneSession) Get(name string) (*tls.ClientSessionState, bool) {
	return c.ClientSessionCache.Get(strings.Replace(name, "second", "first", 1))
}

// hiddenHello makes a configuration of Encrypted Client Hello (RFC 9849): X25519, HKDF-SHA256, AES-128-GCM, public name outer.test.
func hiddenHello(t testing.TB) (list []byte, keys []tls.EncryptedClientHelloKey) {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte{1, 0, 0x20}
	body = append(binary.BigEndian.AppendUint16(body, 32), key.PublicKey().Bytes()...)
	body = append(body, 0, 4, 0, 1, 0, 1, 0)
	body = append(append(body, byte(len("outer.test"))), "outer.test"...)
	body = append(body, 0, 0)
	config := binary.BigEndian.AppendUint16([]byte{0xfe, 0x0d}, uint16(len(body)))
	config = append(config, body...)
	list = append(binary.BigEndian.AppendUint16(nil, uint16(len(config))), config...)
	return list, []tls.EncryptedClientHelloKey{{Config: config, PrivateKey: key.Bytes(), SendAsRetry: true}}
}
