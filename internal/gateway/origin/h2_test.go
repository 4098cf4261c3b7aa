package origin

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h2Peer is the origin's end of one HTTP/2 connection, frame by frame.
type h2Peer struct {
	*http2.Framer
	nc *net.TCPConn
	n  int // connections before this one
}

func (p *h2Peer) head(id uint32, end bool, fields ...string) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndStream: end, EndHeaders: true})
}

// requests calls on for each request head until the connection ends; DATA is dropped, its window given back.
func (p *h2Peer) requests(on func(m *http2.MetaHeadersFrame)) {
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			on(f)
		case *http2.DataFrame:
			if n := uint32(len(f.Data())); n > 0 {
				_ = p.WriteWindowUpdate(0, n)
				_ = p.WriteWindowUpdate(f.StreamID, n)
			}
		}
	}
}

// h2Origin starts an origin over HTTP/2 in clear and returns what reaches it.
func h2Origin(t *testing.T, cfg Config, serve func(p *h2Peer)) *Origin {
	t.Helper()
	var conns atomic.Int32
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		n := int(conns.Add(1)) - 1
		if _, err := r.Discard(len(http2.ClientPreface)); err != nil {
			return
		}
		p := &h2Peer{Framer: http2.NewFramer(c, r), nc: c, n: n}
		p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		serve(p)
	})
	cfg.URLs, cfg.HTTP = []string{"http://" + addr}, "2"
	return newOrigin(t, cfg)
}

