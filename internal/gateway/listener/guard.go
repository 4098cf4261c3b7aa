package listener

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	frameHeaderLen = 9
	prefaceLen     = len(http2.ClientPreface)
	// maxContinuations bounds the CONTINUATION frames of one head; x/net/http2 bounds their bytes.
	maxContinuations = 32
	// updateEvery is how many bytes of content an honest client takes at least before it extends a window again.
	updateEvery = 256
)

// guard stands between TLS and x/net/http2 and counts frames, which costs nanoseconds each. Once a client does more of
// what costs us and not it than any honest client does, reading fails with ENHANCE_YOUR_CALM, which makes x/net/http2
// send GOAWAY with that code and close. Counted are resets by the client, resets that it provokes from us
// (both ways of rapid reset), frames that carry nothing, CONTINUATION frames, and WINDOW_UPDATE frames far beyond what our
// DATA frames give cause for.
type guard struct {
	*tls.Conn
	c *conn

	// owned by the goroutine that reads
	in            frames
	preface       int // bytes of the client's preface still to come
	since         time.Time
	resets        int
	control       int
	continuations int
	updates       int64 // WINDOW_UPDATE frames of the connection's life
	fault         *reason.Error

	// owned by whoever writes
	out frames

	credit    atomic.Int64 // WINDOW_UPDATE frames that what we sent gives cause for
	outResets atomic.Int32 // RST_STREAM frames that we sent for a fault of the client's
	forgiven  atomic.Int32 // of those, the ones that were our own doing
	seen      atomic.Int32 // of outResets, less the forgiven ones: what the reader has counted
	woken     atomic.Bool  // the reader was woken to count them
	requests  atomic.Int32
	judged    atomic.Pointer[reason.Error]
}

func newGuard(c *conn, tc *tls.Conn) *guard {
	return &guard{Conn: tc, c: c, preface: prefaceLen}
}

// frames finds the frame headers in a byte stream, cut anywhere.
type frames struct {
	head [frameHeaderLen + 4]byte // header and the first bytes of the payload
	n    int
	want int // bytes of head that this frame has
	skip int
}

// feed calls on for each frame, whose head holds up to four bytes of payload.
func (f *frames) feed(p []byte, on func(head []byte, length int)) {
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(p))
			f.skip -= n
			p = p[n:]
			continue
		}
		if f.want == 0 {
			f.want = frameHeaderLen
		}
		n := copy(f.head[f.n:f.want], p)
		f.n += n
		p = p[n:]
		if f.n < f.want {
			return
		}
		length := int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
		if f.want == frameHeaderLen && length > 0 {
			f.want += min(length, 4)
			continue
		}
		on(f.head[:f.n], length)
		f.skip = length - (f.n - frameHeaderLen)
		f.n, f.want = 0, 0
	}
}

// Read implements net.Conn.
func (g *guard) Read(p []byte) (int, error) {
	if g.fault != nil {
		return 0, http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	for {
		n, err := g.read(p)
		if n > 0 || err == nil || g.fault != nil || !g.woken.Swap(false) {
			return n, err
		}
		_ = g.SetReadDeadline(time.Time{}) // woken for nothing: a new window has begun
	}
}

func (g *guard) read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	b := p[:n]
	if g.preface > 0 {
		k := min(g.preface, n)
		g.preface -= k
		b = b[k:]
	}
	s := g.c.l.settings.Load()
	g.in.feed(b, func(head []byte, length int) { g.count(s, head, length) })
	g.judge(s)
	if g.fault != nil {
		g.judged.Store(g.fault)
		return 0, http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	return n, err
}

// count takes one frame of the client.
func (g *guard) count(s *Settings, head []byte, length int) {
	kind, flags := http2.FrameType(head[3]), http2.Flags(head[4])
	code := reason.HTTP2BadFrame
	detail := ""
	switch kind {
	case http2.FrameHeaders:
		g.continuations = 0
		if length > 0 {
			return
		}
		detail = "empty HEADERS"
	case http2.FrameContinuation:
		if g.continuations++; g.continuations > maxContinuations {
			g.fault = reason.New(reason.HTTP2BadFrame, "CONTINUATION flood", nil)
		}
		return
	case http2.FrameRSTStream:
		g.resets++
		return
	case http2.FrameData:
		if length > 0 || flags.Has(http2.FlagDataEndStream) {
			return
		}
		detail = "empty DATA flood"
	case http2.FrameWindowUpdate:
		if g.updates++; s.ControlFrames >= 0 && g.updates > int64(s.ControlFrames)+g.credit.Load() {
			g.fault = reason.New(reason.HTTP2BadFrame, "WINDOW_UPDATE flood", nil)
		}
		return
	case http2.FramePing:
		code = reason.HTTP2PingFlood
	case http2.FrameSettings:
		code = reason.HTTP2SettingsFlood
	default:
		detail = kind.String() + " flood"
	}
	if g.control++; s.ControlFrames >= 0 && g.control > s.ControlFrames {
		g.fault = reason.New(code, detail, nil)
	}
}

// judge looks at the resets, and begins a new window when the old one is over.
func (g *guard) judge(s *Settings) {
	out := g.outResets.Load() - g.forgiven.Load()
	if seen := g.seen.Load(); out > seen {
		g.resets += int(out - seen)
		g.seen.Store(out)
	}
	if g.resets == 0 && g.control == 0 {
		return
	}
	if s.Resets >= 0 && g.resets > s.Resets && g.fault == nil {
		g.fault = reason.New(reason.HTTP2RST, "rapid reset", nil)
	}
	now := time.Now()
	if g.since.IsZero() {
		g.since = now
	}
	if now.Sub(g.since) > s.ResetWindow {
		g.since, g.resets, g.control = now, 0, 0
	}
}

// Write implements net.Conn.
func (g *guard) Write(p []byte) (int, error) {
	g.out.feed(p, func(head []byte, length int) {
		if http2.FrameType(head[3]) == http2.FrameData {
			g.credit.Add(2 + int64(length)/updateEvery)
		}
		if http2.FrameType(head[3]) == http2.FrameRSTStream && len(head) == frameHeaderLen+4 &&
			http2.ErrCode(binary.BigEndian.Uint32(head[frameHeaderLen:])) != http2.ErrCodeNo {
			g.outResets.Add(1)
		}
	})
	g.wake()
	return g.Conn.Write(p)
}

// wake makes the reader judge when many resets have gone out while it waits: a client need not send anything more.
func (g *guard) wake() {
	limit := g.c.l.settings.Load().Resets
	if limit >= 0 && int(g.outResets.Load()-g.forgiven.Load()-g.seen.Load()) > limit && !g.woken.Swap(true) {
		_ = g.SetReadDeadline(time.Unix(1, 0))
	}
}

// settle records what the connection was ended for.
func (g *guard) settle() {
	if e := g.judged.Load(); e != nil {
		e.InRequest = true
		g.c.l.refuseConn(g.c.client, g.c.accepted, e)
	}
}

var _ net.Conn = (*guard)(nil)
