package listener

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h2Rig is an HTTP/2 connection to a listener, frame by frame.
type h2Rig struct {
	*rig
	c   *tls.Conn
	fr  *http2.Framer
	enc *hpack.Encoder
	buf bytes.Buffer
}

func startH2(t *testing.T, s Settings, h exchange.Handler) *h2Rig {
	return startH2With(t, Config{Settings: s}, h)
}

func startH2With(t *testing.T, cfg Config, h exchange.Handler) *h2Rig {
	ca := newAuthority(t, "test CA")
	cfg.TLS, cfg.HTTP2, cfg.Sites = true, true, &SiteTable{Default: ca.site(t, "a.test")}
	r := start(t, cfg, h)
	c, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "a.test", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	x := &h2Rig{rig: r, c: c, fr: http2.NewFramer(c, c)}
	x.fr.AllowIllegalWrites = true
	x.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	x.enc = hpack.NewEncoder(&x.buf)
	_, _ = io.WriteString(c, http2.ClientPreface)
	_ = x.fr.WriteSettings()
	return x
}

// block encodes name, value, name, value …
func (x *h2Rig) block(kv ...string) []byte {
	x.buf.Reset()
	for i := 0; i < len(kv); i += 2 {
		_ = x.enc.WriteField(hpack.HeaderField{Name: kv[i], Value: kv[i+1]})
	}
	return bytes.Clone(x.buf.Bytes())
}

// request is the block of a GET with more fields; a pseudo-header in more replaces the usual one.
func (x *h2Rig) request(more ...string) []byte {
	kv := []string{":method", "GET", ":scheme", "https", ":authority", "a.test", ":path", "/"}
	for i := 0; i < len(more); i += 2 {
		found := false
		for j := 0; j < len(kv); j += 2 {
			if kv[j] == more[i] && kv[j][0] == ':' {
				kv[j+1], found = more[i+1], true
			}
		}
		if !found {
			kv = append(kv, more[i], more[i+1])
		}
	}
	return x.block(kv...)
}

func (x *h2Rig) headers(id uint32, end bool, block []byte) error {
	return x.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndStream: end, EndHeaders: true})
}

// outcome reads frames until stream id has its answer or reset, or the connection a GOAWAY with an error.
func (x *h2Rig) outcome(id uint32) string {
	x.t.Helper()
	var body strings.Builder
	status := ""
	for {
		f, err := x.fr.ReadFrame()
		if err != nil {
			return "end " + err.Error()
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return "GOAWAY " + f.ErrCode.String()
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return "RST " + f.ErrCode.String()
			}
			_ = x.fr.WritePing(false, [8]byte{}) // abuse is judged when more is read
		case *http2.MetaHeadersFrame:
			if f.StreamID != id {
				continue
			}
			if v := f.PseudoValue("status"); v != "" {
				status += v + " "
			} else {
				for _, h := range f.Fields {
					body.WriteString(" " + h.Name + "=" + h.Value)
				}
			}
			if f.StreamEnded() {
				return status + body.String()
			}
		case *http2.DataFrame:
			if f.StreamID == id {
				body.Write(f.Data())
				if f.StreamEnded() {
					return status + body.String()
				}
			}
		}
	}
}

func TestH2Requests(t *testing.T) {
	x := startH2(t, Settings{}, echo)
	_ = x.headers(1, true, x.request(":path", "/a%2fb?q=%00"))
	if got := x.outcome(1); got != "200 GET /a%2fb?q=%00 a.test []" {
		t.Errorf("got %q", got)
	}
	_ = x.headers(3, false, x.request(":method", "POST", "trailer", "x-sum"))
	_ = x.fr.WriteData(3, false, []byte("abc"))
	_ = x.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: x.block("x-sum", "9"), EndStream: true, EndHeaders: true})
	if got := x.outcome(3); got != "200 POST / a.test [abc] X-Sum=9" {
		t.Errorf("got %q", got)
	}
}