// The ways in which an origin can break HTTP/2, each with its reason.
func TestHTTP2Faults(t *testing.T) {
	after := func(answer func(p *h2Peer, id uint32)) func(p *h2Peer) {
		return func(p *h2Peer) {
			_ = p.WriteSettings()
			p.requests(func(m *http2.MetaHeadersFrame) { answer(p, m.StreamID) })
		}
	}
	for _, c := range []struct {
		name  string
		serve func(p *h2Peer)
		want  reason.Code
	}{
		{"reset", after(func(p *h2Peer, id uint32) { _ = p.WriteRSTStream(id, http2.ErrCodeInternal) }), reason.HTTP2RST},
		{"refused for ever", after(func(p *h2Peer, id uint32) { _ = p.WriteRSTStream(id, http2.ErrCodeRefusedStream) }), reason.HTTP2RefusedStream},
		{"goaway", after(func(p *h2Peer, id uint32) { _ = p.WriteGoAway(id, http2.ErrCodeEnhanceYourCalm, nil); _ = p.nc.Close() }), reason.HTTP2GoAway},
		{"push", after(func(p *h2Peer, id uint32) {
			_ = p.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: 2, EndHeaders: true, BlockFragment: []byte{0x82}})
		}), reason.HTTP2Push},
		{"no status", after(func(p *h2Peer, id uint32) { p.head(id, true, "content-type", "text/plain") }), reason.HTTP2NoStatus},
		{"101", after(func(p *h2Peer, id uint32) { p.head(id, false, ":status", "101") }), reason.HTTP2BadFrame},
		{"connection field", after(func(p *h2Peer, id uint32) { p.head(id, true, ":status", "200", "transfer-encoding", "chunked") }), reason.HTTP2BadFrame},
		{"upper case", after(func(p *h2Peer, id uint32) { p.head(id, true, ":status", "200", "X-Upper", "1") }), reason.HTTP2BadFrame},
		{"two lengths", after(func(p *h2Peer, id uint32) {
			p.head(id, true, ":status", "200", "content-length", "0", "content-length", "0")
		}), reason.HTTP1BadCL},
		{"short", after(func(p *h2Peer, id uint32) {
			p.head(id, false, ":status", "200", "content-length", "9")
			_ = p.WriteData(id, true, []byte("short"))
		}), reason.ReadTruncated},
		{"long", after(func(p *h2Peer, id uint32) {
			p.head(id, false, ":status", "200", "content-length", "2")
			_ = p.WriteData(id, true, []byte("longer"))
		}), reason.HTTP1ExtraData},
		{"data first", after(func(p *h2Peer, id uint32) { _ = p.WriteData(id, true, []byte("x")) }), reason.HTTP2BadFrame},
		{"stream that never was", after(func(p *h2Peer, id uint32) { _ = p.WriteRSTStream(id+2, 0) }), reason.HTTP2BadFrame},
		{"window overflows", after(func(p *h2Peer, _ uint32) { _ = p.WriteWindowUpdate(0, h2MaxWindow) }), reason.HTTP2FlowControl},
		{"ping flood", after(func(p *h2Peer, _ uint32) {
			for range h2Controls + 1 {
				_ = p.WritePing(false, [8]byte{})
			}
		}), reason.HTTP2PingFlood},
		{"settings flood", after(func(p *h2Peer, _ uint32) {
			for range h2Controls + 1 {
				_ = p.WriteSettings()
			}
		}), reason.HTTP2SettingsFlood},
		{"forbidden trailer", after(func(p *h2Peer, id uint32) {
			p.head(id, false, ":status", "200")
			p.head(id, true, "set-cookie", "a=b")
		}), reason.HTTP1BadTrailer},
		{"header too big", after(func(p *h2Peer, id uint32) {
			p.head(id, true, ":status", "200", "x-a", strings.Repeat("x", 5<<10), "x-b", strings.Repeat("x", 5<<10))
		}), reason.HTTP1HeaderTooBig},
		{"not http/2", func(p *h2Peer) { _, _ = io.WriteString(p.nc, "HTTP/1.1 400 Bad Request\r\n\r\n") }, reason.HTTP2BadFrame},
		{"no settings", func(p *h2Peer) { _ = p.WritePing(false, [8]byte{}) }, reason.HTTP2BadFrame},
		{"closes", func(p *h2Peer) {
			_ = p.WriteSettings()
			p.requests(func(*http2.MetaHeadersFrame) { _ = p.nc.CloseWrite() })
		}, reason.ReadEOFBeforeHeader},
		{"resets tcp", after(func(p *h2Peer, _ uint32) { _ = p.nc.SetLinger(0); _ = p.nc.Close() }), reason.ReadResetBeforeHeader},
		{"silence", after(func(*h2Peer, uint32) {}), reason.ReadFirstByteTimeout},
		{"stall", after(func(p *h2Peer, id uint32) {
			p.head(id, false, ":status", "200")
			_ = p.WriteData(id, false, []byte("x"))
		}), reason.ReadBodyStall},
		{"closes in the body", after(func(p *h2Peer, id uint32) { p.head(id, false, ":status", "200"); _ = p.nc.CloseWrite() }), reason.ReadTruncated},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := h2Origin(t, Config{MaxHeader: 8 << 10, Timeouts: soon(c.want)}, c.serve)
			x := newExchange("POST", "/", "")
			_, _, err := fetch(t, o, x)
			wantCode(t, x, err, c.want)
			if a := x.Attempts[len(x.Attempts)-1]; a.Reason != c.want {
				t.Errorf("the record has %q", a.Reason)
			}
		})
	}
}

// What an origin has proven not to have acted on is sent again, whatever the method.
func TestHTTP2SendsAgainWhatWasNotActedOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		refuse func(p *h2Peer, id uint32)
	}{
		{"refused", func(p *h2Peer, id uint32) { _ = p.WriteRSTStream(id, http2.ErrCodeRefusedStream) }},
		{"above the last of a goaway", func(p *h2Peer, _ uint32) { _ = p.WriteGoAway(0, http2.ErrCodeNo, nil) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := h2Origin(t, Config{}, func(p *h2Peer) {
				_ = p.WriteSettings()
				p.requests(func(m *http2.MetaHeadersFrame) {
					if p.n == 0 {
						c.refuse(p, m.StreamID)
						return
					}
					p.head(m.StreamID, true, ":status", "204")
				})
			})
			x := newExchange("POST", "/", "")
			status, _, err := fetch(t, o, x)
			if status != 204 || err != nil || len(x.Attempts) != 2 || !x.Attempts[0].Retried {
				t.Fatalf("got %d %v, attempts %+v", status, err, x.Attempts)
			}
		})
	}
	t.Run("acted on", func(t *testing.T) { // a POST below the last stream is lost, not sent twice
		o := h2Origin(t, Config{}, func(p *h2Peer) {
			_ = p.WriteSettings()
			p.requests(func(m *http2.MetaHeadersFrame) { _ = p.WriteGoAway(m.StreamID, http2.ErrCodeNo, nil); _ = p.nc.Close() })
		})
		x := newExchange("POST", "/", "")
		_, _, err := fetch(t, o, x)
		wantCode(t, x, err, reason.HTTP2GoAway)
		if len(x.Attempts) != 1 {
			t.Errorf("%d attempts", len(x.Attempts))
		}
	})
}

