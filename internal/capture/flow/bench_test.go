package flow

import (
	"crypto/tls"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/fact"
)

// BenchmarkFlow joins the stages for one connection of TLS with a response of 500 kB, in segments of 1,448 bytes.
func BenchmarkFlow(b *testing.B) {
	const body = 500_000
	for name, version := range map[string]uint16{"tls12": tls.VersionTLS12, "tls13": tls.VersionTLS13} {
		all, keys := talk(b, version, func(c, s *tls.Conn) {
			send(b, c, s, request)
			send(b, s, c, "HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n"+strings.Repeat("x", body))
		})
		b.Run(name, func(b *testing.B) {
			whole := 0
			stages := NewStages(Config{}, keys, func(f *Flow) {
				if len(f.Exchanges) == 1 && f.Exchanges[0].Response.Complete {
					whole++
				}
			})
			b.SetBytes(body)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				play(stages.Open(&tcpstream.Conn{ID: uint64(n)}), all)
			}
			if whole != n {
				b.Fatalf("%d of %d responses came whole", whole, n)
			}
		})
	}
}

func play(h tcpstream.Handler, all []said) {
	at := fact.Stamp{}
	for _, one := range all {
		for p := one.data; len(p) > 0; p = p[min(1448, len(p)):] {
			at.At += 10_000
			at.Frame++
			h.Data(one.side, at, unsafe.Slice(unsafe.StringData(p), min(1448, len(p))))
		}
	}
	h.Done()
}

// TestIdleFlow: what a connection holds between two requests.
func TestIdleFlow(t *testing.T) {
	const flows, most = 500, 24 << 10
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		all, keys := talk(t, version, exchange(t))
		stages := NewStages(Config{}, keys, func(*Flow) {})
		open := make([]*Builder, 0, flows)
		before := live()
		for i := range flows {
			b := stages.Open(&tcpstream.Conn{ID: uint64(i)})
			for _, one := range all {
				b.Data(one.side, fact.Stamp{At: 1, Frame: 1}, []byte(one.data))
			}
			open = append(open, b)
		}
		each := (live() - before) / flows
		t.Logf("%x: an idle flow holds %d bytes", version, each)
		if each > most {
			t.Errorf("%x: an idle flow holds %d bytes, more than %d", version, each, most)
		}
		runtime.KeepAlive(open)
	}
}

func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
