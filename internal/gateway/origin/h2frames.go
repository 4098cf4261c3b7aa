package origin

import (
	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// frame takes one frame of the origin. An error ends the connection.
func (h *h2Conn) frame(f http2.Frame) error {
	if !h.settled {
		if s, ok := f.(*http2.SettingsFrame); !ok || s.IsAck() {
			return reason.New(reason.HTTP2BadFrame, "the origin does not begin with SETTINGS (RFC 9113 3.4)", nil)
		}
		h.settled = true
	}
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		h.controls = 0
		return h.headers(f)
	case *http2.DataFrame:
		return h.data(f)
	case *http2.RSTStreamFrame:
		return h.reset(f)
	case *http2.SettingsFrame:
		return h.settings(f)
	case *http2.PingFrame:
		return h.ping(f)
	case *http2.GoAwayFrame:
		h.goingAway(f)
	case *http2.WindowUpdateFrame:
		return h.windowUpdate(f)
	case *http2.PushPromiseFrame:
		return reason.New(reason.HTTP2Push, "", nil)
	}
	return nil
}

// stream returns the stream that a frame is for: nil when it is over already, an error when it never was.
func (h *h2Conn) stream(id uint32) (*h2Stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.streams[id]; s != nil {
		return s, nil
	}
	if id&1 == 0 || id >= h.nextID {
		return nil, reason.New(reason.HTTP2BadFrame, "frame for stream "+itoa(int(id))+", which was never opened (RFC 9113 5.1)", nil)
	}
	return nil, nil
}

// control counts frames that cost us work and bring nothing.
func (h *h2Conn) control(code reason.Code) error {
	if h.controls++; h.controls > h2Controls {
		return reason.New(code, itoa(h2Controls)+" in a row", nil)
	}
	return nil
}

func (h *h2Conn) headers(f *http2.MetaHeadersFrame) error {
	s, err := h.stream(f.StreamID)
	if s == nil || err != nil {
		return err
	}
	if r := s.takeHeaders(f); r != nil {
		s.failed(r, false)
		h.resetStream(s.id, http2.ErrCodeProtocol)
	}
	return nil
}

func (h *h2Conn) data(f *http2.DataFrame) error {
	size := int64(f.Length)
	if len(f.Data()) > 0 {
		h.controls = 0
	} else if err := h.control(reason.HTTP2PingFlood); err != nil && !f.StreamEnded() {
		return err
	}
	s, err := h.stream(f.StreamID)
	if err != nil {
		return err
	}
	if h.owed += size; h.owed >= h2ConnWindow/4 {
		credit := uint32(h.owed)
		h.owed = 0
		h.reply(func() error { return h.fr.WriteWindowUpdate(0, credit) })
	}
	if s == nil {
		return nil
	}
	if r := s.takeData(f); r != nil {
		s.failed(r, false)
		h.resetStream(s.id, http2.ErrCodeFlowControl)
	}
	return nil
}

func (h *h2Conn) reset(f *http2.RSTStreamFrame) error {
	if err := h.control(reason.HTTP2PingFlood); err != nil {
		return err
	}
	s, err := h.stream(f.StreamID)
	if s == nil || err != nil {
		return err
	}
	h.mu.Lock()
	s.noted = append(s.noted, fact.Fact{Kind: fact.HTTP2RstStream, At: h.c.o.now(), Side: fact.SideServer, Code: int(f.ErrCode), Text: f.ErrCode.String(),
		Detail: &fact.HTTP2Frame{Stream: f.StreamID, Code: f.ErrCode.String()}})
	h.mu.Unlock()
	switch f.ErrCode {
	case http2.ErrCodeRefusedStream: // RFC 9113 section 8.7
		s.failed(reason.New(reason.HTTP2RefusedStream, "", nil), true)
	case http2.ErrCodeHTTP11Required: // section 7: not processed
		h.c.ep.http1.Store(true)
		s.failed(reason.New(reason.HTTP2RST, h2Code(f.ErrCode), nil), true)
	case http2.ErrCodeFlowControl:
		s.failed(reason.New(reason.HTTP2FlowControl, h2Code(f.ErrCode), nil), false)
	default:
		s.failed(reason.New(reason.HTTP2RST, h2Code(f.ErrCode), nil), false)
	}
	return nil
}

