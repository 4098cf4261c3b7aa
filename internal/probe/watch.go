package probe

import (
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// errIgnored ends a connection on which a HelloRequest was left without answer.
var errIgnored = errors.New("the HelloRequest was left without answer")

// errInsecure ends a connection as the gateway does, which renegotiates without RFC 5746 only when told.
var errInsecure = errors.New("the origin renegotiates without RFC 5746")

// watch stands between crypto/tls and the socket: it hands on whole records and sees a HelloRequest by its type and its place, up to
// TLS 1.2. Where it is told to ignore it, crypto/tls hears nothing from there on.
type watch struct {
	*recording.Conn
	ignore time.Duration // how long to wait for the origin then; 0: hand it on
	secure bool          // end the connection where the origin has no renegotiation_info, as the gateway does
	buf    []byte        // rest of a record, to be handed on
	rec    []byte        // room for it
	raw    bool          // it is no TLS
	plain  atomic.Bool   // a handshake is done, of TLS 1.2 at most

	first  tlswire.MessageScanner // up to the ServerHello
	server *tlswire.ServerHello

	asked   atomic.Int32 // HelloRequests
	state   byte         // 0 quiet, 1 asked, 2 the origin has changed its cipher spec
	ignored atomic.Int64 // nanoseconds that one of them lay without answer
	expired bool         // until our own time was up
	spokeOn bool         // until the origin went on by itself
}

func (w *watch) Read(p []byte) (int, error) {
	if w.raw {
		return w.Conn.Read(p)
	}
	if len(w.buf) == 0 {
		rec, err := w.record()
		if err != nil {
			return 0, err
		}
		if w.plain.Load() && !w.raw && w.hello(rec[0]) {
			switch {
			case w.ignore > 0:
				return 0, w.wait()
			case w.secure && w.server != nil && w.server.RenegotiationInfo == nil:
				w.Note(fact.Fact{Kind: fact.TLSHelloRequestAnswer, Side: fact.SideClient, Text: "refused"})
				return 0, errInsecure
			}
		}
		if w.server == nil && !w.raw && rec[0] == tlswire.TypeHandshake {
			w.first.Feed(rec[tlswire.RecordHeaderLen:], w.message)
		}
		w.buf = rec
	}
	n := copy(p, w.buf)
	w.buf = w.buf[n:]
	return n, nil
}

// message takes the first ServerHello that is no HelloRetryRequest.
func (w *watch) message(m tlswire.Message) {
	if m.Type != tlswire.MsgServerHello || w.server != nil {
		return
	}
	if h, err := tlswire.ParseServerHello(slices.Clone(m.Body)); err == nil && !h.HelloRetry {
		w.server = h
	}
}

// record reads one record, or what there is where that is no TLS.
func (w *watch) record() ([]byte, error) {
	if w.rec == nil {
		w.rec = make([]byte, tlswire.RecordHeaderLen+tlswire.MaxRecordPayload)
	}
	n, err := io.ReadAtLeast(w.Conn, w.rec[:tlswire.RecordHeaderLen], 1)
	if n == 0 {
		return nil, err
	}
	for n < tlswire.RecordHeaderLen && tlswire.PlausibleRecord(w.rec[:n]) && err == nil {
		var more int
		more, err = w.Conn.Read(w.rec[n:tlswire.RecordHeaderLen])
		n += more
	}
	if n < tlswire.RecordHeaderLen || !tlswire.PlausibleRecord(w.rec[:n]) {
		w.raw = true
		return w.rec[:n], nil
	}
	length := int(w.rec[3])<<8 | int(w.rec[4])
	if _, err := io.ReadFull(w.Conn, w.rec[n:n+length]); err != nil {
		return nil, err
	}
	return w.rec[:n+length], nil
}

// hello reports whether a record of this type is a HelloRequest, and follows the handshake that may come of it.
func (w *watch) hello(typ byte) bool {
	switch {
	case w.state == 0 && typ == tlswire.TypeHandshake:
		w.asked.Add(1)
		w.state = 1
		return true
	case w.state == 1 && typ == tlswire.TypeChangeCipherSpec:
		w.state = 2
	case w.state == 2 && typ == tlswire.TypeHandshake:
		w.state = 0 // its Finished
	}
	return false
}

// wait watches the origin until it speaks, closes, or the time is up.
func (w *watch) wait() error {
	begun := time.Now()
	w.Conn.SetReadDeadline(begun.Add(w.ignore))
	for {
		rec, err := w.record()
		w.ignored.Store(time.Since(begun).Nanoseconds())
		if err != nil {
			w.expired = timedOut(err)
			return errIgnored
		}
		if rec[0] != tlswire.TypeHandshake {
			w.spokeOn = rec[0] == tlswire.TypeApplicationData
			w.rest()
			return errIgnored
		}
	}
}

// rest reads what still comes at once: the answer of an origin that went on without.
func (w *watch) rest() {
	for range 64 {
		w.Conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := w.record(); err != nil {
			return
		}
	}
}
