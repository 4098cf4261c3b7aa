package listener

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// TestH2AnswerToAnUnfinishedRequest: the whole answer leaves first; the stream ends when the client has ended its side, or
// else, when its time is over, with END_STREAM and RST_STREAM(NO_ERROR), in this order (RFC 9113 section 8.1).
func TestH2AnswerToAnUnfinishedRequest(t *testing.T) {
	handlers := map[string]exchange.Handler{
		"body left alone": handlerFunc(func(_ context.Context, x *exchange.Exchange) { reply(x, 413, "too big") }),
		"body closed": handlerFunc(func(_ context.Context, x *exchange.Exchange) {
			_ = x.Request.Body.Close()
			reply(x, 413, "too big")
		}),
	}
	for name, h := range handlers {
		for _, c := range []struct {
			name   string
			linger time.Duration
			ends   bool // the client ends its side when it has the answer
			want   string
		}{
			{"client ends", time.Minute, true, "HEADERS DATA(too big) DATA() END_STREAM"},
			{"client does not end", 30 * time.Millisecond, false, "HEADERS DATA(too big) DATA() END_STREAM RST_STREAM(NO_ERROR)"},
			{"no lingering", -1, false, "HEADERS DATA(too big) END_STREAM RST_STREAM(NO_ERROR)"},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				x := startH2(t, Settings{Linger: c.linger}, h)
				_ = x.headers(1, false, x.request(":method", "POST"))
				_ = x.fr.WriteData(1, false, []byte("some"))
				got := x.story(func() {
					if c.ends {
						_ = x.fr.WriteData(1, true, []byte("more"))
					}
				})
				got = strings.TrimSuffix(got, " RST_STREAM(STREAM_CLOSED)") // for what of the request came behind the end
				if c.ends && name == "body closed" {
					got = strings.TrimSuffix(got, " RST_STREAM(NO_ERROR)") // the library no longer sees the client's end
				}
				if got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			})
		}
	}
}

// story tells the frames of stream 1 up to its end, and calls answered when the answer has come.
func (x *h2Rig) story(answered func()) string {
	x.t.Helper()
	var out []string
	for {
		f, err := x.fr.ReadFrame()
		if err != nil {
			return strings.Join(append(out, err.Error()), " ")
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			out = append(out, "HEADERS")
		case *http2.DataFrame:
			out = append(out, "DATA("+string(f.Data())+")")
			if len(f.Data()) > 0 {
				answered()
			}
			if f.StreamEnded() {
				out = append(out, "END_STREAM")
				_ = x.fr.WritePing(false, [8]byte{1}) // what is behind comes before its answer
			}
		case *http2.RSTStreamFrame:
			out = append(out, "RST_STREAM("+f.ErrCode.String()+")")
		case *http2.PingFrame:
			if f.IsAck() && slices.Contains(out, "END_STREAM") {
				return strings.Join(out, " ")
			}
		}
	}
}
