package lab

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

type answerFunc = func(*session, *http.Request) error

// raw answers each request with text as it stands and then does then.
func raw(text string, then func(*session) error) answerFunc {
	return func(s *session, r *http.Request) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		if text != "" {
			if err := s.write(text); err != nil {
				return err
			}
		}
		return then(s)
	}
}

// What comes after the text.
func carryOn(*session) error { return nil }

func goodbye(s *session) error { _ = s.conn.Close(); return errEnd }

func fin(s *session) error { _ = s.nc.Close(); return errEnd }

const ok200 = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

// httpFaults end or stall in the middle of an exchange.
func httpFaults() []fault {
	return []fault{
		{Fault: is("close-after-request", "reads the request and closes without close_notify", reason.ReadEOFBeforeHeader, "http1.closed_before_answer"), answer: raw("", fin)},
		{Fault: is("close-notify-after-request", "reads the request and closes in order", reason.ReadEOFBeforeHeader, "http1.closed_before_answer"), answer: raw("", goodbye)},
		{Fault: is("reset-after-request", "reads the request and resets", reason.ReadResetBeforeHeader, "http1.reset_before_answer"), answer: raw("", (*session).reset)},
		{Fault: is("alert-after-request", "reads the request and answers with the fatal alert internal_error", reason.TLSAlert, "tls.handshake_alert"), answer: raw("", alertThenClose)},
		{Fault: is("misdirected", "answers 421, as Apache does when SNI and Host differ", "", "tls.misdirected_request"),
			answer: raw("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n", carryOn)},
		{Fault: is("slow-first-byte", "answers after Delay", reason.ReadFirstByteTimeout, "http1.slow_first_byte"), answer: slowFirstByte},
		{Fault: is("never-answers", "reads the request and never answers", reason.ReadFirstByteTimeout, "http1.slow_first_byte"), answer: raw("", (*session).silence)},
		{Fault: is("half-head", "sends half a response head and closes", reason.ReadEOFInHeader, "http1.closed_before_answer"), answer: raw("HTTP/1.1 200 OK\r\nContent-Le", fin)},
		{Fault: is("half-head-stall", "sends half a response head and then nothing", reason.ReadHeaderStall, "http1.answer_stalled"), answer: raw("HTTP/1.1 200 OK\r\nContent-Le", (*session).silence)},
		{Fault: is("half-body", "sends half of Content-Length and closes", reason.ReadTruncated, "http1.body_truncated"), answer: raw(ok200+"Content-Length: 100\r\n\r\n"+strings.Repeat("x", 50), fin)},
		{Fault: is("half-body-stall", "sends half of Content-Length and then nothing", reason.ReadBodyStall, "http1.answer_stalled"), answer: raw(ok200+"Content-Length: 100\r\n\r\n"+strings.Repeat("x", 50), (*session).silence)},
		{Fault: is("half-body-reset", "sends half of Content-Length and resets", reason.ReadResetInBody, "http1.body_truncated"), answer: raw(ok200+"Content-Length: 100\r\n\r\n"+strings.Repeat("x", 50), resetOnceRead)},
		{Fault: is("chunked-truncated", "closes before the last chunk", reason.ReadTruncated, "http1.chunk_broken"), answer: raw(ok200+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", fin)},
		{Fault: is("until-close", "a body that ends with the connection, without close_notify: truncation cannot be told", "", "tls.no_close_notify"), answer: raw(ok200+"\r\nhello\n", fin)},
		{Fault: is("dies-on-reuse", "answers the first request of a connection and resets on the second", reason.ReadStaleReusedConnection, "tcp.one_request_per_connection").asked(Twice), answer: diesOnReuse},
		{Fault: is("early-answer", "answers 413 before it reads the body, and closes", reason.WriteEarlyResponse, "origin.body_too_large").asked(Upload), answer: earlyAnswer},
		{Fault: is("stops-reading", "stops reading in the middle of the body: the window closes", reason.WriteTimeout, "tcp.zero_window").asked(Upload), answer: stopsReading},
		{Fault: is("gzip-garbage", "claims gzip and sends something else", "", "http1.content_coding_broken"), answer: raw(ok200+"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\nhello\n", carryOn)},
	}
}

func alertThenClose(s *session) error {
	if s.tls != nil {
		_ = s.tls.Alert(tlswire.AlertFatal, tlswire.AlertInternalError)
	}
	return fin(s)
}

func slowFirstByte(s *session, r *http.Request) error {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	if !s.wait(s.o.cfg.Delay) {
		return errEnd
	}
	_ = s.nc.SetDeadline(time.Now().Add(idleTimeout))
	return s.answer(200, s.describe(r, n), r)
}

// resetOnceRead lets the peer see what was sent: a reset right behind it may overtake it on the way to the reader.
func resetOnceRead(s *session) error {
	if !s.wait(50 * time.Millisecond) {
		return errEnd
	}
	return s.reset()
}

func diesOnReuse(s *session, r *http.Request) error {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	if s.n > 1 {
		return s.reset()
	}
	return s.answer(200, s.describe(r, n), r)
}

func earlyAnswer(s *session, _ *http.Request) error {
	if err := s.write("HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	return s.finish()
}

func stopsReading(s *session, r *http.Request) error {
	if r.ContentLength == 0 {
		return s.answer(200, s.describe(r, 0), r)
	}
	<-s.o.ctx.Done()
	return errEnd
}

// framingFaults are answers that break RFC 9112.
func framingFaults() []fault {
	one := func(name, does string, code reason.Code, found finding.Code, text string) fault {
		return fault{Fault: is(name, does, code, found), answer: raw(text, carryOn)}
	}
	return []fault{
		one("body-beyond-length", "sends more body than Content-Length says", reason.HTTP1ExtraData, "http1.malformed_answer", ok200+"Content-Length: 5\r\n\r\nhello and more"),
		one("storm-1xx", "sends a thousand interim responses", reason.HTTP1TooManyInformational, "http1.malformed_answer",
			strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 1000)+ok200+"Content-Length: 0\r\n\r\n"),
		one("one-103", "sends one early hint before the answer", "", "",
			"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"+ok200+"Content-Length: 6\r\n\r\nhello\n"),
		one("switching-unasked", "answers 101 though nobody asked for an upgrade", reason.HTTP1BadUpgrade, "http1.upgrade_failed",
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
		one("cl-and-te", "sends Content-Length and Transfer-Encoding", reason.HTTP1CLAndTE, "http1.malformed_answer",
			ok200+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
		one("two-lengths", "sends two Content-Length fields that differ", reason.HTTP1BadCL, "http1.malformed_answer", ok200+"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello\n"),
		one("bad-length", "Content-Length is no number", reason.HTTP1BadCL, "http1.malformed_answer", ok200+"Content-Length: five\r\n\r\nhello"),
		one("bad-chunk", "a chunk size that is no number", reason.HTTP1BadChunk, "http1.chunk_broken", ok200+"Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n"),
		one("bad-te", "a transfer coding that nobody knows", reason.HTTP1BadTE, "http1.malformed_answer", ok200+"Transfer-Encoding: lab\r\n\r\nhello"),
		one("bad-status-line", "a status line that is none", reason.HTTP1BadStatusLine, "http1.malformed_answer", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
		one("garbage", "bytes that are no HTTP", reason.HTTP1BadStatusLine, "http1.malformed_answer", "\x00\x01\x02 this is no answer\r\n\r\n"),
		one("space-before-colon", "a field name with a space behind it", reason.HTTP1BadHeader, "http1.malformed_answer", ok200+"X-Lab : 1\r\nContent-Length: 0\r\n\r\n"),
		one("header-injection", "a bare CR inside a field value", reason.HTTP1BareLF, "http1.malformed_answer", ok200+"X-Lab: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n"),
		one("bare-lf", "lines that end with LF alone", reason.HTTP1BareLF, "http1.malformed_answer", strings.ReplaceAll(ok200+"Content-Length: 6\r\n\r\n", "\r", "")+"hello\n"),
		one("header-too-big", "a response head of 1 MiB", reason.HTTP1HeaderTooBig, "http1.header_too_large", ok200+"X-Lab: "+strings.Repeat("x", 1<<20)+"\r\nContent-Length: 0\r\n\r\n"),
	}
}