func TestH2FieldsArriveAsSent(t *testing.T) {
	got := make(chan exchange.Request, 1)
	x := startH2(t, Settings{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		got <- x.Request
		reply(x, 200, "")
	}))
	_ = x.headers(1, true, x.request("x-b", "2", "x-a", "1", "x-a", "1b", "cookie", "a=1", "cookie", "b=2"))
	x.outcome(1)
	q := <-got
	want := []exchange.Field{{Name: "host", Value: "a.test"}, {Name: "cookie", Value: "a=1; b=2"}, {Name: "x-a", Value: "1"}, {Name: "x-a", Value: "1b"}, {Name: "x-b", Value: "2"}}
	if len(q.Header) != len(want) {
		t.Fatalf("fields %v", q.Header)
	}
	for i := range want {
		if q.Header[i] != want[i] {
			t.Errorf("field %d: %v, want %v", i, q.Header[i], want[i])
		}
	}
	if q.Proto != exchange.HTTP2 || q.Scheme != "https" || q.Length != 0 || q.Body != exchange.NoBody {
		t.Errorf("request %+v", q)
	}
}

// A request that announces no content waits for its end: content that comes all the same never follows a request that
// was served already.
func TestH2ContentBehindLengthZero(t *testing.T) {
	x := startH2(t, Settings{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		if x.Request.Path != "/empty" {
			t.Errorf("the handler got %+v", x.Request)
		}
		reply(x, 200, "")
	}))
	_ = x.headers(1, false, x.request(":method", "POST", "content-length", "0"))
	_ = x.fr.WriteData(1, true, []byte("x"))
	if got := x.outcome(1); got != "RST PROTOCOL_ERROR" {
		t.Errorf("got %q", got)
	}
	_ = x.headers(3, false, x.request(":method", "POST", ":path", "/empty", "content-length", "0"))
	_ = x.fr.WriteData(3, true, nil)
	if got := x.outcome(3); !strings.HasPrefix(got, "200") {
		t.Errorf("got %q", got)
	}
}