// brokenStream ends one stream for what the frame reader found in it, mostly a malformed field.
func (h *h2Conn) brokenStream(se http2.StreamError) error {
	s, err := h.stream(se.StreamID)
	if s == nil || err != nil {
		return err
	}
	code := reason.HTTP2BadFrame
	if se.Code == http2.ErrCodeFlowControl {
		code = reason.HTTP2FlowControl
	}
	s.failed(reason.New(code, h2Code(se.Code), se), false)
	h.resetStream(s.id, se.Code)
	return nil
}

// resetStream tells the origin that a stream is of no more interest. A failure will show where reading goes on.
func (h *h2Conn) resetStream(id uint32, code http2.ErrCode) {
	h.reply(func() error { return h.fr.WriteRSTStream(id, code) })
}

func (h *h2Conn) settings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	if err := h.control(reason.HTTP2SettingsFlood); err != nil {
		return err
	}
	var bad error
	h.reply(func() error { // under the lock that the settings are written by
		if bad = f.ForeachSetting(h.setting); bad != nil {
			return nil
		}
		return h.fr.WriteSettingsAck()
	})
	return bad
}

// setting applies one setting; wmu is held.
func (h *h2Conn) setting(s http2.Setting) error {
	if err := s.Valid(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch s.ID {
	case http2.SettingHeaderTableSize:
		h.enc.SetMaxDynamicTableSize(min(s.Val, 4096))
	case http2.SettingMaxConcurrentStreams:
		h.maxStreams = int(min(s.Val, h2MaxStreams))
	case http2.SettingMaxFrameSize:
		h.maxFrame = int(min(s.Val, h2FrameSize)) // larger ones gain nothing
	case http2.SettingInitialWindowSize: // section 6.9.2: open streams move along
		delta := int64(s.Val) - h.peerWindow
		h.peerWindow = int64(s.Val)
		for _, st := range h.streams {
			if st.window += delta; st.window > h2MaxWindow {
				return http2.ConnectionError(http2.ErrCodeFlowControl)
			}
			st.moreWindow()
		}
	}
	return nil
}

func (h *h2Conn) ping(f *http2.PingFrame) error {
	if f.IsAck() {
		return nil
	}
	if err := h.control(reason.HTTP2PingFlood); err != nil {
		return err
	}
	h.reply(func() error { return h.fr.WritePing(true, f.Data) })
	return nil
}

// goingAway notes a GOAWAY: streams above the last one were not acted upon, the others go on (RFC 9113 section 6.8).
func (h *h2Conn) goingAway(f *http2.GoAwayFrame) {
	defer h.endIfIdle()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.goAway = &http2.GoAwayError{LastStreamID: f.LastStreamID, ErrCode: f.ErrCode}
	h.closing = true
	h.awayNote = fact.Fact{Kind: fact.HTTP2GoAway, At: h.c.o.now(), Side: fact.SideServer, Code: int(f.ErrCode), Text: f.ErrCode.String(),
		Detail: &fact.HTTP2Frame{LastStream: f.LastStreamID, Code: f.ErrCode.String(), Debug: debugText(f.DebugData())}}
	if f.ErrCode == http2.ErrCodeHTTP11Required {
		h.c.ep.http1.Store(true)
	}
	for id, s := range h.streams {
		if id > f.LastStreamID {
			s.failedLocked(reason.New(reason.HTTP2GoAway, h2Code(f.ErrCode)+", before it was acted upon", nil), true)
		}
	}
}

// debugText is what a GOAWAY says for people: its start, in visible ASCII.
func debugText(b []byte) string {
	const most = 200 // bytes
	out := make([]byte, 0, min(len(b), most))
	for _, c := range b[:min(len(b), most)] {
		if c < ' ' || c > '~' {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}

// endIfIdle closes a connection that waits for its last stream when there is none.
func (h *h2Conn) endIfIdle() {
	h.mu.Lock()
	last := h.closing && len(h.streams)+h.reserved == 0
	h.mu.Unlock()
	if last {
		h.close()
	}
}

func (h *h2Conn) windowUpdate(f *http2.WindowUpdateFrame) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.StreamID == 0 {
		if h.window += int64(f.Increment); h.window > h2MaxWindow {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		for _, s := range h.streams {
			s.moreWindow()
		}
		return nil
	}
	if s := h.streams[f.StreamID]; s != nil {
		if s.window += int64(f.Increment); s.window > h2MaxWindow {
			s.failedLocked(reason.New(reason.HTTP2FlowControl, "the window overflows (RFC 9113 6.9.1)", nil), false)
		}
		s.moreWindow()
	}
	return nil
}
