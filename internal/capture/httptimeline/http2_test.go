package httptimeline

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/fact"
)

// fr builds one frame.
func fr(typ, flags byte, stream uint32, payload string) string {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), typ, flags, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[5:], stream)
	return string(b) + payload
}

// encoder makes header blocks with one dynamic table.
type encoder struct {
	buf bytes.Buffer
	enc *hpack.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.enc = hpack.NewEncoder(&e.buf)
	return e
}

// block encodes "name value" lines.
func (e *encoder) block(lines ...string) string {
	e.buf.Reset()
	for _, l := range lines {
		name, value, _ := strings.Cut(l, " ")
		if err := e.enc.WriteField(hpack.HeaderField{Name: name, Value: value}); err != nil {
			panic(err)
		}
	}
	return e.buf.String()
}

func (e *encoder) get(stream uint32, path string) string {
	return fr(frameHeaders, flagEndHeaders|flagEndStream, stream, e.block(":method GET", ":scheme https", ":authority a.test", ":path "+path, "cookie id=secret"))
}

func u32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

func setting(id uint16, value uint32) string {
	return string(binary.BigEndian.AppendUint16(nil, id)) + u32(value)
}

const emptySettings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

func TestHTTP2(t *testing.T) { checkGolden(t, "http2", dialogues2()) }

