package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 asks for it
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// goOrigin serves h in clear on loopback until the test ends.
func goOrigin(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := newGoOrigin(h)
	startGoOrigin(t, s)
	return s
}

// newGoOrigin is goOrigin before it starts: only now may its settings change.
func newGoOrigin(h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = nil
	return s
}

func startGoOrigin(t testing.TB, s *httptest.Server) {
	t.Helper()
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
}

// inspected is the mode of a site whose requests and bodies are read and judged by a rule of its own: all stages work, and nothing is compiled
// for seconds. Tests for which it matters what the Core Rule Set says run that.
func inspected(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "own.conf")
	rule := `SecRule ARGS|REQUEST_HEADERS|REQUEST_BODY "@rx (?i)nobody\s+asks\s+for\s+this" "id:100100,phase:2,deny,log,msg:'asked for'"` + "\n"
	if err := os.WriteFile(file, []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	return "block, core_rules: false, rules: [" + file + "]"
}

// goSite is a site in front of a Go origin; waf is a mode, more are further lines.
func (p pki) goSite(name string, s *httptest.Server, waf, more string) string {
	return p.site(name, fmt.Sprintf(`
    limits: {body: 2GiB}
    origin: {urls: [%q], host: origin.test}
    waf: {mode: %s}
%s`, s.URL, quoteOff(waf), more))
}

// dialTLS opens a raw TLS connection that speaks HTTP/1.1.
func (g *gateway) dialTLS(t testing.TB, name string) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", g.tls(), &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * patience))
	return c
}

// webSocketOrigin accepts WebSockets and echoes each message; a close frame is answered and ends it.
func webSocketOrigin(t testing.TB) *httptest.Server {
	t.Helper()
	return goOrigin(t, echoFrames)
}

func echoFrames(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "websocket" {
		fmt.Fprint(w, "no upgrade")
		return
	}
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	_ = rw.Flush()
	for {
		op, text, err := readFrame(rw.Reader)
		if err != nil {
			return
		}
		_, _ = rw.Write(frame(op, text, false))
		if rw.Reader.Buffered() == 0 {
			_ = rw.Flush()
		}
		if op == opClose {
			return
		}
	}
}

const (
	opText  = 1
	opClose = 8
)

// frame is a WebSocket frame of less than 126 bytes (RFC 6455 section 5.2).
func frame(op byte, text string, mask bool) []byte {
	out := []byte{0x80 | op, byte(len(text))}
	if !mask {
		return append(out, text...)
	}
	out[1] |= 0x80
	key := []byte{1, 2, 3, 4}
	out = append(out, key...)
	for i := range len(text) {
		out = append(out, text[i]^key[i%4])
	}
	return out
}

func readFrame(r io.Reader) (op byte, text string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", err
	}
	n := int(head[1] & 0x7f)
	var key [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, key[:]); err != nil {
			return 0, "", err
		}
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, "", err
	}
	for i := range body {
		body[i] ^= key[i%4]
	}
	return head[0] & 0x0f, string(body), nil
}

// openWebSocket does the handshake of a browser.
func openWebSocket(t testing.TB, g *gateway, name, path string) (*tls.Conn, *bufio.Reader) {
	t.Helper()
	c := g.dialTLS(t, name)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nOrigin: https://%s\r\nConnection: keep-alive, Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, name, name)
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		t.Fatalf("handshake: %d %v", res.StatusCode, res.Header)
	}
	return c, br
}

// TestWebSocket echoes 10 000 messages both ways through the WAF, with a reload in the middle, and closes in order.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	s := webSocketOrigin(t)
	yaml := listens + "sites:\n" + p.goSite("ws.test", s, inspected(t), "")
	g := start(t, yaml)
	c, br := openWebSocket(t, g, "ws.test", "/chat")
	const messages = 10_000
	sent := make(chan error, 1)
	half := make(chan struct{})
	go func() {
		bw := bufio.NewWriter(c)
		for i := range messages {
			if i == messages/2 {
				_ = bw.Flush()
				<-half
			}
			_, _ = bw.Write(frame(opText, fmt.Sprint("message ", i), true))
		}
		_, _ = bw.Write(frame(opClose, "\x03\xe8", true))
		sent <- bw.Flush()
	}()
	for i := range messages {
		if i == messages/2 {
			g.write(yaml + p.goSite("more.test", s, "off", ""))
			if err := g.Reload(); err != nil {
				t.Fatal(err)
			}
			close(half)
		}
		op, text, err := readFrame(br)
		if want := fmt.Sprint("message ", i); err != nil || op != opText || text != want {
			t.Fatalf("message %d: %d %q %v", i, op, text, err)
		}
	}
	if op, text, err := readFrame(br); err != nil || op != opClose || text != "\x03\xe8" {
		t.Errorf("close: %d %q %v", op, text, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("after the close: %v, want the end of the stream", err)
	}
	// The client does not close: the gateway must not wait for it for long.
	r := g.log.path(t, "/chat")
	if r.Status != 101 || r.Reason != "" || r.BytesIn == 0 || r.BytesOut == 0 || r.WAF == nil || r.WAF.Verdict != "pass" {
		t.Errorf("logged %d %s, %d bytes in, %d out, waf %+v", r.Status, r.Reason, r.BytesIn, r.BytesOut, r.WAF)
	}
}

