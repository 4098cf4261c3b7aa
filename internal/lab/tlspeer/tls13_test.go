package tlspeer

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

func dial13(t *testing.T, p *pki, addr string, change func(*tls.Config)) (*tls.Conn, error) {
	t.Helper()
	cfg := &tls.Config{RootCAs: p.ca.Pool(), ServerName: "hello.test.domain", MinVersion: tls.VersionTLS13}
	if change != nil {
		change(cfg)
	}
	c, err := tls.Dial("tcp", addr, cfg)
	if err == nil {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// The server of TLS 1.3 against crypto/tls: suites, both kinds of key, a retry, ALPN, certificates, KeyUpdate, and a key log that is
// the client's own.
func TestTLS13(t *testing.T) {
	p := newPKI(t)
	cert := p.clientRS.TLS()
	for name, tt := range map[string]struct {
		server Config
		change func(*tls.Config)
		check  func(State) bool
	}{
		"aes 128":      {Config{Suites: []uint16{0x1301}, Certificate: p.rsa}, nil, func(s State) bool { return s.Suite == 0x1301 }},
		"aes 256":      {Config{Suites: []uint16{0x1302}, Certificate: p.ecdsa}, nil, func(s State) bool { return s.Suite == 0x1302 }},
		"chacha20":     {Config{Suites: []uint16{0x1303}, Certificate: p.rsa}, nil, func(s State) bool { return s.Suite == 0x1303 }},
		"retry":        {Config{Groups: []uint16{24}, Certificate: p.rsa}, nil, nil},
		"alpn":         {Config{ALPN: []string{"h2", "http/1.1"}, Certificate: p.rsa}, func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }, func(s State) bool { return s.ALPN == "http/1.1" }},
		"certificate":  {Config{ClientAuth: Require, RequireInHandshake: true, Certificate: p.rsa}, func(c *tls.Config) { c.Certificates = []tls.Certificate{cert} }, func(s State) bool { return len(s.Peer) == 1 }},
		"none to give": {Config{ClientAuth: Accept, Certificate: p.ecdsa}, nil, func(s State) bool { return len(s.Peer) == 0 && !s.OffersPHA }},
	} {
		t.Run(name, func(t *testing.T) {
			var theirs, ours bytes.Buffer
			tt.server.MaxVersion, tt.server.KeyLog = tlswire.VersionTLS13, &ours
			var st State
			addr, result := serve(t, tt.server, func(c *Conn) error {
				if err := echo(c); err != nil {
					return err
				}
				if err := c.KeyUpdate(true); err != nil {
					return err
				}
				st = c.State()
				return errors.Join(echo(c), echo(c))
			})
			c, err := dial13(t, p, addr, func(cfg *tls.Config) {
				cfg.KeyLogWriter = &theirs
				if tt.change != nil {
					tt.change(cfg)
				}
			})
			if err != nil {
				t.Fatalf("client: %v; server: %v", err, <-result)
			}
			for range 3 {
				if err := say(c); err != nil {
					t.Fatalf("client: %v; server: %v", err, <-result)
				}
			}
			if err := <-result; err != nil {
				t.Fatal(err)
			}
			if st.Version != tlswire.VersionTLS13 || tt.check != nil && !tt.check(st) {
				t.Errorf("state %+v", st)
			}
			if a, b := sorted(theirs.String()), sorted(ours.String()); a != b {
				t.Errorf("key logs differ: theirs\n%s\nours\n%s", a, b)
			}
		})
	}
}

func sorted(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// A certificate that does not come breaks TLS 1.3 only after the client believes that all is well.
func TestTLS13CertificateRequired(t *testing.T) {
	p := newPKI(t)
	addr, result := serve(t, Config{MaxVersion: tlswire.VersionTLS13, ClientAuth: Require, RequireInHandshake: true, Certificate: p.rsa}, (*Conn).Handshake)
	c, err := dial13(t, p, addr, nil)
	if err != nil {
		t.Fatalf("the handshake failed already: %v", err)
	}
	_, err = c.Read(make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("client: %v", err)
	}
	var a *AlertError
	if err := <-result; !errors.As(err, &a) || a.Number != tlswire.AlertCertificateRequired || !a.Sent {
		t.Errorf("server: %v", err)
	}
}

// Go never offers post-handshake authentication, so a request for it breaks the connection (RFC 8446 section 4.6.2). The number of the
// alert is Go's choice: unexpected_message or, as it reads no request with a context, decode_error.
func TestUnofferedPostHandshakeAuth(t *testing.T) {
	p := newPKI(t)
	addr, result := serve(t, Config{MaxVersion: tlswire.VersionTLS13, Certificate: p.rsa}, func(c *Conn) error {
		if err := echo(c); err != nil {
			return err
		}
		return c.PostHandshakeAuth(1 << 10)
	})
	c, err := dial13(t, p, addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := say(c); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Read(make([]byte, 1)); err == nil {
		t.Error("the client went on")
	}
	var a *AlertError
	if err := <-result; !errors.As(err, &a) || a.Sent {
		t.Errorf("server: %v", err)
	}
}

func TestTickets(t *testing.T) {
	p := newPKI(t)
	var sessions Sessions
	cache := tls.NewLRUClientSessionCache(4)
	for round, want := range []bool{false, true, true} {
		var st State
		addr, result := serve(t, Config{Certificate: p.rsa, Sessions: &sessions}, func(c *Conn) error { err := echo(c); st = c.State(); return err })
		c, err := dial13(t, p, addr, func(cfg *tls.Config) {
			cfg.MinVersion, cfg.MaxVersion, cfg.ClientSessionCache = tls.VersionTLS12, tls.VersionTLS12, cache
		})
		if err != nil {
			t.Fatalf("round %d: %v; server: %v", round, err, <-result)
		}
		if err := say(c); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil || st.Resumed != want || c.ConnectionState().DidResume != want {
			t.Errorf("round %d: %v, resumed: we say %v, the client %v, want %v", round, err, st.Resumed, c.ConnectionState().DidResume, want)
		}
	}
}

// Before stops at every message: what came before it has left, what comes after has not.
func TestBefore(t *testing.T) {
	p := newPKI(t)
	stop := errors.New("stop")
	for _, version := range []uint16{tlswire.VersionTLS12, tlswire.VersionTLS13} {
		msgs := []uint8{tlswire.MsgServerHello, tlswire.MsgCertificate, tlswire.MsgServerKeyExchange, tlswire.MsgCertificateRequest, tlswire.MsgServerHelloDone, tlswire.MsgFinished}
		if version == tlswire.VersionTLS13 {
			msgs = []uint8{tlswire.MsgServerHello, tlswire.MsgEncryptedExtensions, tlswire.MsgCertificateRequest, tlswire.MsgCertificate, tlswire.MsgCertificateVerify, tlswire.MsgFinished}
		}
		for _, msg := range msgs {
			t.Run(fmt.Sprint(tlswire.VersionName(version), "/", tlswire.MessageName(msg)), func(t *testing.T) {
				addr, result := serve(t, Config{MaxVersion: version, ClientAuth: Accept, Certificate: p.rsa, Before: func(c *Conn, next uint8) error {
					if next != msg {
						return nil
					}
					return errors.Join(stop, c.Alert(tlswire.AlertFatal, tlswire.AlertAccessDenied))
				}}, (*Conn).Handshake)
				_, err := dial13(t, p, addr, func(cfg *tls.Config) { cfg.MinVersion = tls.VersionTLS12 })
				if err == nil || !strings.Contains(err.Error(), "access denied") {
					t.Errorf("client: %v", err)
				}
				if err := <-result; !errors.Is(err, stop) {
					t.Errorf("server: %v", err)
				}
			})
		}
	}
}

func TestALPNRefused(t *testing.T) {
	p := newPKI(t)
	for _, version := range []uint16{tlswire.VersionTLS12, tlswire.VersionTLS13} {
		addr, result := serve(t, Config{MaxVersion: version, Certificate: p.rsa, ALPN: []string{"spdy/3"}, RequireALPN: true}, (*Conn).Handshake)
		if _, err := dial13(t, p, addr, func(cfg *tls.Config) { cfg.MinVersion, cfg.NextProtos = tls.VersionTLS12, []string{"h2"} }); err == nil {
			t.Error("the handshake succeeded")
		}
		var a *AlertError
		if err := <-result; !errors.As(err, &a) || a.Number != tlswire.AlertNoApplicationProtocol {
			t.Errorf("server: %v", err)
		}
	}
}

func TestOakleyGroupIsPrime(t *testing.T) {
	b, err := hex.DecodeString(oakley2)
	if err != nil {
		t.Fatal(err)
	}
	p := new(big.Int).SetBytes(b)
	if p.BitLen() != 1024 || !p.ProbablyPrime(20) || !new(big.Int).Rsh(p, 1).ProbablyPrime(20) {
		t.Error("it is not the safe prime of RFC 2409")
	}
}

// A flight of more than a record holds is split (RFC 5246 section 6.2.1).
func TestLongCertificateRequest(t *testing.T) {
	p := newPKI(t)
	var names [][]byte
	for i := range 300 {
		ca, err := certs.NewCA(fmt.Sprintf("Authority number %d of a list that is far too long for anyone's good", i), certs.ECDSA)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, ca.Cert.RawSubject)
	}
	addr, result := serve(t, Config{Certificate: p.rsa, ClientAuth: Accept, ClientCAs: names}, echo)
	seen := 0
	c, err := dial13(t, p, addr, func(cfg *tls.Config) {
		cfg.MinVersion = tls.VersionTLS12
		cfg.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			seen = len(r.AcceptableCAs)
			return &tls.Certificate{}, nil
		}
	})
	if err != nil {
		t.Fatalf("client: %v; server: %v", err, <-result)
	}
	if err := say(c); err != nil || seen != len(names) {
		t.Errorf("%v, %d authorities", err, seen)
	}
	if err := <-result; err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
