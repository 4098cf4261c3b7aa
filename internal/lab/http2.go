package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// maxFrame bounds what a peer may send at once, in bytes (RFC 9113 section 4.2).
const maxFrame = 1 << 14

// stream is one request of an HTTP/2 connection.
type stream struct {
	id, before uint32 // before is the stream that was answered last
	r          *http.Request
	body       int64
	starve     bool // no credit for its body
}

// serveH2 serves an HTTP/2 connection, one frame after another.
func (s *session) serveH2() error {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(s.conn, preface); err != nil || string(preface) != http2.ClientPreface {
		return errors.Join(errors.New("read preface: it is none"), err)
	}
	fr := http2.NewFramer(s.conn, s.conn)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	fr.SetMaxReadFrameSize(maxFrame)
	if err := fr.WriteSettings(); err != nil {
		return err
	}
	if s.o.fault.h2 != nil && s.o.fault.atPreface {
		return s.o.fault.h2(s, fr, &stream{})
	}
	streams := map[uint32]*stream{}
	for {
		_ = s.nc.SetDeadline(time.Now().Add(s.o.cfg.Idle))
		f, err := fr.ReadFrame()
		if err != nil {
			_ = s.conn.Close()
			return err
		}
		if err := s.frame(fr, f, streams); err != nil {
			return err
		}
	}
}

func (s *session) frame(fr *http2.Framer, f http2.Frame, streams map[uint32]*stream) error {
	id := f.Header().StreamID
	ended := false
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return fr.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return fr.WritePing(true, f.Data)
		}
	case *http2.RSTStreamFrame:
		delete(streams, id)
	case *http2.MetaHeadersFrame:
		st := &stream{id: id, before: s.lastStream, r: request(f)}
		streams[id] = st
		s.n++
		s.note(Requested, st.r.Method+" "+st.r.RequestURI)
		if s.o.fault.h2 != nil {
			if err := s.o.fault.h2(s, fr, st); err != nil {
				delete(streams, id)
				if errors.Is(err, errDone) {
					return nil
				}
				return err
			}
		}
		ended = f.StreamEnded()
	case *http2.DataFrame:
		if err := s.data(fr, f, streams[id]); err != nil {
			return err
		}
		ended = f.StreamEnded()
	}
	if st := streams[id]; st != nil && ended {
		delete(streams, id)
		s.lastStream = id
		return s.answerH2(fr, st)
	}
	return nil
}

// data gives credit for what came, unless its stream is to starve.
func (s *session) data(fr *http2.Framer, f *http2.DataFrame, st *stream) error {
	n := f.Header().Length
	if st != nil {
		st.body += int64(len(f.Data()))
	}
	if n == 0 || st != nil && st.starve {
		return nil
	}
	if err := fr.WriteWindowUpdate(0, n); err != nil {
		return err
	}
	if st == nil || f.StreamEnded() {
		return nil
	}
	return fr.WriteWindowUpdate(st.id, n)
}

func request(f *http2.MetaHeadersFrame) *http.Request {
	r := &http.Request{Method: f.PseudoValue("method"), RequestURI: f.PseudoValue("path"), Host: f.PseudoValue("authority"), Header: http.Header{}, Body: http.NoBody}
	if r.URL, _ = url.ParseRequestURI(r.RequestURI); r.URL == nil {
		r.URL = &url.URL{Path: "/"}
	}
	for _, h := range f.RegularFields() {
		r.Header.Add(h.Name, h.Value)
	}
	return r
}

func (s *session) answerH2(fr *http2.Framer, st *stream) error {
	page := s.describe(st.r, st.body)
	if err := writeHead(fr, st.id, "200", len(page)); err != nil {
		return err
	}
	s.note(Answered, "200")
	return fr.WriteData(st.id, true, []byte(page))
}

func writeHead(fr *http2.Framer, id uint32, status string, length int) error {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":status", status}, {"server", "lunette-lab"}, {"content-type", "text/plain"}, {"content-length", fmt.Sprint(length)}} {
		if err := enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}); err != nil {
			return err
		}
	}
	return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
}

// errDone says that a fault has dealt with a stream and the connection goes on.
var errDone = errors.New("stream over")

