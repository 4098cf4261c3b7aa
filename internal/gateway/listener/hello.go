package listener

import (
	"errors"
	"io"
	"net"
	"reflect"
	"strconv"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// maxHello bounds what is kept of a ClientHello that may have to be handed to a passed-through origin.
const maxHello = 128 << 10

// helloConn is the socket under a TLS handshake: it keeps what was read until the site is known, so that the
// connection can still be tunnelled, and notes the alerts that pass in clear. After settle it only passes through.
type helloConn struct {
	net.Conn
	prefix []byte // read already, behind a PROXY header

	seen  []byte // as read, until forget
	hello bool   // a ClientHello was read to its end
	mute  bool   // drop what crypto/tls writes
	over  bool   // the handshake is done

	tape  exchange.Tape                         // from the ClientHello on; nil: none is kept
	open  func(site, name string) exchange.Tape // opens it; nil: none is ever kept
	first time.Time                             // when the first bytes were read, where open is set

	feed   *feeder // from the ClientHello on
	direct bool    // do without feed once that is empty

	in, out        tlswire.RecordScanner
	received, sent int // alert numbers, -1 for none
	last           int // payload bytes of the newest record after the ClientHello, 0 before
}

func newHelloConn(nc net.Conn, prefix []byte) *helloConn {
	return &helloConn{Conn: nc, prefix: prefix, received: -1, sent: -1}
}

func (h *helloConn) Read(p []byte) (n int, err error) {
	switch {
	case len(h.prefix) > 0:
		n = copy(p, h.prefix)
		h.prefix = h.prefix[n:]
	case h.feed != nil && (!h.direct || len(h.feed.data) > 0):
		n, err = h.feed.Read(p)
	default:
		n, err = h.Conn.Read(p)
	}
	if h.tape != nil {
		h.record(p[:n], err)
	}
	if h.over {
		return n, err
	}
	if !h.hello {
		if h.open != nil && h.first.IsZero() {
			h.first = time.Now()
		}
		if len(h.seen)+n > maxHello {
			return 0, errHelloTooBig
		}
		h.seen = append(h.seen, p[:n]...)
	}
	h.in.Feed(p[:n], func(r tlswire.Record) {
		noteAlert(r, &h.received)
		if h.hello {
			h.last = r.Length
		}
	})
	return n, err
}

var errHelloTooBig = errors.New("ClientHello too big")

func (h *helloConn) Write(p []byte) (int, error) {
	if h.tape != nil {
		h.tape.Wire(fact.SideServer, time.Now().UnixNano(), p)
	}
	if h.over {
		return h.Conn.Write(p)
	}
	if h.mute {
		return len(p), nil
	}
	h.out.Feed(p, func(r tlswire.Record) { noteAlert(r, &h.sent) })
	return h.Conn.Write(p)
}

func noteAlert(r tlswire.Record, n *int) {
	if r.Type == tlswire.TypeAlert {
		if a, ok := tlswire.ParseAlert(r.Head); ok {
			*n = int(a.Number)
		}
	}
}

// forget drops the kept ClientHello: the connection is terminated here. From now on crypto/tls gets one record at a time.
func (h *helloConn) forget() {
	h.feed = &feeder{wait: newWaiter(h.Conn)}
	h.feed.edge.pass(h.seen)
	h.feed.edge.pass(h.prefix)
	h.hello, h.seen = true, nil
}

// settle ends the watching.
func (h *helloConn) settle() {
	h.over, h.seen = true, nil
	h.in, h.out = tlswire.RecordScanner{}, tlswire.RecordScanner{}
}

func alertDetail(n uint8) string {
	return strconv.Itoa(int(n)) + " " + tlswire.AlertName(n)
}

// alertOf returns the number that a crypto/tls error carries: the alert types of both directions are unexported
// uint8 kinds inside a net.OpError, so the kind tells, not the text. ok is false for any other error.
func alertOf(err error) (n uint8, remote, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" && op.Op != "local error" {
		return 0, false, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false, false
	}
	return uint8(v.Uint()), op.Op == "remote error", true
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
