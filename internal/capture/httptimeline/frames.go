package httptimeline

import (
	"encoding/binary"
	"fmt"

	"github.com/lunette-waf/lunette/internal/fact"
)

// frameOver takes a frame that is whole; p is its payload, nil for DATA and for what is passed over.
func (c *http2) frameOver(s *side2, side fact.Side, at fact.Stamp, p []byte) {
	s.inFrame = false
	f := &s.frame
	switch {
	case f.typ == frameData:
		c.dataOver(s, side, at)
	case len(p) != f.length: // too large to be kept
		if f.typ == frameHeaders || f.typ == frameContinuation || f.typ == framePushPromise {
			c.giveUp(s, side, at, fmt.Sprintf("header block over %d bytes: not read any further (RFC 9113 10.5.1)", maxHead))
		}
	case f.typ == frameHeaders, f.typ == framePushPromise, f.typ == frameContinuation:
		c.fragment(s, side, at, p)
	case f.typ == frameRstStream && len(p) == 4:
		c.rstStream(side, at, f.stream, binary.BigEndian.Uint32(p))
	case f.typ == frameSettings && len(p)%6 == 0:
		c.settings(side, at, f.flags&flagAck != 0, p)
	case f.typ == frameGoAway && len(p) >= 8:
		c.goneAway(side, at, p)
	case f.typ == frameWindowUpdate && len(p) == 4:
		c.windowUpdate(side, at, f.stream, int64(binary.BigEndian.Uint32(p)&^(1<<31)))
	}
}

// errorName is the name of an error code (RFC 9113 section 7).
func errorName(code uint32) string {
	names := [...]string{
		"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
		"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
	}
	if code < uint32(len(names)) {
		return names[code]
	}
	return fmt.Sprintf("%#x", code)
}

// rstStream ends a stream (section 6.4).
func (c *http2) rstStream(side fact.Side, at fact.Stamp, id, code uint32) {
	name := errorName(code)
	if st := c.streams[id]; st != nil {
		c.unblocked(st, at)
	}
	c.t.tell(side, at, fact.Fact{Kind: fact.HTTP2RstStream, Code: int(code), Text: name, Detail: &fact.HTTP2Frame{Stream: id, Code: name}})
	st := c.streams[id]
	switch {
	case st != nil:
		st.x.Reset = name
		c.close(st)
	case id != 0 && c.idle(id) && !c.holes:
		c.t.broken(nil, side, at, fmt.Sprintf("RST_STREAM on stream %d, which is idle (RFC 9113 6.4)", id))
	}
}

// goneAway notes a GOAWAY (section 6.8).
func (c *http2) goneAway(side fact.Side, at fact.Stamp, p []byte) {
	last, code := binary.BigEndian.Uint32(p)&^(1<<31), binary.BigEndian.Uint32(p[4:])
	name, debug := errorName(code), string(p[8:min(len(p), 8+256)])
	if !c.t.cfg.Unmask {
		debug = c.t.mask.Text(debug)
	}
	c.goAway[side] = last + 1
	c.t.tell(side, at, fact.Fact{Kind: fact.HTTP2GoAway, Code: int(code), Text: name, Detail: &fact.HTTP2Frame{LastStream: last, Code: name, Debug: debug}})
}

// The settings that change how the other side is read (section 6.5.2).
const (
	settingTable   = 1
	settingPush    = 2
	settingWindow  = 4
	settingFrame   = 5
	settingConnect = 8
)

func settingName(id uint16) string {
	names := [...]string{
		1: "HEADER_TABLE_SIZE", 2: "ENABLE_PUSH", 3: "MAX_CONCURRENT_STREAMS", 4: "INITIAL_WINDOW_SIZE", 5: "MAX_FRAME_SIZE",
		6: "MAX_HEADER_LIST_SIZE", 8: "ENABLE_CONNECT_PROTOCOL", 9: "NO_RFC7540_PRIORITIES",
	}
	if int(id) < len(names) && names[id] != "" {
		return names[id]
	}
	return fmt.Sprintf("%#x", id)
}

// maxSettings is how many settings of a frame are shown.
const maxSettings = 32

// settings applies a SETTINGS frame.
func (c *http2) settings(side fact.Side, at fact.Stamp, ack bool, p []byte) {
	d := &fact.HTTP2Frame{Ack: ack}
	for ; len(p) >= 6; p = p[6:] {
		id, value := binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])
		if len(d.Settings) < maxSettings {
			d.Settings = append(d.Settings, fmt.Sprintf("%s=%d", settingName(id), value))
		}
		if what := c.setting(side, at, id, value); what != "" {
			c.t.broken(nil, side, at, fmt.Sprintf("%s=%d %s", settingName(id), value, what))
		}
	}
	c.t.tell(side, at, fact.Fact{Kind: fact.HTTP2Settings, Detail: d})
}

// setting applies one, and returns what is wrong with it.
func (c *http2) setting(side fact.Side, at fact.Stamp, id uint16, value uint32) string {
	other := &c.side[side.Other()]
	switch id {
	case settingTable:
		other.allow(value)
	case settingPush, settingConnect:
		if value > 1 {
			return "is neither 0 nor 1 (RFC 9113 6.5.2)"
		}
	case settingWindow:
		if value > 1<<31-1 {
			return "is beyond 2^31-1 (RFC 9113 6.5.2)"
		}
		c.initialWindow(side, at, int64(value))
	case settingFrame:
		if value < defaultFrame || value > 1<<24-1 {
			return "is outside 16384 to 16777215 (RFC 9113 6.5.2)"
		}
		other.maxFrame = max(other.maxFrame, int(value))
	}
	return ""
}
