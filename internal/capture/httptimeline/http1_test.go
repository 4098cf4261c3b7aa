package httptimeline

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

func TestHTTP1(t *testing.T) {
	const client, server = fact.SideClient, fact.SideServer
	get := c("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	b := Config{Bodies: 10}
	rows := []dialogue{
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
		{"extra data", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello"), get, s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}},
		{"short body", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), fin(server)}},
		{"no status line", b, []step{get, s("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3 and more\r\n"), fin(server)}},
		{"server first", b, []step{s("220 mail.test ESMTP\r\n"), get, fin(server)}},
		{"unasked 101", b, []step{get, s("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), rst(server)}},
		{"cl and te", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")}},
		{"two cl", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello"), fin(server)}},
		{"bad chunk", b, []step{get, s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"), fin(server)}},
		{"lost in body", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"), lost(server, 4), s("lo"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost over the end", b, []step{get, s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"), lost(server, 400), s("lo"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost in chunks", b, []step{get, s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), lost(server, 40), s("lo\r\n0\r\n\r\n"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"lost request", b, []step{lost(client, 30), s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"midstream", b, []step{lost(client, -1), lost(server, -1), s("abcdef"), s("xyzHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), get, s("HTTP/1.1 304 Not\r\n\r\n")}},
		{"no http", b, []step{c("\x00\x01\x02"), s("\x03"), fin(server)}},
	}
	checkGolden(t, "http1", rows)
}
