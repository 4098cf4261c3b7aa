package lab

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// maxUpload is nginx's client_max_body_size as it comes, in bytes.
const maxUpload = 1 << 20

// requestFaults are about how a request comes in: its body, its connection, its head.
func requestFaults() []fault {
	return []fault{
		{Fault: is("early-reset", "answers 401 before it reads the body, and resets while the body is on its way", reason.WriteEarlyResponse, "http1.early_answer").
			asked(Upload), answer: earlyReset},
		{Fault: is("body-too-large", "answers 413 to a body of more than 1 MiB, as nginx does", reason.WriteEarlyResponse, "origin.body_too_large").asked(Upload), answer: bodyTooLarge},
		{Fault: is("body-too-large-iis", "answers 404 to a body of more than maxAllowedContentLength: 404.13", "", "").asked(Upload), answer: bodyTooLargeIIS},
		{Fault: is("continue-never", "never sends 100 Continue, and answers once the body has come", "", "http1.continue_stall").asked(Expect), answer: drain},
		{Fault: is("continue-refused", "answers 417 to Expect: 100-continue", reason.WriteExpectRefused, "http1.request_refused").asked(Expect), answer: continueRefused},
		{Fault: is("closes-on-reuse", "answers the first request of a connection and closes on the second", reason.ReadStaleReusedConnection,
			"tcp.one_request_per_connection").asked(Twice), answer: closesOnReuse},
		{Fault: is("short-keep-alive", "closes a connection that was idle for one second, without a word", "", ""),
			setup: func(c *Config) error { c.Idle = time.Second; return nil }},
		{Fault: is("no-keep-alive", "speaks HTTP/1.0 and closes after each answer", "", "http1.no_keep_alive").asked(Twice),
			answer: raw("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n", goodbye)},
		{Fault: is("request-header-too-large", "answers 400 to every head, as http.sys does above MaxRequestBytes", "", "http1.request_header_too_large"),
			answer: raw(httpsys("400 Bad Request", "Bad Request - Request Too Long", "HTTP Error 400. The size of the request headers is too long."), goodbye)},
		{Fault: is("request-header-too-large-431", "answers 431, as Node does above 16 KiB", "", "http1.request_header_too_large"),
			answer: raw("HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", goodbye)},
		{Fault: is("request-refused", "answers 400 to what it takes for smuggling", "", "http1.request_refused"),
			answer: raw(httpsys("400 Bad Request", "Bad Request", "HTTP Error 400. The request is badly formed."), goodbye)},
		{Fault: is("upgrade-refused", "answers 200 to Upgrade: websocket", "", "http1.upgrade_failed").asked(Upgrade)},
		{Fault: is("upgrade-required", "answers 426, since the hop before it took Upgrade away", "", "http1.upgrade_failed"),
			answer: raw("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n", carryOn)},
		{Fault: is("slow-drip", "sends its body one byte at a time, twenty in a second: slow, and whole", "", ""), answer: slowDrip},
		{Fault: is("gzip-twice", "compresses what is compressed already", "", "http1.content_coding_broken"), answer: gzipTwice},
	}
}

// httpsys is an answer of the kernel's HTTP server in front of IIS, byte for byte as long as its own: the application never sees such a
// request. The title is the phrase alone, what stands behind it is in the heading.
func httpsys(status, heading, text string) string {
	title, _, _ := strings.Cut(heading, " - ")
	page := "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n<HTML><HEAD><TITLE>" + title +
		"</TITLE>\r\n<META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r\n<BODY><h2>" + heading +
		"</h2>\r\n<hr><p>" + text + "</p>\r\n</BODY></HTML>\r\n"
	return "HTTP/1.1 " + status + "\r\nContent-Type: text/html; charset=us-ascii\r\nServer: Microsoft-HTTPAPI/2.0\r\nConnection: close\r\nContent-Length: " +
		itoa(len(page)) + "\r\n\r\n" + page
}

func earlyReset(s *session, r *http.Request) error {
	if r.ContentLength == 0 {
		return s.answer(200, s.describe(r, 0), r)
	}
	if err := s.write("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	return resetOnceRead(s)
}

func bodyTooLarge(s *session, r *http.Request) error {
	if r.ContentLength > maxUpload || r.ContentLength < 0 {
		return earlyAnswer(s, r)
	}
	return welcome(s, r)
}

// bodyTooLargeIIS answers as request filtering does, which reads the body first.
func bodyTooLargeIIS(s *session, r *http.Request) error {
	if r.ContentLength <= maxUpload {
		return welcome(s, r)
	}
	if waits(r) {
		if err := s.write(continue100); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	return s.answer(404, "<!DOCTYPE html><title>404.13</title><h2>404.13 - Not Found: the request filtering module is configured to deny a request "+
		"that exceeds the request content length.</h2>\r\n", r)
}

// continue100 lets a client send the body that it holds back.
const continue100 = "HTTP/1.1 100 Continue\r\n\r\n"

// welcome takes the body as any sound server does.
func welcome(s *session, r *http.Request) error {
	if waits(r) {
		if err := s.write(continue100); err != nil {
			return err
		}
	}
	return drain(s, r)
}

// drain answers once the body has come, without a 100 Continue before.
func drain(s *session, r *http.Request) error {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	return s.answer(200, s.describe(r, n), r)
}

func continueRefused(s *session, r *http.Request) error {
	if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		return drain(s, r)
	}
	if err := s.write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	return s.finish()
}

func closesOnReuse(s *session, r *http.Request) error {
	if s.n > 1 {
		return s.finishRaw()
	}
	return drain(s, r)
}

func slowDrip(s *session, r *http.Request) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if err := s.write(ok200 + "Content-Length: 20\r\n\r\n"); err != nil {
		return err
	}
	for range 20 {
		if !s.wait(50 * time.Millisecond) {
			return errEnd
		}
		if err := s.write("."); err != nil {
			return err
		}
	}
	return nil
}
