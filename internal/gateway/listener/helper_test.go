package listener

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// patience is how long a test waits for what must come, on a machine that has much else to do.
const patience = 30 * time.Second

type handlerFunc func(ctx context.Context, x *exchange.Exchange)

func (f handlerFunc) Serve(ctx context.Context, x *exchange.Exchange) { f(ctx, x) }

// reply answers with a text of known length.
func reply(x *exchange.Exchange, status int, text string) {
	_ = x.W.Head(&exchange.Response{Status: status, Phrase: http.StatusText(status), Length: int64(len(text)),
		Header: exchange.Header{{Name: "Content-Type", Value: "text/plain"}}})
	_ = x.W.Body([]byte(text), true)
}

// echo answers with the method, target and body that it got.
var echo = handlerFunc(func(_ context.Context, x *exchange.Exchange) {
	body, err := readBody(x)
	if err != nil {
		reply(x, 400, err.Error())
		return
	}
	out := x.Request.Method + " " + x.Request.Target + " " + x.Request.Authority + " [" + string(body) + "]"
	for _, f := range x.Request.Body.Trailer() {
		out += " " + f.Name + "=" + f.Value
	}
	reply(x, 200, out)
})

// readBody is io.ReadAll for an exchange.Body.
func readBody(x *exchange.Exchange) ([]byte, error) {
	var out bytes.Buffer
	buf := make([]byte, 32<<10)
	for {
		n, err := x.Request.Body.Read(buf)
		out.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		}
		if err != nil {
			return out.Bytes(), err
		}
	}
}

// rig is a listener under test and what it recorded.
type rig struct {
	*Listener
	t    *testing.T
	addr string
	recs chan *exchange.Exchange
}

// start runs a listener on loopback until the test ends; leaks fail the test.
func start(t *testing.T, cfg Config, h exchange.Handler) *rig {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, ln, cfg, h)
}

func startOn(t *testing.T, ln net.Listener, cfg Config, h exchange.Handler) *rig {
	t.Helper()
	before := runtime.NumGoroutine()
	var err error
	r := &rig{t: t, addr: ln.Addr().String(), recs: make(chan *exchange.Exchange, 64)}
	cfg.Record = func(x *exchange.Exchange) {
		select {
		case r.recs <- x:
		default:
		}
	}
	if r.Listener, err = New(cfg, ln, h); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Serve(context.Background()); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = r.Shutdown(ctx)
		wg.Wait()
		for end := time.Now().Add(patience); time.Now().Before(end); runtime.Gosched() { // goroutines of timers and clients need a moment to end
			if runtime.NumGoroutine() <= before {
				return
			}
		}
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
	})
	return r
}

// readsListener counts the Reads that are under way on its connections.
type readsListener struct {
	net.Listener
	reads *atomic.Int32
}

func (l readsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return readsConn{c, l.reads}, err
}

// awaitWatch is for a handler: while it serves the only connection, nothing but the watch reads.
func (l readsListener) awaitWatch() {
	for l.reads.Load() == 0 {
		runtime.Gosched()
	}
}

type readsConn struct {
	net.Conn
	reads *atomic.Int32
}

func (c readsConn) Read(p []byte) (int, error) {
	c.reads.Add(1)
	defer c.reads.Add(-1)
	return c.Conn.Read(p)
}

// record waits for what the listener records next.
func (r *rig) record() *exchange.Exchange {
	r.t.Helper()
	select {
	case x := <-r.recs:
		return x
	case <-time.After(patience):
		r.t.Fatal("nothing was recorded")
		return nil
	}
}

func (r *rig) dial() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// talk sends raw and returns everything up to the end of the connection.
func (r *rig) talk(raw string) string {
	r.t.Helper()
	c := r.dial()
	if _, err := io.WriteString(c, raw); err != nil {
		r.t.Fatal(err)
	}
	out, err := io.ReadAll(c)
	if err != nil && len(out) == 0 {
		r.t.Fatalf("read answer to %.60q: %v", raw, err)
	}
	return string(out)
}

// answer reads one response.
func answer(t *testing.T, br *bufio.Reader, method string) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read response: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read response body: %v", err)
	}
	return res, string(body)
}

// authority makes certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	next int64
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	a := &authority{cert: cert, key: key, pool: x509.NewCertPool(), next: 10}
	a.pool.AddCert(cert)
	return a
}

// issue returns a certificate for names, good for both ends of TLS; change may spoil it.
func (a *authority) issue(t *testing.T, change func(*x509.Certificate), names ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.next++
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: strings.Join(names, ",")}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if change != nil {
		change(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// site returns a SiteTLS with a fresh certificate for names.
func (a *authority) site(t *testing.T, names ...string) *SiteTLS {
	return &SiteTLS{Name: names[0], Certificates: NewCertificates(a.issue(t, nil, names...))}
}