// dialogues2 are conversations in HTTP/2 that peers have.
func dialogues2() (rows []dialogue) {
	const client, server = fact.SideClient, fact.SideServer
	e, d := newEncoder(), newEncoder() // of the client, of the server
	hello := []step{c(preface + emptySettings), s(fr(frameSettings, 0, 0, setting(3, 100)+setting(4, 10)+setting(77, 1)) + fr(frameSettings, flagAck, 0, ""))}
	with := func(more ...step) []step { return append(append([]step(nil), hello...), more...) }
	fresh := func() bool { e, d = newEncoder(), newEncoder(); return true }
	ok := func(stream uint32, flags byte, more ...string) string {
		return fr(frameHeaders, flagEndHeaders|flags, stream, d.block(append([]string{":status 200"}, more...)...))
	}
	add := func(name string, steps []step) {
		rows = append(rows, dialogue{name, Config{Bodies: 10, Secure: true}, steps})
		fresh()
	}
	add("one request", with(c(e.get(1, "/a?token=x")), s(ok(1, 0, "content-length 5")+fr(frameData, 0, 1, "hel")), s(fr(frameData, flagEndStream, 1, "lo"))))
	add("server settings first", []step{s(emptySettings), c(preface + emptySettings + e.get(1, "/")), s(ok(1, flagEndStream))})
	add("two streams, second first", with(c(e.get(1, "/1")+e.get(3, "/2")), s(ok(3, flagEndStream)), s(ok(1, flagEndStream))))
	add("continuation, padding, priority", with(func() step {
		b := e.block(":method GET", ":scheme https", ":authority a.test", ":path /x", "x-a b")
		return c(fr(frameHeaders, flagPadded|flagPriority|flagEndStream, 1, "\x02\x00\x00\x00\x00\x07"+b[:3]+"\x00\x00") + fr(frameContinuation, 0, 1, b[3:4]) + fr(frameContinuation, flagEndHeaders, 1, b[4:]))
	}(), s(ok(1, 0)+fr(frameData, flagPadded|flagEndStream, 1, "\x03abc\x00\x00\x00"))))
	add("interim and trailers", with(c(fr(frameHeaders, flagEndHeaders, 1, e.block(":method POST", ":scheme https", ":path /up", ":authority a.test", "expect 100-continue"))),
		s(fr(frameHeaders, flagEndHeaders, 1, d.block(":status 100"))), c(fr(frameData, flagEndStream, 1, "body")),
		s(ok(1, 0)+fr(frameData, 0, 1, "x")+fr(frameHeaders, flagEndHeaders|flagEndStream, 1, d.block("grpc-status 0")))))
	add("reset", with(c(e.get(1, "/")), s(fr(frameRstStream, 0, 1, u32(13))), s(fr(frameData, 0, 1, "late"))))
	add("goaway", with(c(e.get(1, "/1")+e.get(3, "/2")), s(fr(frameGoAway, 0, 0, u32(1)+u32(11)+"calm down")), s(ok(1, flagEndStream)), fin(server)))
	add("window", with(c(fr(frameHeaders, flagEndHeaders, 1, e.block(":method POST", ":scheme https", ":path /up", ":authority a.test"))+fr(frameData, 0, 1, "0123456789")),
		s(fr(frameWindowUpdate, 0, 1, u32(5))), c(fr(frameData, 0, 1, "abcde")), fin(server)))
	add("push", with(c(e.get(1, "/")), s(fr(framePushPromise, flagEndHeaders, 1, u32(2)+d.block(":method GET", ":scheme https", ":authority a.test", ":path /style.css"))+ok(1, flagEndStream)+ok(2, 0)+fr(frameData, flagEndStream, 2, "css"))))
	add("websocket", with(c(fr(frameHeaders, flagEndHeaders, 1, e.block(":method CONNECT", ":protocol websocket", ":scheme https", ":path /ws", ":authority a.test"))),
		s(ok(1, 0)+fr(frameData, 0, 1, "\x81\x02hi")), c(fr(frameData, 0, 1, "\x82\x81\x00\x00\x00")+fr(frameData, 0, 1, "\x00x")), rst(client)))
	add("lost in data", with(c(e.get(1, "/")), s(ok(1, 0)+fr(frameData, 0, 1, "0123456789")[:12]), lost(server, 5), s("89"+fr(frameData, flagEndStream, 1, "end"))))
	add("lost in headers", with(c(e.get(1, "/1")[:20]), lost(client, int64(len(newEncoder().get(1, "/1"))-24)), func() step {
		full := newEncoder().get(1, "/1")
		return c(full[len(full)-4:] + e.get(3, "/1") + e.get(5, "/new") + e.get(7, "/new"))
	}(),
		s(ok(1, flagEndStream)+ok(3, flagEndStream)+ok(5, flagEndStream)+ok(7, flagEndStream))))
	add("lost in data, by a wrong number", with(c(e.get(1, "/")), s(ok(1, 0)+fr(frameData, 0, 1, "0123456789")[:12]), lost(server, 3), s("789"+fr(frameData, flagEndStream, 1, "end")+fr(frameData, 0, 1, strings.Repeat("\xff", 900)))))
	add("lost framing", with(c(e.get(1, "/1")), lost(server, 100), s("gone"), c(e.get(3, "/2")), fin(server)))
	add("h2c upgrade", []step{c("GET /up HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
		s("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + emptySettings), c(preface + emptySettings), s(ok(1, 0) + fr(frameData, flagEndStream, 1, "abc")), c(e.get(3, "/b")), s(ok(3, flagEndStream))})
	return rows
}

func TestHTTP2Broken(t *testing.T) { checkGolden(t, "http2_broken", brokenDialogues2()) }

// brokenDialogues2 are conversations in which a side does what RFC 9113 does not allow.
func brokenDialogues2() (rows []dialogue) {
	get := func() string { return newEncoder().get(1, "/") }
	head := func(lines ...string) string {
		return fr(frameHeaders, flagEndHeaders|flagEndStream, 1, newEncoder().block(lines...))
	}
	add := func(name, fromClient, fromServer string) {
		rows = append(rows, dialogue{name, Config{}, []step{c(preface + emptySettings + fromClient), s(emptySettings + fromServer)}})
	}
	rows = append(rows, dialogue{"no settings", Config{}, []step{c(preface + get())}})
	rows = append(rows, dialogue{"answer in HTTP/1", Config{}, []step{c(preface + emptySettings), s("HTTP/1.1 400 Bad Request\r\n\r\n")}})
	add("data on stream 0", fr(frameData, 0, 0, "x"), "")
	add("frame too large", "", "\x00\x40\x01\x00\x00\x00\x00\x00\x01")
	add("headers within a block", fr(frameHeaders, 0, 1, "\x82")+get(), "")
	add("continuation alone", fr(frameContinuation, flagEndHeaders, 1, "\x82"), "")
	add("even stream", fr(frameHeaders, flagEndHeaders|flagEndStream, 2, newEncoder().block(":method GET", ":scheme http", ":path /")), "")
	add("idle stream", "", fr(frameHeaders, flagEndHeaders, 5, newEncoder().block(":status 200"))+fr(frameData, 0, 7, "x")+fr(frameRstStream, 0, 9, u32(1))+fr(frameWindowUpdate, 0, 11, u32(1)))
	add("lengths", fr(framePriority, 0, 1, "abc")+fr(frameRstStream, 0, 1, "abc")+fr(frameSettings, 0, 0, "abc")+fr(frameSettings, flagAck, 0, "abcdef")+fr(framePing, 0, 0, "abc")+fr(frameGoAway, 0, 0, "abc")+fr(frameWindowUpdate, 0, 0, "abc"), "")
	add("padding", get(), fr(frameHeaders, flagEndHeaders, 1, newEncoder().block(":status 200"))+fr(frameData, flagPadded, 1, "\x09abc"))
	add("window update of 0", get(), fr(frameWindowUpdate, 0, 1, u32(0)))
	add("window overflow", get(), fr(frameWindowUpdate, 0, 0, u32(1<<31-1))+fr(frameWindowUpdate, 0, 0, u32(1<<31-1)))
	add("settings values", "", fr(frameSettings, 0, 0, setting(2, 7)+setting(4, 1<<31)+setting(5, 1)))
	add("bad index", fr(frameHeaders, flagEndHeaders|flagEndStream, 1, "\xff\x80\x01"), "")
	add("upper case", head(":method GET", ":scheme http", ":path /", "X-A b"), "")
	add("connection field", head(":method GET", ":scheme http", ":path /", "connection close"), "")
	add("te", head(":method GET", ":scheme http", ":path /", "te gzip"), "")
	add("pseudo behind", head(":method GET", ":scheme http", "x-a b", ":path /"), "")
	add("pseudo twice", head(":method GET", ":method GET", ":scheme http", ":path /"), "")
	add("pseudo unknown", head(":method GET", ":scheme http", ":path /", ":x y"), "")
	add("no path", head(":method GET", ":scheme http"), "")
	add("no status", get(), fr(frameHeaders, flagEndHeaders|flagEndStream, 1, newEncoder().block("x-a b")))
	add("101", get(), fr(frameHeaders, flagEndHeaders|flagEndStream, 1, newEncoder().block(":status 101")))
	add("length differs", get(), fr(frameHeaders, flagEndHeaders, 1, newEncoder().block(":status 200", "content-length 3"))+fr(frameData, flagEndStream, 1, "12345"))
	add("behind the end", get()+fr(frameData, 0, 1, "x")+get(), "")
	add("push by the client", fr(framePushPromise, flagEndHeaders, 1, u32(2)+"\x82"), "")
	return rows
}