func TestH2RefusedRequests(t *testing.T) {
	tests := []struct {
		name  string
		block []string
		end   bool
		want  string // prefix
	}{
		{"newline in a value", []string{"x-a", "1\r\nHost: evil"}, true, "RST PROTOCOL_ERROR"},
		{"NUL in a value", []string{"x-a", "1\x00"}, true, "RST PROTOCOL_ERROR"},
		{"space in :path", []string{":path", "/a HTTP/1.1\r\nX: y"}, true, "RST PROTOCOL_ERROR"},
		{"raw space in :path", []string{":path", "/a b"}, true, "400"},
		{"fragment in :path", []string{":path", "/a#b"}, true, "400"},
		{"method with a space", []string{":method", "GET /x"}, true, "400"},
		{":path without slash", []string{":path", "a"}, true, "RST PROTOCOL_ERROR"},
		{"authority differs from host", []string{"host", "b.test"}, true, "RST PROTOCOL_ERROR"},
		{"two hosts", []string{"host", "a.test", "host", "a.test"}, true, "RST PROTOCOL_ERROR"},
		{"bad authority", []string{":authority", "a.test/../b"}, true, "RST PROTOCOL_ERROR"},
		{"percent in authority", []string{":authority", "a%2etest"}, true, "400"},
		{"userinfo", []string{":authority", "u@a.test"}, true, "RST PROTOCOL_ERROR"},
		{"scheme http", []string{":scheme", "http"}, true, "400"},
		{"upper case name", []string{"X-A", "1"}, true, "RST PROTOCOL_ERROR"},
		{"connection field", []string{"connection", "close"}, true, "400"},
		{"transfer-encoding", []string{"transfer-encoding", "chunked"}, false, "400"},
		{"te", []string{"te", "gzip"}, true, "400"},
		{"content-length and no content", []string{"content-length", "5"}, true, "400"},
		{"two content-lengths", []string{"content-length", "0", "content-length", "0"}, true, "400"},
		{"odd content-length", []string{"content-length", "+0"}, true, "400"},
		{"expect", []string{"expect", "more"}, true, "400"},
		{"extended connect", []string{":method", "CONNECT", ":protocol", "websocket"}, true, "RST PROTOCOL_ERROR"},
		{"unknown pseudo-header", []string{":evil", "1"}, true, "RST PROTOCOL_ERROR"},
		{"* for GET", []string{":path", "*"}, true, "400"},
		{"two authorizations", []string{"authorization", "a", "authorization", "b"}, true, "400"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := startH2(t, Settings{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
				t.Errorf("the handler got %+v", x.Request)
				reply(x, 200, "")
			}))
			_ = x.headers(1, tt.end, x.request(tt.block...))
			if got := x.outcome(1); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

func TestH2ConnectIsRefused(t *testing.T) {
	x := startH2(t, Settings{}, echo)
	_ = x.headers(1, true, x.block(":method", "CONNECT", ":authority", "a.test:443"))
	if got := x.outcome(1); !strings.HasPrefix(got, "501 ") {
		t.Errorf("got %q", got)
	}
	if e := x.record(); e.Answer.Reason != reason.ClientBadRequest || e.Answer.Status != 501 {
		t.Errorf("record %+v", e.Answer)
	}
}

// calm expects the connection to be ended for abuse.
func (x *h2Rig) calm(code reason.Code, detail string) {
	x.t.Helper()
	if got := x.outcome(1 << 30); got != "GOAWAY ENHANCE_YOUR_CALM" {
		x.t.Errorf("got %q, want GOAWAY ENHANCE_YOUR_CALM", got)
	}
	_ = x.c.Close()
	if e := x.record(); e.Answer.Reason != code || !strings.Contains(e.Answer.Detail, detail) {
		x.t.Errorf("record %s (%s), want %s (%s)", e.Answer.Reason, e.Answer.Detail, code, detail)
	}
}

func TestH2RapidReset(t *testing.T) {
	x := startH2(t, Settings{Resets: 20}, handlerFunc(func(ctx context.Context, _ *exchange.Exchange) { <-ctx.Done() }))
	for id := uint32(1); id < 200; id += 2 {
		_ = x.headers(id, true, x.request())
		_ = x.fr.WriteRSTStream(id, http2.ErrCodeCancel)
	}
	x.calm(reason.HTTP2RST, "rapid reset")
}

func TestH2ProvokedResets(t *testing.T) {
	x := startH2(t, Settings{Resets: 20}, handlerFunc(func(ctx context.Context, _ *exchange.Exchange) { <-ctx.Done() }))
	for id := uint32(1); id < 400; id += 2 { // a zero increment is a stream error: the server resets, its work is begun
		_ = x.headers(id, true, x.request())
		_ = x.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, id, []byte{0, 0, 0, 0})
	}
	x.calm(reason.HTTP2RST, "rapid reset")
}

func TestH2ContinuationFlood(t *testing.T) {
	x := startH2(t, Settings{}, echo)
	_ = x.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: x.request()[:1], EndStream: true})
	for range 100 {
		_ = x.fr.WriteContinuation(1, false, nil)
	}
	x.calm(reason.HTTP2BadFrame, "CONTINUATION")
}

