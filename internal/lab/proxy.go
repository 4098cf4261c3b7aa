package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
)

// DefaultProxyPatience is how long a careless proxy waits for an answer.
const DefaultProxyPatience = 60 * time.Second

// ProxyConfig is a careless proxy: plain HTTP in, TLS out with a client that drops every HelloRequest without a word.
type ProxyConfig struct {
	Origin     string        // host:port
	ServerName string        // SNI; default DefaultName
	Patience   time.Duration // until it gives up with 504; default DefaultProxyPatience
	// TLS is how it speaks to the origin. OnHelloRequest is Drop whatever it says, unless Careful is set.
	TLS     tlspeer.Config
	Careful bool
}

// Proxy is a running careless proxy.
type Proxy struct {
	cfg    ProxyConfig
	ln     net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// StartCarelessProxy listens on a free port of 127.0.0.1 and serves until Close or the end of ctx.
func StartCarelessProxy(ctx context.Context, cfg ProxyConfig) (*Proxy, error) {
	if cfg.ServerName == "" {
		cfg.ServerName = DefaultName
	}
	if cfg.Patience == 0 {
		cfg.Patience = DefaultProxyPatience
	}
	cfg.TLS.ServerName = cfg.ServerName
	if !cfg.Careful {
		cfg.TLS.OnHelloRequest = tlspeer.Drop
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start careless proxy: %w", err)
	}
	p := &Proxy{cfg: cfg, ln: ln}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.wg.Add(1)
	go p.accept()
	context.AfterFunc(p.ctx, func() { _ = ln.Close() })
	return p, nil
}

// Addr is host:port.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Close stops the proxy and waits until every connection has ended.
func (p *Proxy) Close() error {
	p.cancel()
	_ = p.ln.Close()
	p.wg.Wait()
	return nil
}

func (p *Proxy) accept() {
	defer p.wg.Done()
	for {
		nc, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Add(1)
		go func() {
			defer p.wg.Done()
			defer nc.Close()
			stop := context.AfterFunc(p.ctx, func() { _ = nc.Close() })
			defer stop()
			p.serve(nc)
		}()
	}
}

// serve takes one request a connection, as a careless proxy would.
func (p *Proxy) serve(nc net.Conn) {
	_ = nc.SetDeadline(time.Now().Add(idleTimeout + p.cfg.Patience))
	r, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil {
		return
	}
	if err := p.forward(nc, r); err != nil {
		status := http.StatusBadGateway
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			status = http.StatusGatewayTimeout
		}
		page := fmt.Sprintf("%d %s\n", status, http.StatusText(status)) // and no word of why: that is its fault
		_, _ = fmt.Fprintf(nc, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
			status, http.StatusText(status), len(page), page)
	}
}

// forward returns an error when no answer was begun.
func (p *Proxy) forward(nc net.Conn, r *http.Request) error {
	var d net.Dialer
	out, err := d.DialContext(p.ctx, "tcp", p.cfg.Origin)
	if err != nil {
		return err
	}
	defer out.Close()
	stop := context.AfterFunc(p.ctx, func() { _ = out.Close() })
	defer stop()
	_ = out.SetDeadline(time.Now().Add(p.cfg.Patience))
	origin := tlspeer.Client(out, p.cfg.TLS)
	defer func() { _ = origin.Close() }()
	r.Header.Set("Connection", "close")
	if err := r.Write(origin); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(origin), r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	resp.Close = true
	if err := resp.Write(nc); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // begun already: the client sees a broken answer
	}
	return nil
}
