package origin

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// labOrigin starts a misbehaving origin and returns how to reach it.
func labOrigin(t *testing.T, lc lab.Config, cfg Config) *Origin {
	t.Helper()
	l, err := lab.Start(t.Context(), lc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	cfg.URLs = []string{"https://" + l.Addr()}
	cfg.TLS.Roots = x509.NewCertPool()
	cfg.TLS.Roots.AppendCertsFromPEM(l.CA())
	if cfg.TLS.Profile == "" {
		cfg.TLS.Profile = "compatible"
	}
	return newOrigin(t, cfg)
}

func labExchange(method string, size int) *exchange.Exchange {
	x := newExchange(method, "/", strings.Repeat("x", size))
	x.Request.Authority = lab.DefaultName
	return x
}

// TestRenegotiationIsBounded: an origin that asks on every request never meets the bound in the midst of one, for a
// connection that is near it is not kept. A POST shows it: it is never sent twice.
func TestRenegotiationIsBounded(t *testing.T) {
	for _, setting := range []string{"auto", "once", "freely"} {
		t.Run(setting, func(t *testing.T) {
			o := labOrigin(t, lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept, Every: true}},
				Config{TLS: TLS{Renegotiation: setting}})
			conns := map[uint64]int{}
			for i := range maxRenegAuto + 4 {
				x := labExchange("POST", 100)
				status, _, err := fetch(t, o, x)
				if status != 200 || err != nil || len(x.Attempts) != 1 {
					t.Fatalf("request %d: %d %v, attempts %+v", i, status, err, x.Attempts)
				}
				a := x.Attempts[0]
				conns[a.ConnID]++
				if a.Renegotiations != 1 || countFacts(a.Facts, fact.TLSRenegotiated) != 1 || !a.CertRequested || a.CertSent {
					t.Errorf("request %d: record %+v", i, a)
				}
			}
			want := map[string]int{"auto": 2, "once": maxRenegAuto + 4, "freely": 1}[setting]
			if len(conns) != want {
				t.Errorf("%d connections, want %d", len(conns), want)
			}
		})
	}
}

func TestRenegotiationReasons(t *testing.T) {
	for _, c := range []struct {
		name   string
		lab    lab.Config
		tls    TLS
		size   int
		want   reason.Code
		detail string
	}{
		{"never", lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}}, TLS{Renegotiation: "never"}, 0, reason.TLSRenegotiationRefused, "never"},
		{"insecure", lab.Config{TLS: tlspeer.Config{NoSecureRenegotiation: true}, Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}}, TLS{},
			0, reason.TLSRenegotiationRefused, "RFC 5746"},
		{"insecure, allowed", lab.Config{TLS: tlspeer.Config{NoSecureRenegotiation: true}, Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}},
			TLS{InsecureReneg: true}, 0, "", ""},
		{"required", lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}}, TLS{}, 0, "", ""},
		{"data meanwhile", lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept, Interfere: true}}, TLS{},
			0, reason.TLSRenegotiationFailed, "went on sending data"},
		{"1 MB", lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}}, TLS{}, 1 << 20, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := labOrigin(t, c.lab, Config{TLS: c.tls})
			x := labExchange("POST", c.size)
			status, _, err := fetch(t, o, x)
			if c.want == "" {
				if status != 200 || err != nil {
					t.Fatalf("got %d %v, attempts %+v", status, err, x.Attempts)
				}
				return
			}
			wantCode(t, x, err, c.want)
			if r := reason.Of(err); !strings.Contains(r.Detail, c.detail) {
				t.Errorf("detail %q lacks %q", r.Detail, c.detail)
			}
		})
	}
}

// TestRenegotiationDeadlock: the body is on its way when the origin asks, which then reads no more of it.
func TestRenegotiationDeadlock(t *testing.T) {
	o := labOrigin(t, lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept, Stall: true, ReadAhead: 1024, Patience: time.Minute}},
		Config{Timeouts: Timeouts{Write: time.Second, FirstByte: time.Second}})
	x := labExchange("POST", 40<<10) // below what is announced, above what the origin holds
	_, _, err := fetch(t, o, x)
	wantCode(t, x, err, reason.TLSRenegotiationFailed)
}

