package origin

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// What we grant the origin, and what we take before it has said anything (RFC 9113 section 6.5.2).
const (
	h2StreamWindow = 256 << 10 // bytes of a response that wait for a slow client
	h2ConnWindow   = 16 << 20  // given back at once: only the streams hold the origin back
	h2MaxStreams   = 100       // at the same time on one connection, whatever the origin allows
	h2FirstWindow  = 65535
	h2FrameSize    = 16 << 10
	h2MaxWindow    = 1<<31 - 1
	h2LastID       = 1<<31 - 3
	h2Controls     = 1000 // control frames in a row without one that carries a message
)

// h2Conn is one HTTP/2 connection to an origin (RFC 9113). A goroutine of its own reads; who writes holds wmu. Each
// exchange is a stream, driven by the goroutine of the exchange.
//
// The library's client would hide what the record must say: which streams a GOAWAY left untouched, how many bytes each
// carried, and a 1xx before the answer; and it cannot be told to wait for a slow client without cancelling the origin.
type h2Conn struct {
	c  *conn
	fr *http2.Framer // reads belong to readLoop, writes to wmu

	wmu   sync.Mutex // taken before mu where both are needed
	bw    *bufio.Writer
	enc   *hpack.Encoder
	block bytes.Buffer

	mu         sync.Mutex
	streams    map[uint32]*h2Stream
	reserved   int // streams that are about to be opened
	nextID     uint32
	maxStreams int
	maxFrame   int
	peerWindow int64 // of new streams, for what we send
	window     int64 // of the connection, for what we send
	goAway     *http2.GoAwayError
	awayNote   fact.Fact // the latest GOAWAY, for the records of the streams that it met
	dead       error     // why nothing more can be read
	lost       error     // why writing failed first
	closing    bool      // ends with its last stream
	idleSince  time.Time

	// Of readLoop.
	owed     int64 // bytes of the connection's window to be given back
	controls int
	settled  bool // the origin's first SETTINGS came

	shut  sync.Once
	ended chan struct{} // closed once dead is set
}

// startHTTP2 begins HTTP/2 on a fresh connection.
func (c *conn) startHTTP2() *reason.Error {
	h := &h2Conn{
		c: c, bw: bufio.NewWriterSize(c.nc, h2FrameSize+512), streams: map[uint32]*h2Stream{}, nextID: 1,
		maxStreams: h2MaxStreams, maxFrame: h2FrameSize, peerWindow: h2FirstWindow, window: h2FirstWindow, idleSince: c.o.now(),
		ended: make(chan struct{}), reserved: 1, // for the exchange that opened it
	}
	h.fr = http2.NewFramer(h.bw, bufio.NewReaderSize(c.nc, 8<<10))
	h.fr.SetMaxReadFrameSize(h2FrameSize)
	h.fr.SetReuseFrames()
	h.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.fr.MaxHeaderListSize = uint32(c.o.cfg.MaxHeader)
	h.enc = hpack.NewEncoder(&h.block)
	err := h.write(func() error {
		if _, err := io.WriteString(h.bw, http2.ClientPreface); err != nil {
			return err
		}
		err := h.fr.WriteSettings(
			http2.Setting{ID: http2.SettingEnablePush, Val: 0},
			http2.Setting{ID: http2.SettingInitialWindowSize, Val: h2StreamWindow},
			http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.o.cfg.MaxHeader)},
		)
		if err != nil {
			return err
		}
		return h.fr.WriteWindowUpdate(0, h2ConnWindow-h2FirstWindow)
	})
	if err != nil {
		return c.ioError(reason.PhaseWrite, err)
	}
	c.h2 = h
	c.o.live.add(c) // whoever finds it there finds h2 too
	go h.readLoop() // ends with the connection, which ends with its last stream, idle time or Close
	return nil
}

// write runs f, which writes frames, and sends them before the write timeout.
func (h *h2Conn) write(f func() error) error {
	h.wmu.Lock()
	defer h.wmu.Unlock()
	return h.writeLocked(f)
}

