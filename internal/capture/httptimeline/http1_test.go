package httptimeline

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

func TestHTTP1(t *testing.T) { checkGolden(t, "http1", dialogues1()) }

// dialogues1 are conversations in HTTP/1 that peers have.
func dialogues1() []dialogue {
	const client, server = fact.SideClient, fact.SideServer
	get := c("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	b := Config{Bodies: 10}
	return []dialogue{
		{"one request", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")}},
		{"pipelined", b, []step{
			c("GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /3 HTTP/1.1\r\nHost: a.test\r\n\r\n"),
			s("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")}},
		{"chunked", b, []step{
			c("POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n"), c("2\r\nde\r\n0\r\n\r\n"),
			s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), s("5\r\nhel"), s("lo\r\n0\r\nX-Sum: 1\r\nCookie: a=b\r\n\r\n")}},
		{"until close", b, []step{c("GET / HTTP/1.0\r\n\r\n"), s("HTTP/1.0 200 OK\r\n\r\nabc"), s("def"), fin(server), fin(client)}},
		{"continue answered", b, []step{
			c("PUT / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), s("HTTP/1.1 100 Continue\r\n\r\n"), c("abc"), s("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")}},
		{"continue gave up", b, []step{
			c("PUT / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), c("abc"), s("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")}},
		{"websocket", b, []step{
			c("GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
			s("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n\x81\x02hi"),
			c("\x81\x82\x01\x02\x03\x04ab\x01\x81\x01\x02\x03\x04a\x80\x81\x01\x02\x03\x04a"), c("\x89\x80\x01\x02\x03\x04"), s("\x8a\x00\x88\x02\x03\xe8"), c("\x88\x82\x00\x00\x00\x00\x03\xe8"), fin(client), fin(server)}},
		{"connect", b, []step{c("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"), s("HTTP/1.1 200 OK\r\n\r\n"), c("\x16\x03\x01"), s("\x16\x03"), fin(server)}},
		{"connect refused", b, []step{c("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"), s("HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n"), get, s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}},
		{"no response before the client closes", b, []step{get, fin(client)}},
		{"no response before the client closes, and the server does", b, []step{get, fin(client), fin(server)}},
		{"no response before the capture ends", b, []step{get}},
		{"short body", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), fin(server)}},
		{"lost in body", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"), lost(server, 4), s("lo"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost over the end", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"), lost(server, 400), s("lo"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost in chunks", b, []step{get, s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), lost(server, 40), s("lo\r\n0\r\n\r\n"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost in chunks, by a wrong number", b, []step{get, s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhe"), lost(server, 2), s("o all\r\n0\r\n\r\n"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost response", b, []step{get, lost(server, 16), s("K\r\nServer: x\r\n\r\nhello"), fin(server)}},
		{"lost response, and on", b, []step{get, lost(server, 16), s("K\r\nServer: x\r\n\r\nhello"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost request", b, []step{lost(client, 30), s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"midstream", b, []step{lost(client, -1), lost(server, -1), s("abcdef"), s("xyzHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"no http", b, []step{c("\x00\x01\x02"), s("\x03"), fin(server)}},
	}
}

func TestHTTP1Broken(t *testing.T) { checkGolden(t, "http1_broken", brokenDialogues1()) }

// brokenDialogues1 are conversations in which a side does what RFC 9112 does not allow.
func brokenDialogues1() []dialogue {
	const server = fact.SideServer
	get := c("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	b := Config{Bodies: 10}
	rows := []dialogue{
		{"not as its coding says", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")}},
		{"extra data", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello"), get, s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}},
		{"no status line", b, []step{get, s("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3 and more\r\n"), fin(server)}},
		{"server first", b, []step{s("220 mail.test ESMTP\r\n"), get, fin(server)}},
		{"unasked 101", b, []step{get, s("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), rst(server)}},
		{"cl and te", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")}},
		{"two cl", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello"), fin(server)}},
		{"bad chunk", b, []step{get, s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"), fin(server)}},
	}
	answer := s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	for _, r := range [][2]string{
		{"chunked is not last", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabc"},
		{"te and cl", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nTransfer-Encoding: gzip\r\n\r\nabc"},
		{"cl no number", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +3\r\n\r\n"},
		{"cl twice the same", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"},
		{"bare lf", "GET / HTTP/1.1\nHost: a.test\n\n"},
		{"bare cr", "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\rb\r\n\r\n"},
		{"space before the colon", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length : 3\r\n\r\nabc"},
		{"obs-fold", "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\r\n  b\r\n\r\n"},
		{"nul", "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\x00b\r\n\r\n"},
		{"space in a name", "GET / HTTP/1.1\r\nHost: a.test\r\nX Y: a\r\n\r\n"},
		{"no colon", "GET / HTTP/1.1\r\nHost: a.test\r\nnothing\r\n\r\n"},
		{"no host", "GET / HTTP/1.1\r\n\r\n"},
		{"space in the target", "GET /a b HTTP/1.1\r\nHost: a.test\r\n\r\n"},
		{"bare lf in chunks", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n"},
		{"chunk too long", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"},
		{"chunk size too large", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"},
		{"http 1.0 with chunks", "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"garbage behind", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n\x00\x01\x02"},
	} {
		rows = append(rows, dialogue{r[0], b, []step{c(r[1]), answer, get, answer}})
	}
	for _, r := range [][2]string{
		{"short status line", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"},
		{"status no number", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"},
		{"response over 599", "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"},
		{"http 2.0 status line", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"space in a response name", "HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 2\r\n\r\nok"},
		{"body of a 204", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"},
		{"tls alert", "\x15\x03\x03\x00\x02\x02\x28"},
		{"settings", emptySettings},
		{"404 twice", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
	} {
		rows = append(rows, dialogue{r[0], b, []step{get, s(r[1]), fin(server)}})
	}
	return append(rows, dialogue{"response first", b, []step{s("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"), get, fin(server)}})
}

// upgradeSteps open a WebSocket.
func upgradeSteps() []step {
	return []step{
		c("GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		s("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
	}
}

func TestWebSocket(t *testing.T) { checkGolden(t, "websocket", dialoguesWebSocket()) }

func dialoguesWebSocket() (rows []dialogue) {
	const client, server = fact.SideClient, fact.SideServer
	add := func(name string, steps ...step) {
		rows = append(rows, dialogue{name, Config{}, append(upgradeSteps(), steps...)})
	}
	long := strings.Repeat("x", 70000)
	add("runs", s("\x81\x02hi\x81\x02ho"), s("\x82\x01b"), c("\x81\x80\x00\x00\x00\x00"), s("\x81\x02hi"))
	add("fragments with a ping between", s("\x01\x02ab\x89\x01p\x80\x01c"), c("\x8a\x81\x00\x00\x00\x00p"))
	add("lengths", s("\x82\x7e\x00\x80"+long[:128]+"\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70"+long))
	add("close with a reason", s("\x88\x0c\x03\xf3token=abcd"), c("\x88\x80\x01\x02\x03\x04"), fin(server), fin(client))
	add("close of one byte, frame behind it", s("\x88\x01x\x81\x00"))
	add("masked server", s("\x81\x81\x00\x00\x00\x00a"))
	add("bare client", c("\x81\x01a"))
	add("reserved bits", s("\xc1\x01a\xa1\x01a"))
	add("reserved opcode", s("\x83\x01a\x81\x01a"))
	add("long ping", s("\x89\x7e\x00\x80"+long[:128]))
	add("ping in fragments", s("\x09\x01a"))
	add("continuation of nothing", s("\x80\x01a"))
	add("message within another", s("\x01\x01a\x81\x01b"))
	add("length not shortest", s("\x81\x7e\x00\x01a"))
	add("length beyond everything", s("\x82\x7f\xff\x00\x00\x00\x00\x01\x11\x70"))
	add("lost within a payload", s("\x81\x05he"), lost(server, 2), s("o\x81\x01x"))
	add("lost header", s("\x81\x05he"), lost(server, 20), s("o\x81\x01x"), c("\x81\x81\x00\x00\x00\x00a"))
	return rows
}
