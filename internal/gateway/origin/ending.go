package origin

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// noteEnd puts into the record of an attempt that failed for r what ended it, as facts: a timer of ours, the origin, whoever asked us.
// t is its connection's, nil where none was had.
func (o *Origin) noteEnd(x *exchange.Exchange, a *exchange.Attempt, t *tap, r *reason.Error) {
	now := o.now()
	add := func(f fact.Fact) {
		f.At, f.Conn = now, a.ConnID
		a.Facts = append(a.Facts, f)
		if a.Tape != nil && (f.Kind == fact.GaveUp || f.Kind == fact.ClientLeft) { // bytes do not show it
			a.Tape.Note(f)
		}
	}
	if d, name := o.timer(a, r); name != "" {
		add(fact.Fact{Kind: fact.GaveUp, Side: fact.SideClient, Size: d.Nanoseconds(), Text: name})
	}
	if r.Code == reason.ClientGone {
		add(fact.Fact{Kind: fact.ClientLeft, Size: max(now.Sub(x.Start), 0).Nanoseconds()})
	}
	if a.ConnID == 0 {
		return
	}
	noteHead(a, t, r, now)
	for _, f := range broken(a, r) {
		add(f)
	}
	switch how := endOf(r); how {
	case fact.TCPClosed, fact.TCPReset:
		if how == fact.TCPClosed {
			o.noteClose(a, t)
		} else {
			add(fact.Fact{Kind: how, Side: fact.SideServer})
		}
	default:
		if !multiplexed(a, r) {
			add(fact.Fact{Kind: fact.TCPClosed, Side: fact.SideClient})
		}
	}
}

// noteClose notes that the origin ended the connection: with a close_notify where crypto/tls ended the stream and the socket did not.
func (o *Origin) noteClose(a *exchange.Attempt, t *tap) {
	f := fact.Fact{Kind: fact.TCPClosed, At: o.now(), Conn: a.ConnID, Side: fact.SideServer}
	if t != nil && t.opening != nil && !t.eof.Load() {
		notify := f
		notify.Kind, notify.Text, notify.Size = fact.TLSAlert, "close_notify", 1
		a.Facts = append(a.Facts, notify)
	}
	a.Facts = append(a.Facts, f)
}

// noteHead notes of an answer that stopped within its head when that began, and for how long nothing followed.
func noteHead(a *exchange.Attempt, t *tap, r *reason.Error, now time.Time) {
	if t == nil || a.FirstByte != exchange.NotReached || r.Code != reason.ReadHeaderStall && r.Code != reason.ReadEOFInHeader {
		return
	}
	began := time.Unix(0, t.heard.Load())
	a.Facts = append(a.Facts, fact.Fact{Kind: fact.FirstByte, Conn: a.ConnID, At: began, Side: fact.SideServer})
	if silent := now.Sub(began); silent >= pause {
		a.Facts = append(a.Facts, fact.Fact{Kind: fact.Silence, Conn: a.ConnID, At: began, Side: fact.SideServer, Size: silent.Nanoseconds(), Text: "rest of the response head"})
	}
}

// timer is the timer of ours that ran out, with its length; "" where none did: the kernel has some too.
func (o *Origin) timer(a *exchange.Attempt, r *reason.Error) (time.Duration, string) {
	if d := waitedDead(r); d > 0 {
		return d, "dead_wait"
	}
	t := &o.cfg.Timeouts
	var errno syscall.Errno
	if r.Code != reason.ReadOverTotalTime && errors.As(r.Err, &errno) {
		return 0, ""
	}
	switch r.Code {
	case reason.TCPTimeout:
		return a.Connect, "timeouts.connect"
	case reason.ReadOverTotalTime:
		return t.Total, "timeouts.total"
	case reason.TLSRenegotiationFailed:
		if isTimeout(r.Err) {
			return t.FirstByte, "timeouts.first_byte"
		}
		return 0, ""
	}
	if d, key := o.limit(r); key != "" {
		return d, "timeouts." + key
	}
	return 0, ""
}