// trailerBody is a body with a trailer section.
type trailerBody struct {
	io.Reader
	trailer exchange.Header
}

func (b trailerBody) Trailer() exchange.Header { return b.trailer }
func (trailerBody) Close() error               { return nil }

// Trailers go both ways, 1xx come before the answer, and a HEAD has no body.
func TestHTTP2Message(t *testing.T) {
	got := make(chan string, 4)
	o := h2Origin(t, Config{}, func(p *h2Peer) {
		_ = p.WriteSettings()
		p.requests(func(m *http2.MetaHeadersFrame) {
			if v := fieldOf(m.Fields, "x-sum"); v != "" {
				got <- v
				return
			}
			if m.StreamEnded() {
				p.head(m.StreamID, true, ":status", "200", "content-length", "5")
				return
			}
			p.head(m.StreamID, false, ":status", "103", "link", "</a.css>")
			p.head(m.StreamID, false, ":status", "200")
			_ = p.WriteDataPadded(m.StreamID, false, []byte("body"), make([]byte, 100))
			p.head(m.StreamID, true, "x-check", "ok")
		})
	})
	x := newExchange("POST", "/", "")
	x.Request.Body, x.Request.Length = trailerBody{strings.NewReader("content"), exchange.Header{{Name: "X-Sum", Value: "7"}}}, exchange.Chunked
	w := &informed{}
	x.W = w
	resp, err := o.RoundTrip(t.Context(), x, &x.Request)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(bodyReader{resp.Body})
	if string(b) != "body" || err != nil || resp.Body.Trailer().Get("X-Check") != "ok" || len(w.seen) != 1 || w.seen[0] != 103 {
		t.Errorf("got %q %v, trailer %v, informed of %v", b, err, resp.Body.Trailer(), w.seen)
	}
	if sum := <-got; sum != "7" {
		t.Errorf("the origin got trailer %q", sum)
	}
	_ = resp.Body.Close()
	a := x.Attempts[0]
	if a.BytesSent < 7 || a.BytesReceived < 104 || a.Write <= 0 || a.FirstByte < 0 || a.Body < 0 {
		t.Errorf("record %+v", a)
	}
	x = newExchange("HEAD", "/", "")
	resp, err = o.RoundTrip(t.Context(), x, &x.Request)
	if err != nil || resp.Length != 0 || resp.Header.Get("Content-Length") != "5" {
		t.Fatalf("HEAD: %v %+v", err, resp)
	}
	_ = resp.Body.Close()
}

// informed keeps the 1xx that it is told of.
type informed struct {
	noWriter
	seen []int
}

func (w *informed) Informational(status int, _ exchange.Header) error {
	w.seen = append(w.seen, status)
	return nil
}