func TestH2Floods(t *testing.T) {
	tests := []struct {
		name string
		code reason.Code
		send func(x *h2Rig)
	}{
		{"ping", reason.HTTP2PingFlood, func(x *h2Rig) { _ = x.fr.WritePing(false, [8]byte{}) }},
		{"settings", reason.HTTP2SettingsFlood, func(x *h2Rig) { _ = x.fr.WriteSettings() }},
		{"priority", reason.HTTP2BadFrame, func(x *h2Rig) { _ = x.fr.WritePriority(3, http2.PriorityParam{}) }},
		{"unknown", reason.HTTP2BadFrame, func(x *h2Rig) { _ = x.fr.WriteRawFrame(0x77, 0, 0, nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := startH2(t, Settings{ControlFrames: 50}, echo)
			for range 200 {
				tt.send(x)
			}
			x.calm(tt.code, "")
		})
	}
}

func TestH2WindowUpdateFlood(t *testing.T) {
	x := startH2(t, Settings{ControlFrames: 50}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		reply(x, 200, strings.Repeat("a", 16<<10))
	}))
	for i := range 20 { // one for every 512 bytes is odd, but no flood
		id := uint32(2*i + 1)
		_ = x.headers(id, true, x.request())
		if got := x.outcome(id); !strings.HasPrefix(got, "200") {
			t.Fatalf("got %.50q", got)
		}
		for range 32 {
			_ = x.fr.WriteWindowUpdate(0, 512)
		}
	}
	for range 2000 {
		_ = x.fr.WriteWindowUpdate(0, 1)
	}
	x.calm(reason.HTTP2BadFrame, "WINDOW_UPDATE")
}

func TestH2EmptyDataFlood(t *testing.T) {
	x := startH2(t, Settings{ControlFrames: 50}, echo)
	_ = x.headers(1, false, x.request(":method", "POST"))
	for range 200 {
		_ = x.fr.WriteData(1, false, nil)
	}
	x.calm(reason.HTTP2BadFrame, "empty DATA")
}

func TestH2HeaderListBomb(t *testing.T) {
	x := startH2(t, Settings{HeaderBytes: 8 << 10}, handlerFunc(func(_ context.Context, x *exchange.Exchange) { t.Error("the handler got the bomb") }))
	block := x.request("x-a", strings.Repeat("a", 3000))
	for range 2000 { // one byte each: references to the entry that x-a left in the dynamic table
		block = append(block, 0x80|62)
	}
	_ = x.headers(1, true, block)
	if got := x.outcome(1); !strings.HasPrefix(got, "431") {
		t.Errorf("got %q, want 431", got)
	}
}

func TestH2HeadLimits(t *testing.T) {
	x := startH2(t, Settings{LineBytes: 1024, HeaderFields: 8}, echo)
	tests := []struct {
		name, want string
		block      []string
	}{
		{"path within the limit", "200", []string{":path", "/" + strings.Repeat("a", 900)}},
		{"path over the limit", "414", []string{":path", "/" + strings.Repeat("a", 1100)}},
		{"fields within the limit", "200", []string{"a", "1", "b", "2", "c", "3", "d", "4", "e", "5", "f", "6", "g", "7"}},
		{"one field too many", "431", []string{"a", "1", "b", "2", "c", "3", "d", "4", "e", "5", "f", "6", "g", "7", "h", "8"}},
		{"the same field too often", "431", []string{"a", "1", "a", "2", "a", "3", "a", "4", "a", "5", "a", "6", "a", "7", "a", "8"}},
	}
	for i, tt := range tests {
		id := uint32(2*i + 1)
		_ = x.headers(id, true, x.request(tt.block...))
		if got := x.outcome(id); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q, want %s", tt.name, got, tt.want)
		}
	}
}

func TestH2TooManyStreams(t *testing.T) {
	x := startH2(t, Settings{Streams: 2}, handlerFunc(func(ctx context.Context, _ *exchange.Exchange) { <-ctx.Done() }))
	for id := uint32(1); id <= 5; id += 2 {
		_ = x.headers(id, true, x.request())
	}
	if got := x.outcome(5); got != "RST REFUSED_STREAM" && got != "RST PROTOCOL_ERROR" {
		t.Errorf("got %q", got)
	}
}

func TestH2ResetEndsTheContext(t *testing.T) {
	cause := make(chan error, 1)
	serving := make(chan struct{})
	x := startH2(t, Settings{}, handlerFunc(func(ctx context.Context, _ *exchange.Exchange) {
		close(serving)
		<-ctx.Done()
		cause <- context.Cause(ctx)
	}))
	_ = x.headers(1, true, x.request())
	<-serving
	_ = x.fr.WriteRSTStream(1, http2.ErrCodeCancel)
	if e := reason.Of(<-cause); e == nil || e.Code != reason.ClientGone {
		t.Errorf("cause %v, want client.gone", e)
	}
}

