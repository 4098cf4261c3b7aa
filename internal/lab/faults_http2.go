package lab

import (
	"errors"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

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