// http2Faults need HTTP/2. An origin with one of them speaks HTTP/1.1 too, in good health.
func http2Faults() []fault {
	one := func(name, does string, code reason.Code, found finding.Code, h2 func(*session, *http2.Framer, *stream) error) fault {
		return fault{Fault: is(name, does, code, found), h2: h2, setup: speakH2}
	}
	race := one("h2-goaway-race", "closes in order with GOAWAY while the second request is on its way", reason.HTTP2GoAway, "http2.goaway_race",
		func(s *session, fr *http2.Framer, st *stream) error {
			if s.n < 2 {
				return nil
			}
			return s.goAway(fr, st.before, http2.ErrCodeNo)
		})
	race.Ask = Twice
	upload := one("h2-upload-stall", "gives no credit: an upload freezes at 65,535 bytes", reason.WriteTimeout, "http2.flow_control_stall",
		func(_ *session, _ *http2.Framer, st *stream) error { st.starve = true; return nil })
	upload.Ask = Upload
	weak := one("h2-inadequate-security", "takes the suite for too weak for HTTP/2: GOAWAY INADEQUATE_SECURITY", reason.HTTP2GoAway, "http2.inadequate_security",
		func(s *session, fr *http2.Framer, _ *stream) error {
			return s.goAway(fr, 0, http2.ErrCodeInadequateSecurity)
		})
	weak.atPreface = true
	return []fault{
		race, upload, weak,
		one("h2-goaway-calm", "answers every connection with GOAWAY ENHANCE_YOUR_CALM", reason.HTTP2GoAway, "origin.rate_limited",
			func(s *session, fr *http2.Framer, _ *stream) error {
				return s.goAway(fr, 0, http2.ErrCodeEnhanceYourCalm)
			}),
		one("h2-http11-required", "resets each stream with HTTP_1_1_REQUIRED, as IIS does for Windows authentication", reason.HTTP2RST, "http2.http_1_1_required",
			resetStream(http2.ErrCodeHTTP11Required)),
		one("h2-refused-stream", "resets each stream with REFUSED_STREAM", reason.HTTP2RefusedStream, "http2.goaway_race", resetStream(http2.ErrCodeRefusedStream)),
		one("h2-stream-reset", "resets each stream with INTERNAL_ERROR", reason.HTTP2RST, "http2.stream_reset", resetStream(http2.ErrCodeInternal)),
		one("h2-half-body", "sends half of the body and resets the stream", reason.HTTP2RST, "http2.stream_reset", halfH2(func(_ *session, fr *http2.Framer, st *stream) error {
			return errors.Join(fr.WriteRSTStream(st.id, http2.ErrCodeInternal), errDone)
		})),
		one("h2-half-body-stall", "sends half of the body and then nothing", reason.ReadBodyStall, "http1.answer_stalled", halfH2(func(s *session, _ *http2.Framer, _ *stream) error {
			return s.silence()
		})),
		one("h2-renegotiate", "sends HelloRequest on a connection of HTTP/2, which RFC 9113 forbids", reason.TLSRenegotiationRefused, "tls.renegotiation_over_http2",
			func(s *session, _ *http2.Framer, _ *stream) error {
				s.note(HelloRequest, "")
				return s.tls.Renegotiate(tlspeer.Accept, s.o.cfg.Renegotiate.ReadAhead)
			}),
	}
}

func speakH2(c *Config) error {
	c.TLS.ALPN, c.TLS.MaxVersion = []string{"h2", "http/1.1"}, tlswire.VersionTLS12
	return nil
}

// goAway says it and waits for the peer to go.
func (s *session) goAway(fr *http2.Framer, last uint32, code http2.ErrCode) error {
	if err := fr.WriteGoAway(last, code, nil); err != nil {
		return err
	}
	return s.finish()
}

func resetStream(code http2.ErrCode) func(*session, *http2.Framer, *stream) error {
	return func(_ *session, fr *http2.Framer, st *stream) error {
		return errors.Join(fr.WriteRSTStream(st.id, code), errDone)
	}
}

func halfH2(then func(*session, *http2.Framer, *stream) error) func(*session, *http2.Framer, *stream) error {
	return func(s *session, fr *http2.Framer, st *stream) error {
		if err := errors.Join(writeHead(fr, st.id, "200", 2*half), fr.WriteData(st.id, false, make([]byte, half))); err != nil {
			return err
		}
		if !s.wait(50 * time.Millisecond) { // the first half shall be read before more happens
			return errEnd
		}
		return then(s, fr, st)
	}
}
