package tlspeer

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// pki is what every test here needs.
type pki struct {
	ca                   *certs.CA
	rsa, ecdsa, clientRS *certs.Certificate
}

func newPKI(t testing.TB) *pki {
	t.Helper()
	ca, err := certs.NewCA("lab root", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	p := &pki{ca: ca}
	for _, want := range []struct {
		to **certs.Certificate
		o  certs.Options
	}{
		{&p.rsa, certs.Options{Names: []string{"hello.test.domain", "127.0.0.1"}, Key: certs.RSA}},
		{&p.ecdsa, certs.Options{Names: []string{"hello.test.domain", "127.0.0.1"}}},
		{&p.clientRS, certs.Options{Names: []string{"client"}, Key: certs.RSA, Client: true}},
	} {
		if *want.to, err = ca.Issue(want.o); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// serve accepts one connection, runs do on it and reports its error.
func serve(t testing.TB, cfg Config, do func(*Conn) error) (addr string, result <-chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	out := make(chan error, 1)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			out <- err
			return
		}
		_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
		c := Server(nc, cfg)
		defer c.Close()
		out <- do(c)
	}()
	return ln.Addr().String(), out
}

// echoRenegotiating echoes a line before and after a renegotiation.
func echoRenegotiating(auth ClientAuth, certificates int) func(*Conn) error {
	return func(c *Conn) error {
		if err := echo(c); err != nil {
			return err
		}
		for round := range 2 {
			if err := c.Renegotiate(auth, 1<<16); err != nil {
				return fmt.Errorf("renegotiation %d: %w", round+1, err)
			}
			if got := len(c.State().Peer); got != certificates {
				return fmt.Errorf("renegotiation %d: %d client certificates, want %d", round+1, got, certificates)
			}
			if err := echo(c); err != nil {
				return err
			}
		}
		return nil
	}
}

func echo(c *Conn) error {
	buf := make([]byte, 5)
	if _, err := io.ReadFull(c, buf); err != nil {
		return err
	}
	_, err := c.Write(buf)
	return err
}

func say(c io.ReadWriter) error {
	if _, err := io.WriteString(c, "hello"); err != nil {
		return err
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(c, buf); err != nil {
		return err
	}
	if string(buf) != "hello" {
		return fmt.Errorf("echo is %q", buf)
	}
	return nil
}

type combo struct{ version, suite uint16 }

func (c combo) String() string {
	return tlswire.VersionName(c.version) + "/" + tlswire.SuiteName(c.suite)
}

func combos() []combo {
	var out []combo
	for _, id := range DefaultSuites() {
		s, _ := tlswire.SuiteByID(id)
		for v := tlswire.VersionTLS10; v <= tlswire.VersionTLS12; v++ {
			if v == tlswire.VersionTLS12 || s.Cipher.Kind == tlswire.KindCBC && s.MAC == "SHA" {
				out = append(out, combo{v, id})
			}
		}
	}
	return out
}

func (p *pki) forSuite(id uint16) *certs.Certificate {
	if s, _ := tlswire.SuiteByID(id); s.KX == "ECDHE_ECDSA" {
		return p.ecdsa
	}
	return p.rsa
}

func TestBothEnds(t *testing.T) {
	p := newPKI(t)
	for _, bare := range []bool{false, true} {
		for _, cb := range combos() {
			t.Run(fmt.Sprintf("%s/bare=%v", cb, bare), func(t *testing.T) {
				cfg := Config{MinVersion: cb.version, MaxVersion: cb.version, Suites: []uint16{cb.suite}, Certificate: p.forSuite(cb.suite),
					NoSecureRenegotiation: bare, NoExtendedMasterSecret: bare, NoEncryptThenMAC: bare}
				addr, result := serve(t, cfg, echoRenegotiating(Require, 1))
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
				cfg.Certificate, cfg.Roots, cfg.ServerName = p.clientRS, p.ca.Pool(), "hello.test.domain"
				c := Client(nc, cfg)
				defer c.Close()
				for range 3 {
					if err := say(c); err != nil {
						t.Fatalf("client: %v; server: %v", err, <-result)
					}
				}
				if err := <-result; err != nil {
					t.Fatal(err)
				}
				if st := c.State(); st.Handshakes != 3 || st.Version != cb.version || st.Suite != cb.suite || st.Secure == bare {
					t.Errorf("state %+v", st)
				}
			})
		}
	}
}

func TestCryptoTLSClient(t *testing.T) {
	p := newPKI(t)
	for _, cb := range combos() {
		if cb.suite == 0x003d {
			continue // crypto/tls does not know AES-256-CBC-SHA256
		}
		t.Run(cb.String(), func(t *testing.T) {
			addr, result := serve(t, Config{MinVersion: cb.version, MaxVersion: cb.version, Suites: []uint16{cb.suite}, Certificate: p.forSuite(cb.suite)}, echoRenegotiating(Accept, 1))
			c := dialGo(t, p, addr, cb, tls.RenegotiateFreelyAsClient)
			for range 3 {
				if err := say(c); err != nil {
					t.Fatalf("client: %v; server: %v", err, <-result)
				}
			}
			if err := <-result; err != nil {
				t.Fatal(err)
			}
		})
	}
}

func dialGo(t *testing.T, p *pki, addr string, cb combo, reneg tls.RenegotiationSupport) *tls.Conn {
	t.Helper()
	cfg := &tls.Config{RootCAs: p.ca.Pool(), ServerName: "hello.test.domain", MinVersion: cb.version, MaxVersion: cb.version,
		CipherSuites: []uint16{cb.suite}, Renegotiation: reneg,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			c := p.clientRS.TLS()
			return &c, nil
		}}
	c, err := tls.Dial("tcp", addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCryptoTLSClientNeverAndOnce(t *testing.T) {
	p := newPKI(t)
	cb := combo{tlswire.VersionTLS12, 0xc02f}
	for name, tt := range map[string]struct {
		reneg tls.RenegotiationSupport
		says  int // echoes that succeed
	}{"never": {tls.RenegotiateNever, 1}, "once": {tls.RenegotiateOnceAsClient, 2}} {
		t.Run(name, func(t *testing.T) {
			addr, result := serve(t, Config{Certificate: p.rsa}, echoRenegotiating(Accept, 1))
			c := dialGo(t, p, addr, cb, tt.reneg)
			n := 0
			for say(c) == nil {
				n++
			}
			if n != tt.says {
				t.Errorf("%d echoes, want %d", n, tt.says)
			}
			var a *AlertError
			if err := <-result; !errors.As(err, &a) || a.Sent || a.Number != tlswire.AlertNoRenegotiation {
				t.Errorf("the server saw %v, want no_renegotiation", err)
			}
		})
	}
}

func TestClientReactions(t *testing.T) {
	p := newPKI(t)
	t.Run("refuse", func(t *testing.T) {
		addr, result := serve(t, Config{Certificate: p.rsa}, echoRenegotiating(Accept, 0))
		c := dialLab(t, addr, Config{OnHelloRequest: Refuse})
		if err := say(c); err != nil {
			t.Fatal(err)
		}
		_ = say(c)
		var a *AlertError
		if err := <-result; !errors.As(err, &a) || a.Number != tlswire.AlertNoRenegotiation {
			t.Errorf("the server saw %v", err)
		}
	})
	t.Run("drop", func(t *testing.T) {
		addr, result := serve(t, Config{Certificate: p.rsa}, func(c *Conn) error {
			if err := c.Handshake(); err != nil {
				return err
			}
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			var timeout net.Error
			if err := c.Renegotiate(Accept, 1<<16); !errors.As(err, &timeout) || !timeout.Timeout() {
				return fmt.Errorf("want a timeout, got %w", err)
			}
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			return echo(c)
		})
		if err := say(dialLab(t, addr, Config{OnHelloRequest: Drop})); err != nil {
			t.Error(err)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
	t.Run("body in front of the answer", func(t *testing.T) { // more of it than the handshake itself would keep
		body := make([]byte, 2*inHandshake)
		sent := make(chan struct{})
		addr, result := serve(t, Config{Certificate: p.rsa}, func(c *Conn) error {
			if err := c.Handshake(); err != nil {
				return err
			}
			<-sent
			if err := c.Renegotiate(Accept, 2*len(body)); err != nil {
				return err
			}
			_, err := io.ReadFull(c, make([]byte, len(body)))
			return errors.Join(err, c.writeRecords(tlswire.TypeApplicationData, []byte("all")))
		})
		c := dialLab(t, addr, Config{OnHelloRequest: Comply})
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		close(sent)
		if _, err := c.Write(body); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 3)); err != nil || c.State().Handshakes != 2 {
			t.Errorf("%v after %d handshakes", err, c.State().Handshakes)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
	t.Run("body in flight", func(t *testing.T) {
		addr, result := serve(t, Config{Certificate: p.rsa}, func(c *Conn) error { _ = c.Handshake(); return c.Renegotiate(Accept, 50_000) })
		c := dialLab(t, addr, Config{OnHelloRequest: Drop})
		if _, err := c.Write(make([]byte, 200_000)); err != nil {
			t.Logf("write: %v", err)
		}
		if err := <-result; !errors.Is(err, ErrReadAhead) {
			t.Errorf("got %v, want ErrReadAhead", err)
		}
	})
}

func dialLab(t *testing.T, addr string, cfg Config) *Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	c := Client(nc, cfg)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRefusals(t *testing.T) {
	p := newPKI(t)
	other, err := certs.NewCA("another root", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		client Config
		alert  uint8
	}{
		"no common version": {Config{MaxVersion: tlswire.VersionTLS11}, tlswire.AlertProtocolVersion},
		"no common cipher":  {Config{Suites: []uint16{0xc02b}}, tlswire.AlertHandshakeFailure},
		"unknown ca":        {Config{Roots: other.Pool(), ServerName: "hello.test.domain"}, tlswire.AlertUnknownCA},
	} {
		t.Run(name, func(t *testing.T) {
			addr, result := serve(t, Config{Certificate: p.rsa, MinVersion: tlswire.VersionTLS12}, (*Conn).Handshake)
			clientErr := dialLab(t, addr, tt.client).Handshake()
			var a *AlertError
			if err := <-result; !errors.As(err, &a) || a.Number != tt.alert {
				t.Errorf("server: %v, client: %v; want alert %d", err, clientErr, tt.alert)
			}
			if clientErr == nil {
				t.Error("the client's handshake succeeded")
			}
		})
	}
}

func TestKeyLog(t *testing.T) {
	p := newPKI(t)
	var log bytes.Buffer
	addr, result := serve(t, Config{Certificate: p.rsa}, echo)
	if err := say(dialLab(t, addr, Config{KeyLog: &log})); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if n := log.Len(); n != len("CLIENT_RANDOM ")+64+1+96+1 {
		t.Errorf("the line has %d bytes: %s", n, log.String())
	}
}
