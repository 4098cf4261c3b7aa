// Package lab starts origins that misbehave on purpose, one per known fault, and a proxy that is careless.
//
// Input: a [Config] that names a fault of [Faults] or a way to renegotiate. Output: an [Origin] on 127.0.0.1 with throw-away
// certificates, and [Event] values that say what it saw and did; for faults that lie in a name, a DNS server beside it. Each [Fault]
// says what a gateway and the checks should make of it, and what a client has to ask ([Ask]).
// Promises: an origin that is asked to renegotiate does it as IIS does: it reads the request, sends HelloRequest, and waits in
// silence; everything ends with Close or with the context; nothing is written to disk.
// Non-goals: serving anything real; what needs a network of its own (test/netlab). The careless proxy verifies no certificate.
package lab

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
)

// Defaults of Config.
const (
	DefaultName      = "hello.test.domain"
	DefaultPatience  = 120 * time.Second // http.sys: Timer_SslRenegotiation
	DefaultReadAhead = 49152             // IIS: uploadReadAheadSize, bytes
	DefaultDelay     = 8 * time.Second
	idleTimeout      = 120 * time.Second // IIS: connectionTimeout
)

// Config is an origin. The zero Config is a healthy HTTPS origin with an RSA certificate for DefaultName, 127.0.0.1 and localhost.
type Config struct {
	Fault string   // a name of Faults; "" for none
	Names []string // of the certificate; default DefaultName, "127.0.0.1", "localhost"
	CA    *certs.CA
	Plain bool // HTTP without TLS: for the faults that lie in HTTP

	// TLS is how the origin speaks: versions, suites, RFC 5746 on or off. Certificate defaults to one issued by CA.
	TLS tlspeer.Config
	// Renegotiate says when to ask for a client certificate in the middle of a connection.
	Renegotiate Renegotiation
	// Delay is how long the slow faults wait; default DefaultDelay.
	Delay time.Duration
	// Observe is called for each event, from the connection's goroutine; nil: nobody looks.
	Observe func(Event)
	// Listener is where to listen, a free port of 127.0.0.1 when it is nil. The origin closes it.
	Listener net.Listener
	// Idle is how long a connection may be idle before it is closed; default 120 seconds.
	Idle time.Duration

	old *certs.Certificate // that of a second node
}

// Renegotiation is IIS's "SSL settings" for a part of the site. Auth Ignore with Path "" does not renegotiate at all.
type Renegotiation struct {
	Path      string             // path prefix that it applies to, "/" for all; "" for none
	Auth      tlspeer.ClientAuth // Ignore renegotiates without asking for a certificate (a change of suites only)
	Every     bool               // on every request; false: once a connection
	Patience  time.Duration      // how long the HelloRequest may go unanswered before the reset; default DefaultPatience
	ReadAhead int                // request body bytes held meanwhile; default DefaultReadAhead
	InFlight  bool               // ask once ReadAhead bytes of a longer body have come, as if the application had begun to read
	Stall     bool               // when more body arrives: stop reading and wait for Patience to end; false: answer 413
	Interfere bool               // send application data between HelloRequest and ServerHello, as RFC 5246 allows
}

// EventKind is what an origin saw or did.
type EventKind string

// The kinds of event. Text means what stands beside each.
const (
	Connected          EventKind = "connected"  // remote address
	Handshaken         EventKind = "handshaken" // version and suite
	Requested          EventKind = "requested"  // method and target
	HelloRequest       EventKind = "hello_request"
	CertificateRequest EventKind = "certificate_request" // after the handshake, in TLS 1.3
	Renegotiated       EventKind = "renegotiated"        // subject of the client certificate, "" without
	Refused            EventKind = "refused"             // the client answered no_renegotiation
	Unanswered         EventKind = "unanswered"          // how long it waited
	Overflowed         EventKind = "overflowed"          // more body than ReadAhead came before the ClientHello
	Answered           EventKind = "answered"            // status
	Reset              EventKind = "reset"               // the origin reset the connection
	Failed             EventKind = "failed"              // what went wrong
)

// Event is one thing that an origin saw or did.
type Event struct {
	At   time.Time
	Conn uint64 // counts from 1 in each origin
	Kind EventKind
	Text string
}