// reply writes frames that answer the origin's, from readLoop. Where they cannot be sent, reading goes on for a moment:
// the origin may have said why.
func (h *h2Conn) reply(f func() error) {
	if err := h.write(f); err != nil {
		h.lastWords(err)
	}
}

// lastWords lets reading go on for a moment after writing has failed.
func (h *h2Conn) lastWords(err error) {
	h.mu.Lock()
	if h.lost == nil {
		h.lost = err
	}
	h.mu.Unlock()
	h.c.readBy(h.c.o.now().Add(lastWords))
}

func (h *h2Conn) writeLocked(f func() error) error {
	var by time.Time
	if d := h.c.o.cfg.Timeouts.Write; d > 0 {
		by = h.c.o.now().Add(d)
	}
	h.c.writeBy(by)
	if err := f(); err != nil {
		return err
	}
	return h.bw.Flush()
}

// usableLocked reports whether the connection takes another stream. h.mu is held.
func (h *h2Conn) usableLocked() bool {
	return h.dead == nil && h.lost == nil && !h.closing && h.goAway == nil && h.nextID < h2LastID && h.c.tap.refused.Load() == nil
}

// reserve makes room for one more stream, where there is any.
func (h *h2Conn) reserve() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.usableLocked() || len(h.streams)+h.reserved >= h.maxStreams {
		return false
	}
	h.reserved++
	return true
}

// served is how many requests the connection has had so far.
func (h *h2Conn) served() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int(h.nextID / 2)
}

// gone reports whether the connection takes no further streams, ever.
func (h *h2Conn) gone() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.usableLocked()
}

// idle returns for how long nothing has run.
func (h *h2Conn) idle(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.streams)+h.reserved > 0 {
		return 0
	}
	return now.Sub(h.idleSince)
}

// retire lets running streams end, and closes.
func (h *h2Conn) retire() {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.endIfIdle()
}

// close ends the connection and everything on it.
func (h *h2Conn) close() {
	h.shut.Do(h.c.close)
}

// die ends the connection for a fault and wakes every stream. It is the last act of readLoop.
func (h *h2Conn) die(err error) {
	h.mu.Lock()
	if h.lost != nil && (err == io.EOF || isTimeout(err)) {
		err = h.lost // the kernel tells of a reset but once
	}
	h.dead = err
	for _, s := range h.streams {
		s.wakeUp()
	}
	h.mu.Unlock()
	close(h.ended)
	h.close()
}

// readLoop reads frames until the connection ends.
func (h *h2Conn) readLoop() {
	for {
		f, err := h.fr.ReadFrame()
		if err == nil {
			err = h.frame(f)
		}
		var se http2.StreamError
		if errors.As(err, &se) {
			err = h.brokenStream(se)
		}
		if err != nil {
			h.die(h.reasonOf(err))
			return
		}
	}
}

// reasonOf names a fault of the protocol; what the socket or TLS says stays as it is, for its phase is the stream's.
func (h *h2Conn) reasonOf(err error) error {
	var ce http2.ConnectionError
	switch {
	case reason.Of(err) != nil:
		return err
	case errors.Is(err, http2.ErrFrameTooLarge) && !h.settled:
		return reason.New(reason.HTTP2BadFrame, "the origin does not begin with SETTINGS (RFC 9113 3.4)", err)
	case errors.Is(err, http2.ErrFrameTooLarge):
		return reason.New(reason.HTTP2BadFrame, "frame of more than "+itoa(h2FrameSize)+" bytes (RFC 9113 4.2)", err)
	case errors.As(err, &ce) && http2.ErrCode(ce) == http2.ErrCodeFlowControl:
		return reason.New(reason.HTTP2FlowControl, h2Code(http2.ErrCode(ce)), err)
	case errors.As(err, &ce):
		return reason.New(reason.HTTP2BadFrame, h2Code(http2.ErrCode(ce)), err)
	}
	return err
}

func h2Code(c http2.ErrCode) string { return itoa(int(c)) + " " + c.String() }