// TestWebSocketUnderRules shows that an upgrade is a request like any other to the rules.
func TestWebSocketUnderRules(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("ws.test", webSocketOrigin(t), "block", ""))
	c := g.dialTLS(t, "ws.test")
	fmt.Fprintf(c, "GET /chat?q=1%%27%%20OR%%20%%271%%27=%%271 HTTP/1.1\r\nHost: ws.test\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != 403 {
		t.Fatalf("%v %v, want 403", res, err)
	}
}

// TestWebSocketBesideHTTP2 speaks HTTP/1.1 for an upgrade to an origin that offers HTTP/2, and HTTP/2 for all else.
func TestWebSocketBesideHTTP2(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	s := httptest.NewUnstartedServer(http.HandlerFunc(echoFrames))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{p.Issue(peer.Issue{Names: []string{"origin.test"}}).TLS}}
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	g := start(t, listens+"sites:\n"+p.site("ws.test", fmt.Sprintf("\n    origin: {urls: [%q], host: origin.test, tls: {ca: %s}}\n    waf: {mode: \"off\"}\n", s.URL, p.File)))
	c := g.client(t, true)
	if a := get(t, c, "https://ws.test/page"); a.status != 200 {
		t.Errorf("page: %d %s", a.status, a.header.Get("Proxy-Status"))
	}
	conn, br := openWebSocket(t, g, "ws.test", "/chat")
	if _, err := conn.Write(append(frame(opText, "hi", true), frame(opClose, "", true)...)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := readFrame(br); text != "hi" {
		t.Error(text, err)
	}
	_ = conn.Close()
	for path, want := range map[string]string{"/page": "HTTP/2", "/chat": "HTTP/1.1"} {
		if a := last(t, g.log.path(t, path)); a.Proto != want {
			t.Errorf("%s went by %s, want %s", path, a.Proto, want)
		}
	}
}

// TestTunnelIdle ends a WebSocket on which nobody speaks.
func TestTunnelIdle(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	g := start(t, "listen: [{address: \"127.0.0.1:0\", tls: true, limits: {tunnel_idle: 1s}}]\nsites:\n"+p.goSite("ws.test", webSocketOrigin(t), "off", ""))
	c, br := openWebSocket(t, g, "ws.test", "/idle")
	if _, err := c.Write(frame(opText, "hi", true)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := readFrame(br); text != "hi" {
		t.Fatal(text, err)
	}
	if _, err := br.ReadByte(); err == nil {
		t.Error("the gateway spoke")
	}
	if r := g.log.path(t, "/idle"); r.Status != 101 || r.Reason != "client.upgrade_ended" {
		t.Errorf("logged %d %s", r.Status, r.Reason)
	}
}

// TestTunnelBroken ends both sides of a WebSocket when one breaks.
func TestTunnelBroken(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s := goOrigin(t, func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		_, _ = io.Copy(io.Discard, rw)
		close(gone)
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("ws.test", s, "off", ""))
	c, _ := openWebSocket(t, g, "ws.test", "/broken")
	_ = c.NetConn().(*net.TCPConn).SetLinger(0)
	_ = c.NetConn().Close() // a reset
	<-gone
	if r := g.log.path(t, "/broken"); r.Reason != "client.gone" {
		t.Errorf("logged %d %s", r.Status, r.Reason)
	}
}

// eachVersion runs test for HTTP/1.1 and HTTP/2 clients, with the WAF off and on.
func eachVersion(t *testing.T, g *gateway, test func(t *testing.T, c *http.Client, base string)) {
	t.Helper()
	for _, h2 := range []bool{false, true} {
		for _, site := range []string{"off.test", "waf.test"} {
			t.Run(fmt.Sprintf("%s h2=%v", site, h2), func(t *testing.T) {
				test(t, g.client(t, h2), "https://"+site)
			})
		}
	}
}

// TestEventStream demands that each event arrives before the origin makes the next one.
func TestEventStream(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("off.test", s, "off", "")+p.goSite("waf.test", s, "block", ""))
	eachVersion(t, g, func(t *testing.T, c *http.Client, base string) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		first := make(chan struct{})
		go func() { next <- struct{}{}; close(first) }()
		req, _ := http.NewRequestWithContext(ctx, "GET", base+"/events", nil)
		req.Header.Set("Accept", "text/event-stream")
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		<-first
		br := bufio.NewReader(res.Body)
		for i := range 3 {
			if i > 0 {
				next <- struct{}{}
			}
			line, err := br.ReadString('\n')
			_, _ = br.ReadString('\n')
			if want := fmt.Sprintf("data: %d\n", i); line != want {
				t.Fatalf("event %d: %q %v", i, line, err)
			}
		}
	})
}

