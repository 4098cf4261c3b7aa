package healthy

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/recording"
)

// world is what all connections share.
type world struct {
	ca         *certs.CA
	rsa, ecdsa tls.Certificate
	client     tls.Certificate
}

func newWorld(t *testing.T) *world {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	ca, err := certs.NewCA("Healthy root", certs.ECDSA)
	must(err)
	w := &world{ca: ca}
	for _, o := range []struct {
		to *tls.Certificate
		certs.Options
	}{{&w.rsa, certs.Options{Names: []string{name}, Key: certs.RSA}}, {&w.ecdsa, certs.Options{Names: []string{name}}}, {&w.client, certs.Options{Names: []string{"client"}, Client: true}}} {
		c, err := ca.Issue(o.Options)
		must(err)
		*o.to = c.TLS()
	}
	return w
}

const name = "shop.test"

var clientAddr, serverAddr = netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.20")

// play makes the connection of s and returns what was recorded of it, and of the one before it where it resumes.
func (w *world) play(t *testing.T, id uint64, s *shape) []*recording.Recording {
	t.Helper()
	link := &link{accept: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: answerer{s}, Protocols: protocols(s)}
	var ln net.Listener = link
	if !s.clear {
		ln = tls.NewListener(link, w.server(s))
	}
	served := make(chan struct{})
	go func() { _ = srv.Serve(ln); close(served) }()
	cache := tls.NewLRUClientSessionCache(4)
	var out []*recording.Recording
	if s.resumed {
		first := *s
		first.asks = s.asks[:1]
		out = append(out, w.ask(t, id+connections, id, link, &first, cache))
	}
	out = append(out, w.ask(t, id, id, link, s, cache))
	_ = srv.Close()
	<-served
	return out
}

// ask opens one connection to the server with this number and makes the requests of s over it.
func (w *world) ask(t *testing.T, id, number uint64, link *link, s *shape, cache tls.ClientSessionCache) *recording.Recording {
	t.Helper()
	rec := &recording.Recording{ID: id, Client: netip.AddrPortFrom(clientAddr, uint16(20_000+id)), Server: netip.AddrPortFrom(serverAddr, uint16(20_000+number)), Name: name, Start: time.Now()}
	var conn *recording.Conn
	dial := func(context.Context, string, string) (net.Conn, error) {
		if conn != nil {
			return nil, errors.New("one connection is enough")
		}
		near, far := pipe()
		rec.Connect = time.Millisecond
		conn = recording.New(near, rec, 64<<20)
		select {
		case link.accept <- far:
		case <-link.done:
			return nil, net.ErrClosed
		}
		return conn, nil
	}
	tr := &http.Transport{DialContext: dial, Protocols: protocols(s), DisableCompression: true, ExpectContinueTimeout: time.Second}
	tr.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		cfg := &tls.Config{RootCAs: w.ca.Pool(), ServerName: name, KeyLogWriter: conn.KeyLog(), ClientSessionCache: cache, CurvePreferences: s.groups,
			MinVersion: s.version, MaxVersion: s.version, NextProtos: []string{"http/1.1"}}
		if s.http2 {
			cfg.NextProtos = []string{"h2", "http/1.1"}
		}
		if s.suite != 0 {
			cfg.CipherSuites = []uint16{s.suite}
		}
		if s.mtls {
			cfg.Certificates = []tls.Certificate{w.client}
		}
		tc := tls.Client(c, cfg)
		return tc, tc.HandshakeContext(ctx)
	}
	for i := range s.asks {
		if err := one(tr, s, i); err != nil {
			t.Errorf("%s: request %d: %v", s, i, err)
			break
		}
	}
	tr.CloseIdleConnections()
	if conn != nil {
		_ = conn.Close()
	}
	return rec
}

func one(tr *http.Transport, s *shape, i int) error {
	a := &s.asks[i]
	pass(a.idle)
	scheme := "https"
	if s.clear {
		scheme = "http"
	}
	req, err := http.NewRequest(a.method, scheme+"://"+name+"/"+strconv.Itoa(i), nil)
	if err != nil {
		return err
	}
	if a.size > 0 {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", int(a.size)))), a.size
		req.Header.Set("Content-Type", "text/plain")
	}
	if a.expect {
		req.Header.Set("Expect", "100-continue")
	}
	if a.gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func protocols(s *shape) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(!s.http2)
	p.SetHTTP2(s.http2)
	return p
}

func (w *world) server(s *shape) *tls.Config {
	cfg := &tls.Config{Certificates: []tls.Certificate{w.rsa}, MinVersion: s.version, MaxVersion: s.version, NextProtos: []string{"http/1.1"}, CurvePreferences: s.groups}
	if s.http2 {
		cfg.NextProtos = []string{"h2"}
	}
	if s.ecdsa {
		cfg.Certificates = []tls.Certificate{w.ecdsa}
	}
	if s.suite != 0 {
		cfg.CipherSuites = []uint16{s.suite}
	}
	if s.mtls {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, w.ca.Pool()
	}
	return cfg
}

// answerer answers the request at /i as ask i says.
type answerer struct{ s *shape }

func (h answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || i >= len(h.s.asks) {
		http.Error(w, "unknown", 404)
		return
	}
	a := &h.s.asks[i]
	_, _ = io.Copy(io.Discard, r.Body)
	if a.hints {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	}
	pass(a.think)
	body := bytes.Repeat([]byte("lunette "), int(a.answer/8)+1)[:a.answer]
	if a.gzip {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close()
		body = b.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	if a.status == 401 {
		w.Header().Set("WWW-Authenticate", `Basic realm="shop"`)
	}
	w.Header().Set("Content-Type", "text/plain")
	if !a.chunked && a.status != 304 && a.status != 204 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(a.status)
	if a.drip == 0 {
		_, _ = w.Write(body)
		return
	}
	for len(body) > 0 {
		n := min(len(body), 16_000)
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		if body = body[n:]; len(body) > 0 {
			pass(a.drip)
		}
	}
}

// link is a listener whose connections are pipes.
type link struct {
	accept chan net.Conn
	done   chan struct{}
}

func (l *link) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *link) Close() error {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	return nil
}

func (l *link) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 20), Port: 443} }