// TestTapOverHTTP2: HTTP/2 forbids renegotiation (RFC 9113 section 9.2.1), and the tap says so.
func TestTapOverHTTP2(t *testing.T) {
	tp := newTap(nil, 1, renegPolicy{max: maxRenegAuto})
	tp.hello.secureReneg = true
	tp.established(tlswire.VersionTLS12, true)
	tp.in.Feed(tlswire.AppendRecord(nil, tlswire.TypeHandshake, tlswire.VersionTLS12, make([]byte, 40)), tp.onIn)
	if r := tp.refused.Load(); r == nil || r.Code != reason.TLSRenegotiationRefused || r.Detail != "over http/2" {
		t.Errorf("got %v", r)
	}
}

// FuzzTap: how the bytes are cut never changes what the tap has seen.
func FuzzTap(f *testing.F) {
	hello := tlswire.AppendRecord(nil, tlswire.TypeHandshake, tlswire.VersionTLS12, make([]byte, 16))
	data := tlswire.AppendRecord(nil, tlswire.TypeApplicationData, tlswire.VersionTLS12, make([]byte, 300))
	again := tlswire.AppendRecord(nil, tlswire.TypeChangeCipherSpec, tlswire.VersionTLS12, []byte{1})
	f.Add(bytes.Join([][]byte{data, hello, hello, again, hello, data, hello}, nil), uint8(3), true)
	f.Add(bytes.Join([][]byte{hello, data, again, data}, nil), uint8(1), false)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), uint8(7), false)
	f.Fuzz(func(t *testing.T, b []byte, cut uint8, steady bool) {
		see := func(step int) *tap {
			tp := newTap(nil, 1, renegPolicy{max: 3, insecure: true})
			if steady {
				tp.established(tlswire.VersionTLS12, false)
			}
			for rest := b; len(rest) > 0; {
				n := min(step, len(rest))
				tp.in.Feed(rest[:n], tp.onIn)
				rest = rest[n:]
			}
			return tp
		}
		whole, pieces := see(len(b)+1), see(int(cut)+1)
		if whole.renegs.Load() != pieces.renegs.Load() || whole.state.Load() != pieces.state.Load() || whole.alertIn.Load() != pieces.alertIn.Load() ||
			whole.pushed.Load() != pieces.pushed.Load() || whole.hello != pieces.hello || (whole.refused.Load() == nil) != (pieces.refused.Load() == nil) ||
			len(whole.facts) != len(pieces.facts) {
			t.Errorf("whole: %d renegotiations, state %d; in pieces of %d: %d, state %d", whole.renegs.Load(), whole.state.Load(), int(cut)+1,
				pieces.renegs.Load(), pieces.state.Load())
		}
	})
}

// TestTicketLost: crypto/tls breaks off at the ChangeCipherSpec that comes without the ticket. The facts have it before the alert,
// whether or not the Finished behind it was there.
func TestTicketLost(t *testing.T) {
	o := labOrigin(t, lab.Config{Fault: "ticket-lost"}, Config{})
	x := labExchange("GET", 0)
	if _, _, err := fetch(t, o, x); err == nil {
		t.Fatal("no error")
	}
	var story []fact.Kind
	for _, f := range x.Attempts[0].Facts {
		switch f.Kind {
		case fact.TLSHelloRequest, fact.TLSChangeCipherSpec, fact.TLSAlert:
			story = append(story, f.Kind)
		}
	}
	if want := []fact.Kind{fact.TLSHelloRequest, fact.TLSChangeCipherSpec, fact.TLSAlert}; !slices.Equal(story, want) {
		t.Errorf("%v, want %v", story, want)
	}
}
