package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// How long things may take. Those of a natural request are the defaults of the gateway, but for the wait for an answer.
const (
	connectTimeout = 5 * time.Second
	slowHandshake  = 10 * time.Second
	keptBytes      = 10 << 20 // recorded of one connection
)

// try is one connection to be made, and what is done on it.
type try struct {
	purpose  string
	addr     netip.AddrPort // zero: the first address
	via      bool           // addr is the gateway's
	natural  bool
	clear    bool                 // no TLS whatever the target
	offer    *offer               // TLS as crypto/tls speaks it
	own      *tlswire.ClientHello // a hello of our own making; the handshake is not finished
	split    bool                 // it goes out in two pieces
	requests []request
	quiet    time.Duration // say nothing for so long and listen
	connect  time.Duration // limit for TCP; default connectTimeout
	shake    time.Duration // limit for the handshake; default that of the climb
	answer   time.Duration // limit for the first byte; default that of the climb
}

// do makes the connection. The outcome is never nil; it is in the report already.
func (c *climb) do(t try) *Outcome {
	if !t.addr.IsValid() && len(c.addrs) > 0 {
		t.addr = c.addrs[0]
	}
	rec := &recording.Recording{Server: t.addr, Name: c.cfg.Target.Name, Purpose: t.purpose, Connect: -1}
	o := &Outcome{Purpose: t.purpose, Via: t.via, Natural: t.natural, Addr: t.addr, Recording: rec, Alert: -1, made: t}
	if len(t.requests) > 0 {
		o.Path = t.requests[0].target
	}
	var err error
	if rec.ID, err = c.turn(); err != nil {
		o.Err, o.Phase, o.Cut = err, "connect", true
		return o
	}
	defer c.keep(o)
	rc := c.dial(o, t)
	if rc == nil {
		return o
	}
	stop := context.AfterFunc(c.ctx, func() { _ = rc.Close() })
	defer func() {
		o.Cut = !stop()
		_ = rc.Close()
		o.Recording = rc.Snapshot()
		o.Natural = o.Natural && !o.Cut
	}()
	switch {
	case t.quiet > 0:
		c.listen(o, rc, t.quiet)
	case t.own != nil:
		c.greet(o, rc, t)
	case t.offer != nil && !t.clear:
		c.speakTLS(o, rc, t)
	default:
		c.exchangeAll(o, rc, rc, t)
	}
	return o
}

// dial connects, and notes why not.
func (c *climb) dial(o *Outcome, t try) *recording.Conn {
	limit := t.connect
	if limit == 0 {
		limit = connectTimeout
	}
	rec := o.Recording
	rec.Start = time.Now()
	d := net.Dialer{Timeout: limit}
	nc, err := d.DialContext(c.ctx, "tcp", t.addr.String())
	took := time.Since(rec.Start)
	if err != nil {
		rec.End = time.Now()
		o.Err, o.Phase = err, "connect"
		if errors.Is(err, syscall.ECONNRESET) { // not refused: it was connected, and reset before we were told
			rec.Connect, o.Times.Connect = took, took
			rec.Pieces = append(rec.Pieces, recording.Piece{At: rec.End, Side: fact.SideServer, End: fact.TCPReset})
			return nil
		}
		if o.Cut = c.ctx.Err() != nil; !o.Cut {
			rec.Facts = append(rec.Facts, failed(err, rec, took))
		}
		return nil
	}
	rec.Connect, o.Times.Connect = took, took
	rec.Client = addrPort(nc.LocalAddr())
	return recording.New(nc, rec, keptBytes)
}

// failed is the fact of a connection that was never made.
func failed(err error, rec *recording.Recording, took time.Duration) fact.Fact {
	f := fact.Fact{Kind: fact.TCPFailed, At: rec.Start.Add(took), Conn: rec.ID, Side: fact.SideClient, Size: took.Nanoseconds()}
	r := reason.FromNet(err, reason.PhaseConnect)
	if f.Text = r.Detail; r.Code == reason.TCPTimeout && f.Text == "" {
		f.Text = "timeout"
	}
	var n syscall.Errno
	if errors.As(err, &n) {
		f.Code = int(n)
	}
	return f
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		p := t.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// listen says nothing and waits for what the other side does.
func (c *climb) listen(o *Outcome, rc *recording.Conn, d time.Duration) {
	rc.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 4096)
	for {
		if _, err := rc.Read(buf); err != nil {
			if !timedOut(err) {
				o.Err, o.Phase = err, "connect"
			}
			return
		}
	}
}

func timedOut(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// gaveUp notes that a timer of ours ended the wait.
func (c *climb) gaveUp(rc *recording.Conn, err error, timer string, waited time.Duration) {
	if timedOut(err) && c.ctx.Err() == nil {
		rc.Note(fact.Fact{Kind: fact.GaveUp, Side: fact.SideClient, Size: waited.Nanoseconds(), Text: timer})
	}
}
