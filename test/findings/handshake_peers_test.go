package findings

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/recording"
)

// dialled makes one connection to a server of serve and records it; cfg nil: nothing but a close.
func dialled(t *testing.T, id uint64, serve func(net.Conn), cfg *tls.Config) *check.Flow {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			serve(c)
			c.Close()
		}
	}()
	start := time.Now()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server := raw.RemoteAddr().(*net.TCPAddr).AddrPort()
	r := &recording.Recording{ID: id, Client: raw.LocalAddr().(*net.TCPAddr).AddrPort(), Server: netip.AddrPortFrom(server.Addr(), 443), Name: "shop.test", Start: start, Connect: time.Since(start)}
	c := recording.New(raw, r, 0)
	cfg = cfg.Clone()
	cfg.KeyLogWriter = c.KeyLog()
	_ = c.SetDeadline(start.Add(1500 * time.Millisecond))
	switch err := tls.Client(c, cfg).Handshake(); {
	case errors.Is(err, errTimeout(err)):
		c.Note(fact.Fact{Kind: fact.GaveUp, Side: fact.SideClient, Size: time.Since(start).Nanoseconds(), Text: "timeouts.tls"})
	case err != nil:
		if unknown := new(x509.UnknownAuthorityError); errors.As(err, unknown) {
			c.Note(fact.Fact{Kind: fact.TLSVerified, Side: fact.SideClient, Text: string(reason.CertUnknownCA)})
		}
		_, _ = c.Read(make([]byte, 1)) // how the server ends it
	}
	c.Close()
	<-done
	got := c.Snapshot()
	got.End = time.Now()
	store := secrets.New()
	if _, err := store.AddKeyLog("recorded", bytes.NewReader(got.KeyLog)); err != nil {
		t.Fatal(err)
	}
	return evidence.FromRecorded(evidence.Replay(got, flow.Config{}, store), got)
}

// errTimeout is err where it is a timer that ran out, else an error that it is not.
func errTimeout(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return err
	}
	return net.ErrClosed
}

// served answers with TLS by cfg.
func served(cfg *tls.Config) func(net.Conn) {
	return func(c net.Conn) {
		s := tls.Server(c, cfg)
		_ = s.SetDeadline(time.Now().Add(3 * time.Second))
		_ = s.Handshake()
		_, _ = s.Read(make([]byte, 1))
	}
}