// Origin is a running origin.
type Origin struct {
	cfg    Config
	fault  fault
	ln     net.Listener
	ln2    net.Listener // of a second node, nil without
	dns    string       // where it answers questions, "" when it does not
	quiet  func()       // ends that
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	conns  atomic.Uint64
}

// Start listens on a free port of 127.0.0.1 and serves until Close or the end of ctx. The error names an unknown fault or what
// kept the origin from starting.
func Start(ctx context.Context, cfg Config) (*Origin, error) {
	f, err := findFault(cfg.Fault)
	if err != nil {
		return nil, err
	}
	if err := cfg.complete(&f); err != nil {
		return nil, fmt.Errorf("start lab origin: %w", err)
	}
	o := &Origin{cfg: cfg, fault: f}
	if err := o.listen(ctx); err != nil {
		o.closeListeners()
		return nil, fmt.Errorf("start lab origin: %w", err)
	}
	o.ctx, o.cancel = context.WithCancel(ctx)
	for _, ln := range []net.Listener{o.ln, o.ln2} {
		if ln != nil {
			o.wg.Go(func() { o.accept(ln) })
		}
	}
	context.AfterFunc(o.ctx, o.closeListeners)
	return o, nil
}

func (o *Origin) listen(ctx context.Context) (err error) {
	listen := o.fault.listen
	if o.cfg.Listener != nil {
		listen = func(context.Context) (net.Listener, error) { return o.cfg.Listener, nil }
	}
	if listen == nil {
		listen = func(context.Context) (net.Listener, error) { return net.Listen("tcp", ownAddress+":0") }
	}
	if o.ln, err = listen(ctx); err != nil {
		return err
	}
	if o.fault.second {
		if o.ln2, err = net.Listen("tcp", atPort(deadAddress, o.ln.Addr().String())); err != nil {
			return err
		}
	}
	if o.fault.names != nil {
		o.dns, o.quiet, err = serveNames(o.fault.names)
	}
	return err
}

func (o *Origin) closeListeners() {
	for _, ln := range []net.Listener{o.ln, o.ln2} {
		if ln != nil {
			_ = ln.Close()
		}
	}
	if o.quiet != nil {
		o.quiet()
	}
}

// complete fills in defaults and what the fault changes.
func (c *Config) complete(f *fault) error {
	var err error
	if c.Names == nil {
		c.Names = []string{DefaultName, "127.0.0.1", "localhost"}
	}
	if c.CA == nil {
		if c.CA, err = certs.NewCA("Lunette lab root", certs.ECDSA); err != nil {
			return err
		}
	}
	if c.Renegotiate.Patience == 0 {
		c.Renegotiate.Patience = DefaultPatience
	}
	if c.Renegotiate.ReadAhead == 0 {
		c.Renegotiate.ReadAhead = DefaultReadAhead
	}
	if c.Idle == 0 {
		c.Idle = idleTimeout
	}
	if c.Delay == 0 {
		c.Delay = DefaultDelay
	}
	if f.setup != nil {
		if err := f.setup(c); err != nil {
			return err
		}
	}
	if c.TLS.Certificate == nil {
		c.TLS.Certificate, err = c.CA.Issue(certs.Options{Names: c.Names, Key: certs.RSA})
	}
	return err
}

// Addr is host:port.
func (o *Origin) Addr() string { return o.ln.Addr().String() }

// Resolver is host:port of the DNS server of a fault that lies in names, "" for another: look DefaultName up there.
func (o *Origin) Resolver() string { return o.dns }

// CA is the PEM of the root to trust.
func (o *Origin) CA() []byte { return o.cfg.CA.PEM() }

// Authority is the root itself, to issue client certificates with.
func (o *Origin) Authority() *certs.CA { return o.cfg.CA }

// Connections is how many were accepted so far.
func (o *Origin) Connections() int { return int(o.conns.Load()) }

// Close stops the origin and waits until every connection has ended.
func (o *Origin) Close() error {
	o.cancel()
	o.closeListeners()
	o.wg.Wait()
	return nil
}

func (o *Origin) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		s := &session{o: o, id: o.conns.Add(1), nc: nc, second: ln == o.ln2}
		o.wg.Add(1)
		go func() {
			defer o.wg.Done()
			stop := context.AfterFunc(o.ctx, func() { _ = nc.Close() })
			defer stop()
			s.run()
		}()
	}
}