// TestTrailersAndEarlyHints passes on what stands before and behind an answer, and behind a request.
func TestTrailersAndEarlyHints(t *testing.T) {
	t.Parallel()
	s := goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Link", "</a.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprintf(w, "%s behind it %q", body, r.Trailer.Get("X-Check"))
		w.Header().Set("X-Sum", "42")
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("off.test", s, "off", "")+p.goSite("waf.test", s, inspected(t), ""))
	eachVersion(t, g, func(t *testing.T, c *http.Client, base string) {
		var hints []string
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
			return nil
		}})
		req, _ := http.NewRequestWithContext(ctx, "POST", base+"/trailers", io.NopCloser(strings.NewReader("a=b")))
		req.ContentLength = -1
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("TE", "trailers")
		req.Trailer = http.Header{"X-Check": {"7"}}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if want := `a=b behind it "7"`; err != nil || string(body) != want {
			t.Errorf("%d %q %v, want %q", res.StatusCode, body, err, want)
		}
		if got := res.Trailer.Get("X-Sum"); got != "42" {
			t.Errorf("trailer %q", got)
		}
		if want := "103 </a.css>; rel=preload; as=style"; len(hints) != 1 || hints[0] != want {
			t.Errorf("interim answers %q, want %q", hints, want)
		}
	})
}

// TestExpectContinue answers 100 before the body is there, and lets the origin see nothing of it.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %q", body, r.Header.Get("Expect"))
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("off.test", s, "off", "")+p.goSite("waf.test", s, inspected(t), "")+
		p.site("small.test", fmt.Sprintf("\n    limits: {body: 2B}\n    origin: {urls: [%q]}\n    waf: {mode: \"off\"}\n", s.URL)))
	for name, want := range map[string]string{"off.test": "100 200", "waf.test": "100 200", "small.test": "413"} {
		c := g.dialTLS(t, name)
		fmt.Fprintf(c, "POST /expect HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", name)
		br := bufio.NewReader(c)
		var got []string
		for {
			res, err := http.ReadResponse(br, &http.Request{Method: "POST"})
			if err != nil {
				t.Fatal(name, err)
			}
			got = append(got, fmt.Sprint(res.StatusCode))
			if res.StatusCode != 100 {
				if body, _ := io.ReadAll(res.Body); res.StatusCode == 200 && string(body) != `a=b ""` {
					t.Errorf("%s: %q", name, body)
				}
				break
			}
			_, _ = io.WriteString(c, "a=b")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
}

// pattern is an endless body with a pattern that a lost or doubled piece would break.
type pattern struct{ at int64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(p.at>>12) ^ byte(p.at)
		p.at++
	}
	return len(b), nil
}

// upload is a form with one file of n bytes, as a browser sends it, and its length.
func upload(n int64) (r io.Reader, length int64) {
	const head = "--bnd\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"
	const tail = "\r\n--bnd--\r\n"
	return io.MultiReader(strings.NewReader(head), io.LimitReader(&pattern{}, n), strings.NewReader(tail)), int64(len(head)+len(tail)) + n
}

func sumOf(r io.Reader) uint32 {
	h := crc32.NewIEEE()
	_, _ = io.Copy(h, r)
	return h.Sum32()
}

