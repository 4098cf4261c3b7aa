package parity_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
)

// wait is what every timeout of the gateway is: long enough for a stall to be one, and for a busy machine.
const wait = 6 * time.Second

// keyLog collects the secrets of all origins.
type keyLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *keyLog) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(p)
}

// nobody is a client that takes whatever comes.
type nobody struct{}

func (nobody) Informational(int, exchange.Header) error { return nil }
func (nobody) Head(*exchange.Response) error            { return nil }
func (nobody) Body([]byte, bool) error                  { return nil }
func (nobody) Trailer(exchange.Header) error            { return nil }
func (nobody) Upgrade(*exchange.Response) (io.ReadWriteCloser, error) {
	return nil, io.ErrClosedPipe
}

// upload is a request body.
type upload struct{ *bytes.Reader }

func (upload) Trailer() exchange.Header { return nil }
func (upload) Close() error             { return nil }

// stage is one fault with its origin.
type stage struct {
	fault  lab.Fault
	origin *lab.Origin
	relay  *relay             // before the origin; nil: none
	shown  *exchange.Exchange // that shows it
}

// start starts the origin of a fault.
func start(t *testing.T, ca *certs.CA, keys *keyLog, f lab.Fault) *stage {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Config{Fault: f.Name, CA: ca, Delay: 2 * wait, TLS: tlspeer.Config{KeyLog: keys}})
	if err != nil {
		t.Fatalf("start %s: %v", f.Name, err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &stage{fault: f, origin: l}
}

// play plays it through the origin leg.
func (s *stage) play(t *testing.T, ca *certs.CA) {
	l, f := s.origin, s.fault
	addr := l.Addr()
	if s.relay != nil {
		addr = s.relay.ln.Addr().String()
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	cfg := origin.Config{URLs: []string{"https://" + addr}, Retries: -1, TLS: origin.TLS{Roots: roots},
		Timeouts: origin.Timeouts{DNS: wait, Connect: wait, TLS: wait, Write: wait, FirstByte: wait, ReadIdle: wait}}
	times := 1
	r := exchange.Request{Method: "GET", Path: "/", Target: "/", Scheme: "https", Authority: lab.DefaultName, Proto: exchange.HTTP11, Body: exchange.NoBody}
	var body []byte
	switch f.Ask {
	case lab.Upload, lab.Expect:
		body = bytes.Repeat([]byte("x"), 16<<20)
		r.Method = "PUT"
	case lab.Twice, lab.Login:
		times = 2
		cfg.Timeouts.KeepaliveIdle = time.Minute
	case lab.Again:
		times, cfg.Timeouts.KeepaliveIdle = 2, time.Nanosecond
	case lab.Resolve:
		_, port, _ := net.SplitHostPort(addr)
		cfg.URLs, cfg.Resolvers = []string{"https://" + lab.DefaultName + ":" + port}, []string{l.Resolver()}
	case lab.Plain:
		cfg.URLs, r.Scheme = []string{"http://" + addr}, "http"
	case lab.NoName:
		r.Authority = addr
	case lab.Refuses:
		cfg.TLS.Renegotiation = "never"
	case lab.Certify:
		c, err := ca.Issue(certs.Options{Names: []string{"client"}, Client: true})
		if err != nil {
			t.Error(err)
			return
		}
		cert := c.TLS()
		cfg.TLS.Certificate = &cert
	case lab.Upgrade:
		r.Upgrade = "websocket"
		r.Header = exchange.Header{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "websocket"},
			{Name: "Sec-WebSocket-Key", Value: "dGhlIHNhbXBsZSBub25jZQ=="}, {Name: "Sec-WebSocket-Version", Value: "13"}}
	}
	o, err := origin.New(cfg, origin.Deps{})
	if err != nil {
		t.Error(err)
		return
	}
	defer o.Close()
	for range times {
		x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), W: nobody{}, Client: &exchange.Client{ConnID: 1}, Request: r}
		if body != nil {
			x.Request.Body, x.Request.Length = upload{bytes.NewReader(body)}, int64(len(body))
		}
		fetch(t.Context(), o, x)
		s.shown = x
	}
}

// fetch makes the exchange; how it ends its record says.
func fetch(ctx context.Context, o *origin.Origin, x *exchange.Exchange) {
	resp, err := o.RoundTrip(ctx, x, &x.Request)
	if err != nil {
		return
	}
	buf := make([]byte, 32<<10)
	for err == nil {
		_, err = resp.Body.Read(buf)
	}
	_ = resp.Body.Close()
}