// endOf is how the origin ended the connection; None where it was us.
func endOf(r *reason.Error) fact.Kind {
	switch {
	case errors.Is(r.Err, syscall.ECONNRESET), errors.Is(r.Err, syscall.ECONNABORTED):
		return fact.TCPReset
	case isTimeout(r.Err):
		return fact.None
	}
	switch r.Code {
	case reason.TLSReset, reason.ReadResetBeforeHeader, reason.ReadResetInBody, reason.WriteReset:
		return fact.TCPReset
	case reason.TLSEOF, reason.ReadEOFBeforeHeader, reason.ReadEOFInHeader, reason.ReadTruncated, reason.ReadStaleReusedConnection, reason.WriteEOF:
		return fact.TCPClosed
	}
	return fact.None
}

// broken is what r says of a message that was not whole, or no HTTP.
func broken(a *exchange.Attempt, r *reason.Error) []fact.Fact {
	phase, _, _ := strings.Cut(string(r.Code), ".")
	switch r.Code {
	case reason.ReadTruncated, reason.ReadResetInBody:
		return []fact.Fact{{Kind: fact.HTTPCutShort, Side: fact.SideServer, Code: int(a.Stream), Text: "body", Size: lacks(r.Detail)}}
	case reason.ReadEOFInHeader:
		return []fact.Fact{{Kind: fact.HTTPCutShort, Side: fact.SideServer, Code: int(a.Stream), Text: "head"}}
	case reason.HTTP2GoAway, reason.HTTP2RST, reason.HTTP2RefusedStream: // their frames were noted
		return nil
	}
	if !r.InRequest && (r.Code == reason.TLSWrongPort || phase == "http1" || phase == "http2") {
		return []fact.Fact{{Kind: fact.HTTPBroken, Side: fact.SideServer, Code: int(a.Stream), Text: cmp.Or(r.Detail, string(r.Code))}}
	}
	return nil
}

// lacks is how many bytes of a body did not come, by the detail "10 of 20 bytes"; 0 unknown.
func lacks(detail string) int64 {
	var n [2]int64
	words := strings.Fields(detail)
	if len(words) < 3 || words[1] != "of" {
		return 0
	}
	for i := range n {
		v, err := strconv.ParseInt(words[2*i], 10, 64)
		if err != nil {
			return 0
		}
		n[i] = v
	}
	return max(n[1]-n[0], 0)
}

// multiplexed reports whether the connection goes on without this exchange.
func multiplexed(a *exchange.Attempt, r *reason.Error) bool {
	switch r.Code {
	case reason.HTTP2RST, reason.HTTP2RefusedStream, reason.HTTP2GoAway:
		return true
	}
	return a.Proto == exchange.HTTP2
}

// tcpFailed are the facts of a connect to addr that failed. Who answers SYN with RST refuses: ECONNRESET says that the connection was there, and
// was reset before we were told (RFC 9293 section 3.10.7).
func tcpFailed(addr netip.AddrPort, at time.Time, took time.Duration, r *reason.Error) []fact.Fact {
	if errors.Is(r.Err, syscall.ECONNRESET) {
		return []fact.Fact{
			{Kind: fact.TCPConnected, At: at, Side: fact.SideClient, Text: addr.String(), Size: took.Nanoseconds()},
			{Kind: fact.TCPReset, At: at, Side: fact.SideServer},
		}
	}
	f := fact.Fact{Kind: fact.TCPFailed, At: at, Side: fact.SideClient, Size: took.Nanoseconds(), Text: "timeout"}
	var errno syscall.Errno
	if errors.As(r.Err, &errno) {
		f.Code, f.Text = int(errno), r.Detail // its name
	}
	return []fact.Fact{f}
}

// poolWaited is the fact of a wait for a free connection.
func poolWaited(start, end time.Time, r *reason.Error) fact.Fact {
	f := fact.Fact{Kind: fact.PoolWaited, At: end, Size: max(end.Sub(start), 0).Nanoseconds(), Text: "got_one"}
	switch {
	case r == nil:
	case r.Code == reason.LimitQueueFull:
		f.Text = "queue_full"
	default:
		f.Text = "timed_out"
	}
	return f
}

// answered is a copy of a head: the connection that it came on uses its memory again.
func answered(r *exchange.Response) *exchange.Response {
	return &exchange.Response{Status: r.Status, Phrase: r.Phrase, Proto: r.Proto, Header: slices.Clone(r.Header), Length: r.Length}
}