// An origin that sends more than we granted is cut off; what it may send waits for the client.
func TestHTTP2BeyondTheWindow(t *testing.T) {
	sent := make(chan struct{})
	o := h2Origin(t, Config{}, func(p *h2Peer) {
		_ = p.WriteSettings()
		p.requests(func(m *http2.MetaHeadersFrame) {
			p.head(m.StreamID, false, ":status", "200")
			for range h2StreamWindow/h2FrameSize + 1 {
				_ = p.WriteData(m.StreamID, false, make([]byte, h2FrameSize))
			}
			close(sent)
		})
	})
	x := newExchange("GET", "/", "")
	resp, err := o.RoundTrip(t.Context(), x, &x.Request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	<-sent
	s := resp.Body.(*h2Stream)
	if r := s.await(func() bool { return false }); r == nil || r.Code != reason.HTTP2FlowControl {
		t.Fatalf("got %v", r)
	}
	n, err := io.Copy(io.Discard, bodyReader{resp.Body})
	if n != h2StreamWindow || reason.Of(err) == nil || reason.Of(err).Code != reason.HTTP2FlowControl {
		t.Errorf("read %d bytes, then %v", n, err)
	}
}

// An origin that grants no window has stopped reading: that is the reason, not its silence.
func TestHTTP2NoWindow(t *testing.T) {
	o := h2Origin(t, Config{Timeouts: soon(reason.WriteTimeout)}, func(p *h2Peer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
		for {
			if _, err := p.ReadFrame(); err != nil {
				return
			}
		}
	})
	x := newExchange("POST", "/", strings.Repeat("x", 100<<10))
	_, _, err := fetch(t, o, x)
	wantCode(t, x, err, reason.WriteTimeout)
}

// An answer that comes before the whole request ends the upload; the stream ends, the connection goes on.
func TestHTTP2EarlyAnswer(t *testing.T) {
	o := h2Origin(t, Config{}, func(p *h2Peer) {
		_ = p.WriteSettings()
		p.requests(func(m *http2.MetaHeadersFrame) { p.head(m.StreamID, true, ":status", "413") })
	})
	var conn uint64
	for range 3 {
		r, w := io.Pipe() // a client that never ends
		x := newExchange("POST", "/", "")
		x.Request.Body, x.Request.Length = pipeBody{r}, 100<<20
		go func() { _, _ = w.Write(make([]byte, 64<<10)) }()
		status, _, err := fetch(t, o, x)
		if status != 413 || err != nil {
			t.Fatalf("got %d %v", status, err)
		}
		a := x.Attempts[0]
		if a.Reason != reason.WriteEarlyResponse || conn != 0 && conn != a.ConnID {
			t.Errorf("record %+v", a)
		}
		conn = a.ConnID
	}
}

type pipeBody struct{ *io.PipeReader }

func (pipeBody) Trailer() exchange.Header { return nil }

// The client that leaves cancels its own stream alone.
func TestHTTP2ClientGone(t *testing.T) {
	asked, resets := make(chan struct{}), make(chan uint32, 1)
	o := h2Origin(t, Config{}, func(p *h2Peer) {
		_ = p.WriteSettings()
		for {
			f, err := p.ReadFrame()
			if err != nil {
				return
			}
			switch f := f.(type) {
			case *http2.MetaHeadersFrame:
				if f.StreamID == 1 {
					close(asked)
				} else {
					p.head(f.StreamID, true, ":status", "200")
				}
			case *http2.RSTStreamFrame:
				resets <- f.StreamID
			}
		}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-asked; cancel(reason.New(reason.ClientGone, "", nil)) }()
	x := newExchange("GET", "/", "")
	_, err := o.RoundTrip(ctx, x, &x.Request)
	wantCode(t, x, err, reason.ClientGone)
	if id := <-resets; id != 1 {
		t.Errorf("stream %d was reset", id)
	}
	y := newExchange("GET", "/", "")
	if status, _, err := fetch(t, o, y); status != 200 || err != nil || !y.Attempts[0].Reused {
		t.Errorf("got %d %v", status, err)
	}
}

// Streams share a connection, up to the origin's limit.
func TestHTTP2Streams(t *testing.T) {
	o := h2Origin(t, Config{}, func(p *h2Peer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 2})
		p.requests(func(m *http2.MetaHeadersFrame) {
			p.head(m.StreamID, false, ":status", "200")
			_ = p.WriteData(m.StreamID, true, []byte("x"))
		})
	})
	get := func() (*exchange.Exchange, *exchange.Response) {
		x := newExchange("GET", "/", "")
		resp, err := o.RoundTrip(t.Context(), x, &x.Request)
		if err != nil {
			t.Fatal(err)
		}
		return x, resp
	}
	a, ra := get()
	b, rb := get()
	c, rc := get()
	if a.Attempts[0].ConnID != b.Attempts[0].ConnID || c.Attempts[0].ConnID == a.Attempts[0].ConnID {
		t.Errorf("connections %d %d %d", a.Attempts[0].ConnID, b.Attempts[0].ConnID, c.Attempts[0].ConnID)
	}
	for _, r := range []*exchange.Response{ra, rb, rc} {
		_ = r.Body.Close()
	}
}