// bulkOrigin takes uploads, answering with their length and checksum, and gives downloads of ?n bytes.
func bulkOrigin(t testing.TB) *httptest.Server {
	t.Helper()
	return goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			h := crc32.NewIEEE()
			n, err := io.Copy(h, r.Body)
			fmt.Fprint(w, n, " ", h.Sum32(), " ", err)
			return
		}
		var n int64
		_, _ = fmt.Sscan(r.URL.RawQuery, &n)
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.CopyN(w, &pattern{}, n)
	})
}

// bulk moves n bytes up and down and checks that they arrived as sent.
func bulk(t *testing.T, c *http.Client, base string, n int64) {
	t.Helper()
	body, length := upload(n)
	req, _ := http.NewRequest("POST", base+"/up", body)
	req.ContentLength = length
	req.Header.Set("Content-Type", "multipart/form-data; boundary=bnd")
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	same, _ := upload(n)
	if want := fmt.Sprint(length, " ", sumOf(same), " <nil>"); string(text) != want {
		t.Errorf("up: %d %q, want %q", res.StatusCode, text, want)
	}
	res, err = c.Get(fmt.Sprint(base, "/down?", n))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	h := crc32.NewIEEE()
	want := sumOf(io.LimitReader(&pattern{}, n))
	if got, err := io.Copy(h, res.Body); err != nil || got != n || h.Sum32() != want {
		t.Errorf("down: %d %s, %d bytes, sum %d, %v; want %d, %d", res.StatusCode, res.Header.Get("Proxy-Status"), got, h.Sum32(), err, n, want)
	}
}

// TestUploadsInARow sends uploads and other requests in turns over one connection to the origin, which may answer the
// moment that the last byte has arrived: no exchange may leave anything behind for the next.
func TestUploadsInARow(t *testing.T) {
	t.Parallel()
	s := bulkOrigin(t)
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("off.test", s, "off", ""))
	c := g.client(t, false)
	for i := range 100 {
		bulk(t, c, "https://off.test", 100<<10)
		if t.Failed() {
			t.Fatalf("after %d rounds", i)
		}
	}
	conns := map[uint64]bool{}
	for _, r := range g.log.all(t, 200, func(*telemetry.Record) bool { return true }) {
		conns[last(t, r).Connection] = true
	}
	if len(conns) > 1 {
		t.Errorf("%d connections to the origin for one client that asks one thing at a time", len(conns))
	}
}

// TestSlowClient demands that an answer that its client does not read is not taken from the origin either.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	var taken atomic.Int64
	stalled := make(chan struct{})
	s := goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		defer func() { stalled <- struct{}{} }()
		w.Header().Set("Content-Length", fmt.Sprint(1<<30))
		rc := http.NewResponseController(w)
		piece := bytes.Repeat([]byte("x"), 64<<10)
		for {
			_ = rc.SetWriteDeadline(time.Now().Add(time.Second)) // nobody takes anything for so long: the stall
			n, err := w.Write(piece)
			taken.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("off.test", s, "off", "")+p.goSite("waf.test", s, inspected(t), ""))
	eachVersion(t, g, func(t *testing.T, c *http.Client, base string) {
		taken.Store(0)
		res, err := c.Get(base + "/slow")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		<-stalled
		if n := taken.Load(); n > 48<<20 {
			t.Errorf("%d MiB were taken from the origin for a client that reads nothing", n>>20)
		}
	})
}

// TestClientGone writes 499 for a client that left, and ends the exchange with the origin.
func TestClientGone(t *testing.T) {
	t.Parallel()
	arrived, left := make(chan struct{}), make(chan struct{})
	s := goOrigin(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.goSite("off.test", s, "off", "")+p.goSite("waf.test", s, inspected(t), ""))
	eachVersion(t, g, func(t *testing.T, c *http.Client, base string) {
		ctx, cancel := context.WithCancel(t.Context())
		path := "/gone/" + rand.Text()
		req, _ := http.NewRequestWithContext(ctx, "GET", base+path, nil)
		go func() { <-arrived; cancel() }()
		if res, err := c.Do(req); err == nil {
			_ = res.Body.Close()
			t.Fatal("an answer came")
		}
		c.CloseIdleConnections()
		<-left
		if r := g.log.all(t, 1, func(r *telemetry.Record) bool { return r.Request.Path == path })[0]; r.Status != 499 || r.Reason != "client.gone" {
			t.Errorf("logged %d %s", r.Status, r.Reason)
		}
	})
}

// quoteOff keeps YAML from reading off as false.
func quoteOff(mode string) string {
	if mode == "off" {
		return `"off"`
	}
	return mode
}