func TestH2SlowReaderIsCut(t *testing.T) {
	failed := make(chan error, 1)
	x := startH2(t, Settings{Write: 50 * time.Millisecond}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		_ = x.W.Head(&exchange.Response{Status: 200, Length: exchange.Chunked})
		p := make([]byte, 64<<10)
		for {
			if err := x.W.Body(p, false); err != nil {
				failed <- err
				x.Aborted = true
				return
			}
		}
	}))
	_ = x.headers(1, true, x.request()) // and no WINDOW_UPDATE ever
	if e := reason.Of(<-failed); e == nil || e.Code != reason.ClientSlow && e.Code != reason.ClientGone {
		t.Errorf("error %v", e)
	}
}

func TestH2ResponseForms(t *testing.T) {
	x := startH2(t, Settings{}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		switch x.Request.Path {
		case "/hints":
			_ = x.W.Informational(103, exchange.Header{{Name: "Link", Value: "</a>"}})
			reply(x, 200, "ok")
		case "/trailer":
			_ = x.W.Head(&exchange.Response{Status: 200, Length: exchange.Chunked})
			_ = x.W.Body([]byte("abc"), false)
			_ = x.W.Trailer(exchange.Header{{Name: "X-Sum", Value: "1"}})
		case "/cut":
			_ = x.W.Head(&exchange.Response{Status: 200, Length: 10})
			_ = x.W.Body([]byte("abc"), false)
			x.Aborted = true
		case "/panic":
			panic("test")
		case "/injected":
			err := x.W.Head(&exchange.Response{Status: 200, Header: exchange.Header{{Name: "X", Value: "a\r\nb"}}})
			var e *reason.Error
			if !errors.As(err, &e) {
				t.Error("a field with CR LF was taken")
			}
			reply(x, 502, "")
		}
	}))
	for i, tt := range []struct{ path, want string }{
		{"/hints", "103 200 ok"}, {"/trailer", "200 abc x-sum=1"}, {"/cut", "RST INTERNAL_ERROR"}, {"/injected", "502 "}, {"/panic", "RST INTERNAL_ERROR"},
	} {
		id := uint32(2*i + 1)
		_ = x.headers(id, true, x.request(":path", tt.path))
		if got := x.outcome(id); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestH2Shutdown(t *testing.T) {
	release, serving := make(chan struct{}), make(chan struct{})
	x := startH2(t, Settings{}, handlerFunc(func(ctx context.Context, x *exchange.Exchange) {
		close(serving)
		<-release
		echo(ctx, x)
	}))
	_ = x.headers(1, true, x.request())
	<-serving
	done := make(chan error, 1)
	go func() { done <- x.Shutdown(context.Background()) }()
	for gone := false; !gone; {
		f, err := x.fr.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		g, ok := f.(*http2.GoAwayFrame)
		gone = ok && g.ErrCode == http2.ErrCodeNo
	}
	close(release)
	if got := x.outcome(1); !strings.HasPrefix(got, "200 ") {
		t.Errorf("running stream: %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestH2LargeBodies(t *testing.T) {
	ca := newAuthority(t, "test CA")
	r := start(t, Config{TLS: true, HTTP2: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}}, handlerFunc(func(_ context.Context, x *exchange.Exchange) {
		body, err := readBody(x)
		if err != nil {
			t.Error(err)
		}
		_ = x.W.Head(&exchange.Response{Status: 200, Length: int64(len(body))})
		_ = x.W.Body(body, true)
	}))
	tr := &http2.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool, ServerName: "a.test"}}
	defer tr.CloseIdleConnections()
	data := strings.Repeat("0123456789", 300000)
	res, err := (&http.Client{Transport: tr}).Post("https://"+r.addr, "text/plain", strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if err != nil || string(got) != data {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	_ = res.Body.Close()
}