// TestHandshakesWithPeers holds what is said of handshakes between real peers, recorded by our own end.
func TestHandshakesWithPeers(t *testing.T) {
	root, err := certs.NewCA("Example Root CA", certs.RSA)
	if err != nil {
		t.Fatal(err)
	}
	with := func(o certs.Options) tls.Certificate {
		if len(o.Names) == 0 {
			o.Names = []string{"shop.test"}
		}
		c, err := root.Issue(o)
		if err != nil {
			t.Fatal(err)
		}
		return c.TLS()
	}
	self, err := certs.SelfSigned(certs.Options{Names: []string{"shop.test"}})
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := root.Constrained("Example Narrow CA", "another.test")
	if err != nil {
		t.Fatal(err)
	}
	outside, err := narrow.Issue(certs.Options{Names: []string{"shop.test"}})
	if err != nil {
		t.Fatal(err)
	}
	good := with(certs.Options{Key: certs.RSA})
	server := func(c tls.Certificate, change func(*tls.Config)) func(net.Conn) {
		cfg := &tls.Config{Certificates: []tls.Certificate{c}, NextProtos: []string{"http/1.1"}}
		if change != nil {
			change(cfg)
		}
		return served(cfg)
	}
	client := func(change func(*tls.Config)) *tls.Config {
		cfg := &tls.Config{RootCAs: root.Pool(), ServerName: "shop.test", CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}}
		if change != nil {
			change(cfg)
		}
		return cfg
	}
	upTo12 := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	silent := func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(3 * time.Second))
		for buf := make([]byte, 4096); ; {
			if _, err := c.Read(buf); err != nil {
				return
			}
		}
	}
	short := func(c net.Conn) { // reads one segment, and wants the whole hello in it
		buf := make([]byte, 16384)
		n, _ := c.Read(buf)
		if n < 1300 {
			served(&tls.Config{Certificates: []tls.Certificate{good}})(&again{Conn: c, first: buf[:n]})
		}
	}
	tests := []struct {
		name       string
		serve      func(net.Conn)
		client     *tls.Config
		other      *tls.Config // of a second connection, to compare with; a third is like the first
		code       finding.Code
		confidence finding.Confidence
	}{
		{"healthy", server(good, nil), client(nil), nil, "", 0},
		{"healthy 1.2", server(good, upTo12), client(nil), nil, "", 0},
		{"expired", server(with(certs.Options{Expired: true}), nil), client(nil), nil, "cert.expired", finding.Certain},
		{"not yet valid", server(with(certs.Options{Future: true}), upTo12), client(nil), nil, "cert.not_yet_valid", finding.Certain},
		{"another name", server(with(certs.Options{Names: []string{"other.test"}}), nil), client(nil), nil, "cert.name_mismatch", finding.Likely},
		{"no names", server(with(certs.Options{NoSAN: true}), nil), client(nil), nil, "cert.common_name_only", finding.Likely},
		{"a client's", server(with(certs.Options{Client: true}), nil), client(nil), nil, "cert.not_permitted", finding.Likely},
		{"name constraints", server(outside.TLS(), nil), client(nil), nil, "cert.not_permitted", finding.Certain},
		{"an authority's", server(with(certs.Options{Authority: true}), nil), client(nil), nil, "", 0},
		{"self-signed", server(self.TLS(), nil), client(nil), nil, "cert.self_signed", finding.Certain},
		{"unknown authority", server(good, nil), client(func(c *tls.Config) { c.RootCAs = nil }), nil, "cert.unknown_ca", finding.Likely},
		{"TLS 1.3 only", server(good, func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }), client(upTo12), nil, "tls.no_common_version", finding.Certain},
		{"no common suite", server(good, func(c *tls.Config) {
			upTo12(c)
			c.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}), client(upTo12), client(func(c *tls.Config) {
			upTo12(c)
			c.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}), "tls.no_common_cipher", finding.Likely},
		{"no common group", server(good, func(c *tls.Config) {
			upTo12(c)
			c.CurvePreferences = []tls.CurveID{tls.CurveP521}
		}), client(upTo12), client(func(c *tls.Config) { upTo12(c); c.CurvePreferences = []tls.CurveID{tls.CurveP521} }), "tls.no_common_group", finding.Certain},
		{"kind of key", server(with(certs.Options{}), upTo12), client(func(c *tls.Config) {
			upTo12(c)
			c.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		}), client(upTo12), "cert.key_type_mismatch", finding.Certain},
		{"no protocol", server(good, nil), client(func(c *tls.Config) { c.NextProtos = []string{"h2"} }), nil, "tls.alpn_mismatch", finding.Certain},
		{"plain port", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		},
			client(nil), nil, "tls.tls_to_plain_port", finding.Certain},
		{"silence", silent, client(nil), nil, "tls.silent_after_hello", finding.Likely},
		{"a close", func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, client(nil), nil, "tls.closed_after_hello", finding.Likely},
		{"a large hello", short, client(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768, tls.X25519} }), client(nil),
			"tls.large_client_hello_dropped", finding.Certain},
		{"an unknown name", server(good, func(c *tls.Config) {
			c.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if h.ServerName == "shop.test" {
					return nil, errors.New("not here")
				}
				return &good, nil
			}
		}), client(nil), client(func(c *tls.Config) { c.ServerName = "other.test"; c.InsecureSkipVerify = true }), "tls.sni_rejected", finding.Certain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &check.Case{Flow: dialled(t, 1, test.serve, test.client)}
			if test.other != nil {
				c.Others = append(c.Others, dialled(t, 2, test.serve, test.other), dialled(t, 3, test.serve, test.client))
			}
			var got finding.Finding
			if r := diagnosis.Run(c); len(r.Findings) > 0 && r.Findings[0].Severity > finding.Info {
				got = r.Findings[0]
			}
			if got.Code != test.code || got.Confidence != test.confidence {
				t.Errorf("got %q, %s: %s; want %q, %s", got.Code, got.Confidence, got.Summary, test.code, test.confidence)
				for _, x := range c.Flow.Facts {
					t.Logf("%s %s %d %s", x.Side, x.Kind, x.Code, x.Text)
				}
			}
		})
	}
}

// again reads what was read before.
type again struct {
	net.Conn
	first []byte
}

func (a *again) Read(p []byte) (int, error) {
	if len(a.first) > 0 {
		n := copy(p, a.first)
		a.first = a.first[n:]
		return n, nil
	}
	return a.Conn.Read(p)
}
