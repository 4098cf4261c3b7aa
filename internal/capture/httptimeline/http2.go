package httptimeline

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/fact"
)

// http2 is both sides of a connection that speaks HTTP/2 (RFC 9113).
type http2 struct {
	t           *Timeline
	side        [3]side2
	streams     map[uint32]*stream
	oldest      *stream
	newest      *stream
	highest     [3]uint32 // stream that a side opened last
	goAway      [3]uint32 // last stream of its GOAWAY, plus 1
	holes       bool      // bytes were lost: windows are not known any more
	resized     int       // changes of the initial window
	settingsFor [3]bool   // a side sent SETTINGS
}

// side2 is what one side sends.
type side2 struct {
	preface  int // bytes of it that came
	header   [frameHeader]byte
	have     int // bytes of header
	frame    frame
	inFrame  bool
	first    fact.Stamp // of the frame
	left     int        // of its payload
	buf      []byte     // payload that came in parts
	stream   *stream    // of a DATA frame, nil where its bytes are passed over
	padding  int        // of a DATA frame, -1 before it is read
	dec      *hpack.Decoder
	table    uint32 // most bytes of the dynamic table
	fields   []field
	size     int // of the fields of this block
	unknown  bool
	forgets  int   // how often the dynamic table was lost
	room     int64 // bytes of fields that may still be shown
	block    block
	window   window // of the connection
	initial  int64  // window of a new stream
	maxFrame int
	gap      bool // bytes were lost
	lost     bool // framing is lost: nothing is read any more
}

// frame is the header of one (RFC 9113 section 4.1).
type frame struct {
	length int
	typ    byte
	flags  byte
	stream uint32
}

const frameHeader = 9

// The types of frames and their flags (RFC 9113 section 6).
const (
	frameData = iota
	frameHeaders
	framePriority
	frameRstStream
	frameSettings
	framePushPromise
	framePing
	frameGoAway
	frameWindowUpdate
	frameContinuation

	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

func frameName(typ byte) string {
	names := [...]string{"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"}
	if int(typ) < len(names) {
		return names[typ]
	}
	return fmt.Sprintf("frame of type %#x", typ)
}

const (
	defaultWindow = 65535
	defaultFrame  = 16384
	defaultTable  = 4096
	maxTable      = 64 << 10 // most bytes of a dynamic table that are kept
)

// startHTTP2 turns the connection to HTTP/2; o is the request that was upgraded to it (h2c), or nil.
func (t *Timeline) startHTTP2(o *open) {
	t.proto = "HTTP/2"
	t.chosen = true
	c := &http2{t: t, streams: map[uint32]*stream{}}
	t.h2 = c
	for i := range c.side {
		s := &c.side[i]
		s.initial, s.maxFrame, s.window = defaultWindow, defaultFrame, window{left: defaultWindow}
		s.newDecoder(defaultTable)
		s.room = firstRoom
	}
	c.side[fact.SideServer].preface = len(preface)
	if o != nil {
		t.h1.open = nil
		o.x.Stream = 1
		st := c.open(fact.SideClient, 1, o)
		st.headSeen[fact.SideClient], st.ended[fact.SideClient] = true, true
		o.x.Response = Message{}
		o.responding, o.tunnel = false, false
		c.holes = true // windows depend on HTTP2-Settings
	}
}

// data takes the next bytes of a side.
func (c *http2) data(side fact.Side, at fact.Stamp, p []byte) {
	s := &c.side[side]
	for len(p) > 0 && !s.lost {
		switch {
		case s.preface < len(preface):
			p = c.readPreface(s, side, at, p)
		case !s.inFrame:
			p = c.readHeader(s, side, at, p)
		case s.frame.typ == frameData:
			n := min(s.left, len(p))
			c.dataBytes(s, side, at, p[:n])
			p = p[n:]
		default:
			p = c.payload(s, side, at, p)
		}
	}
}

// readPreface reads the client's connection preface (section 3.4).
func (c *http2) readPreface(s *side2, side fact.Side, at fact.Stamp, p []byte) []byte {
	n := min(len(preface)-s.preface, len(p))
	if string(p[:n]) != preface[s.preface:s.preface+n] {
		c.giveUp(s, side, at, "connection preface of the client is wrong: not read any further (RFC 9113 3.4)")
		return nil
	}
	if s.preface += n; s.preface == len(preface) {
		c.t.tell(side, at, fact.Fact{Kind: fact.HTTP2Preface})
	}
	return p[n:]
}

// readHeader gathers the header of a frame.
func (c *http2) readHeader(s *side2, side fact.Side, at fact.Stamp, p []byte) []byte {
	if s.have == 0 {
		s.first = at
	}
	n := copy(s.header[s.have:], p)
	if s.have += n; s.have < frameHeader {
		return p[n:]
	}
	b := s.header[:]
	s.have, s.inFrame = 0, true
	s.frame = frame{int(b[0])<<16 | int(b[1])<<8 | int(b[2]), b[3], b[4], binary.BigEndian.Uint32(b[5:]) &^ (1 << 31)}
	s.left = s.frame.length
	s.buf = trimmed(s.buf)
	c.begin(s, side, at)
	return p[n:]
}

// payload gathers the payload of a frame that is no DATA; what is of no interest is passed over.
func (c *http2) payload(s *side2, side fact.Side, at fact.Stamp, p []byte) []byte {
	n := min(s.left, len(p))
	s.left -= n
	switch part := p[:n]; {
	case s.frame.typ > frameContinuation || s.frame.length > maxHead:
		if s.left == 0 {
			c.frameOver(s, side, at, nil)
		}
	case s.left == 0 && len(s.buf) == 0:
		c.frameOver(s, side, at, part)
	default:
		s.buf = append(s.buf, part...)
		if s.left == 0 {
			c.frameOver(s, side, at, s.buf)
		}
	}
	return p[n:]
}

// giveUp stops reading a side whose framing is lost.
func (c *http2) giveUp(s *side2, side fact.Side, at fact.Stamp, what string) {
	s.lost, c.holes = true, true
	c.t.broken(nil, side, at, what)
}

func (c *http2) exchangeOf(id uint32) *Exchange {
	if st := c.streams[id]; st != nil {
		return st.x
	}
	return nil
}