// TestNothingKept: without keepalive_idle every exchange has a connection of its own, which ends with it.
func TestNothingKept(t *testing.T) {
	for _, version := range []string{"1.1", "2"} {
		o := h2Origin(t, Config{Timeouts: Timeouts{KeepaliveIdle: -1}}, func(p *h2Peer) {
			_ = p.WriteSettings()
			p.requests(func(m *http2.MetaHeadersFrame) { p.head(m.StreamID, true, ":status", "204") })
		})
		if version == "1.1" {
			addr := rawServer(t, answering("HTTP/1.1 204 No Content\r\n\r\n"))
			o = newOrigin(t, Config{URLs: []string{"http://" + addr}, Timeouts: Timeouts{KeepaliveIdle: -1}})
		}
		for range 3 {
			x := newExchange("GET", "/", "")
			if status, _, err := fetch(t, o, x); status != 204 || err != nil || x.Attempts[0].Reused {
				t.Errorf("http %s: got %d %v", version, status, err)
			}
		}
		if n := o.Stats()[0].Open; n != 0 {
			t.Errorf("http %s: %d connections open", version, n)
		}
	}
}

// TestIdleConnectionsEnd: what lies idle is closed before the origin does, in either version.
func TestIdleConnectionsEnd(t *testing.T) {
	gone := make(chan struct{}, 2)
	short := Timeouts{KeepaliveIdle: 50 * time.Millisecond}
	h2 := h2Origin(t, Config{Timeouts: short}, func(p *h2Peer) {
		_ = p.WriteSettings()
		p.requests(func(m *http2.MetaHeadersFrame) { p.head(m.StreamID, true, ":status", "204") })
		gone <- struct{}{}
	})
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		for readHead(r) {
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		gone <- struct{}{}
	})
	h1 := newOrigin(t, Config{URLs: []string{"http://" + addr}, Timeouts: short})
	for _, o := range []*Origin{h1, h2} {
		x := newExchange("GET", "/", "")
		if status, _, err := fetch(t, o, x); status != 204 || err != nil {
			t.Fatalf("got %d %v", status, err)
		}
		<-gone
	}
}

// TestHTTP2LongUploadEnds: what the origin is allowed after a long upload counts from its end, also where the upload ends
// just as the exchange looks whether it runs.
func TestHTTP2LongUploadEnds(t *testing.T) {
	o := newOrigin(t, Config{URLs: []string{"http://127.0.0.1:1"}})
	begun := time.Now()
	long := begun.Add(2 * o.cfg.Timeouts.FirstByte)
	o.now = func() time.Time { return long }
	s := &h2Stream{h: &h2Conn{c: &conn{o: o}}, turn: begun, wake: make(chan struct{}, 1)}
	s.up = newH2Upload(s)
	ended := false
	s.ctx = askedCtx{t.Context(), func() { // once the exchange has looked
		if !ended {
			ended, s.turn = true, long
			close(s.up.done)
			s.wakeUp()
		}
	}}
	looked := 0
	if r := s.await(func() bool { looked++; return looked == 2 }); r != nil {
		t.Errorf("got %v", r)
	}
}

// askedCtx calls on when it is asked whether it has ended.
type askedCtx struct {
	context.Context
	on func()
}

func (c askedCtx) Err() error { c.on(); return c.Context.Err() }
