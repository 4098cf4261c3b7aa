package decrypt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
)

// wire records what the two ends of a connection write.
type wire struct {
	mu   sync.Mutex
	ends [2][]byte
	out  conversation
	tick int64
}

func (w *wire) write(side fact.Side, p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tick++
	at := fact.Stamp{At: 1e18 + w.tick*1e6, Frame: w.tick}
	b := append(w.ends[side-1], p...)
	for len(b) >= 5 && len(b) >= 5+int(b[3])<<8+int(b[4]) {
		n := int(b[3])<<8 + int(b[4])
		w.out = append(w.out, piece{side, tlsrecord.Record{Type: b[0], Version: uint16(b[1])<<8 | uint16(b[2]), Length: n,
			Payload: bytes.Clone(b[5 : 5+n]), At: at, End: at}})
		b = b[5+n:]
	}
	w.ends[side-1] = b
}

type tapped struct {
	net.Conn
	side fact.Side
	w    *wire
}

func (c *tapped) Write(p []byte) (int, error) {
	c.w.write(c.side, p)
	return c.Conn.Write(p)
}

// loopback is a connection that buffers.
func loopback(t testing.TB) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// certificate makes a self-signed one.
func certificate(t testing.TB, rsaKey bool) tls.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), DNSNames: []string{"origin.test"}, NotAfter: time.Now().Add(time.Hour)}
	var signer any
	var public any
	if rsaKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		signer, public = k, k.Public()
	} else {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signer, public = k, k.Public()
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: signer}
}

// talk makes a TLS connection, sends each line of script to the server, which answers in capitals, and returns the records.
func talk(t testing.TB, client, server *tls.Config, script []string) conversation {
	t.Helper()
	a, b := loopback(t)
	w := &wire{}
	c, s := tls.Client(&tapped{a, fact.SideClient, w}, client), tls.Server(&tapped{b, fact.SideServer, w}, server)
	done := make(chan error, 1)
	go func() {
		defer s.Close()
		buf := make([]byte, 1<<16)
		for {
			n, err := s.Read(buf)
			if err == io.EOF {
				done <- nil
				return
			}
			if err == nil {
				_, err = s.Write(bytes.ToUpper(buf[:n]))
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	buf := make([]byte, 1<<16)
	for _, line := range script {
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < len(line); {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := c.Read(buf); err != nil {
			break
		}
	}
	c.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return w.out
}

func storeFrom(t testing.TB, log string) *secrets.Store {
	t.Helper()
	st := secrets.New()
	if log != "" {
		if _, err := st.AddKeyLog("log", strings.NewReader(log)); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// variation is one way to speak TLS.
type variation struct {
	name    string
	version uint16
	suite   uint16
	curves  []tls.CurveID // of the server: a HelloRetryRequest when the client's first is another
	rsa     bool
}

func variations() []variation {
	out := []variation{{name: "1.3", version: tls.VersionTLS13}, {name: "1.3 HRR", version: tls.VersionTLS13, curves: []tls.CurveID{tls.CurveP384}}}
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range list {
			for _, v := range s.SupportedVersions {
				if v != tls.VersionTLS13 {
					out = append(out, variation{name: s.Name + " " + tls.VersionName(v), version: v, suite: s.ID, rsa: !strings.Contains(s.Name, "ECDSA")})
				}
			}
		}
	}
	return out
}

func (v variation) configs(ec, rs tls.Certificate, log io.Writer) (client, server *tls.Config) {
	cert := ec
	if v.rsa {
		cert = rs
	}
	client = &tls.Config{InsecureSkipVerify: true, ServerName: "origin.test", MinVersion: v.version, MaxVersion: v.version, KeyLogWriter: log}
	server = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: v.version, MaxVersion: v.version, CurvePreferences: v.curves}
	if v.suite != 0 {
		client.CipherSuites, server.CipherSuites = []uint16{v.suite}, []uint16{v.suite}
	}
	return client, server
}

var longScript = []string{"hello", strings.Repeat("a long line ", 3000), "x", "bye"}

// Go's own stack speaks, the key log opens it.
func TestLiveConnections(t *testing.T) {
	ec, rs := certificate(t, false), certificate(t, true)
	want := strings.Join(longScript, "")
	for _, v := range variations() {
		t.Run(v.name, func(t *testing.T) {
			var log strings.Builder
			client, server := v.configs(ec, rs, &log)
			conv := talk(t, client, server, longScript)
			s, l := play(conv, storeFrom(t, log.String()))
			i := s.Info()
			if string(l.plain[1]) != want || string(l.plain[2]) != strings.ToUpper(want) || i.Closed > 0 || i.Why != WhyNot {
				t.Errorf("%d and %d bytes of %d, %+v", len(l.plain[1]), len(l.plain[2]), len(want), i)
			}
			if i.Version != v.version || i.Handshakes != 1 || !i.Established || i.ServerName != "origin.test" || i.Source != "key log" {
				t.Errorf("%+v", i)
			}
			if retried := l.count(fact.TLSHelloRetryRequest) == 1; retried != (v.curves != nil) {
				t.Errorf("hello retry: %v", retried)
			}
			st := storeFrom(t, strings.Join(s.KeyLog(), "\n"))
			if s, _ := play(conv, st); s.Info().Closed > 0 {
				t.Errorf("its own key log does not open it: %q", s.Info().Why)
			}
			if t.Failed() {
				l.dump(t)
			}
		})
	}
}

// storeFromAny is storeFrom for text of any kind.
func storeFromAny(log string) *secrets.Store {
	st := secrets.New()
	_, _ = st.AddKeyLog("log", strings.NewReader(log))
	return st
}
