package origin

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/redact"
)

func testMask(t testing.TB) *redact.Masker {
	t.Helper()
	m, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// find is the first fact of a kind.
func find(facts []fact.Fact, k fact.Kind) *fact.Fact {
	for i := range facts {
		if facts[i].Kind == k {
			return &facts[i]
		}
	}
	return nil
}

// TestHeadsAreMasked: what the request and an error answer said stands in the facts, their secrets do not.
func TestHeadsAreMasked(t *testing.T) {
	for _, version := range []string{"1.1", "2"} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "sid=hunter2hunter2")
			w.Header().Set("X-Kind", "answer")
			w.WriteHeader(http.StatusForbidden)
		}))
		s.EnableHTTP2 = true
		s.StartTLS()
		defer s.Close()
		o := newOrigin(t, Config{URLs: []string{s.URL}, HTTP: version, TLS: TLS{Roots: pool(s)}})
		x := newExchange("GET", "/a?token=hunter2hunter2&q=1", "")
		x.Request.Header = exchange.Header{{Name: "Authorization", Value: "Basic aHVudGVyMmh1bnRlcjI="}, {Name: "X-Kind", Value: "question"}}
		if _, _, err := fetch(t, o, x); err != nil {
			t.Fatal(err)
		}
		facts := Facts(&x.Attempts[0], testMask(t))
		var words strings.Builder
		for _, k := range []fact.Kind{fact.RequestHead, fact.ResponseHead} {
			f := find(facts, k)
			if f == nil {
				t.Fatalf("%s: no %v", version, k)
			}
			h := f.Detail.(*fact.HTTPHead)
			words.WriteString(h.Target)
			for _, field := range h.Fields {
				words.WriteString(" " + field.Name + "=" + field.Value)
			}
			if h.Proto != "HTTP/"+version || (h.Stream == 0) != (version == "1.1") {
				t.Errorf("%v: %+v", k, h)
			}
		}
		said := strings.ToLower(words.String())
		if strings.Contains(said, "hunter2") || strings.Contains(said, "ahvudgvymm") || !strings.Contains(said, "x-kind=question") || !strings.Contains(said, "x-kind=answer") || !strings.Contains(said, "q=1") {
			t.Errorf("%s: %s", version, said)
		}
		if f := find(Facts(&x.Attempts[0], nil), fact.ResponseHead); f.Detail != nil {
			t.Errorf("a head without a mask: %+v", f.Detail)
		}
	}
}

// TestOpening: the bytes of the handshake are kept, bounded, and of its secrets only those that open nothing else.
func TestOpening(t *testing.T) {
	s := newTLSServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s)}})
	var first *exchange.Opening
	for i := range 2 {
		x := newExchange("GET", "/", "")
		if _, _, err := fetch(t, o, x); err != nil {
			t.Fatal(err)
		}
		a := &x.Attempts[0]
		if a.Opening == nil || len(a.Opening.Pieces) < 2 || a.Opening.Pieces[0].Side != fact.SideClient || a.Opening.End.IsZero() {
			t.Fatalf("opening %+v", a.Opening)
		}
		for line := range strings.Lines(string(a.Opening.Secrets)) {
			if !strings.HasPrefix(line, "CLIENT_HANDSHAKE_TRAFFIC_SECRET ") && !strings.HasPrefix(line, "SERVER_HANDSHAKE_TRAFFIC_SECRET ") {
				t.Errorf("kept %q", line)
			}
		}
		if bytes.Count(a.Opening.Secrets, []byte("\n")) != 2 {
			t.Errorf("secrets %q", a.Opening.Secrets)
		}
		if first == nil {
			first = a.Opening
		} else if a.Opening != first || a.Uses != 1 {
			t.Errorf("request %d: another opening, or %d uses", i, a.Uses)
		}
	}
	tp := newTap(nil, 1, renegPolicy{})
	tp.opening = &exchange.Opening{}
	for range 100 {
		tp.keep(time.Now(), fact.SideServer, make([]byte, 1000))
		tp.writeSecret([]byte("CLIENT_HANDSHAKE_TRAFFIC_SECRET " + strings.Repeat("0", 200) + "\n"))
	}
	n := 0
	for _, p := range tp.opening.Pieces {
		n += len(p.Data)
	}
	if n != mostOpening || len(tp.opening.Secrets) > mostSecrets {
		t.Errorf("%d bytes and %d of secrets are kept", n, len(tp.opening.Secrets))
	}
}

// TestEnds: how attempts of all kinds ended, in the words of facts.
func TestEnds(t *testing.T) {
	short := Timeouts{TLS: 1200 * time.Millisecond, FirstByte: 1200 * time.Millisecond, ReadIdle: 1200 * time.Millisecond}
	type end struct {
		kind fact.Kind
		side fact.Side
		text string
	}
	for _, c := range []struct {
		fault string
		want  []end
	}{
		{"never-answers", []end{{fact.Silence, fact.SideServer, "response"}, {fact.GaveUp, fact.SideClient, "timeouts.first_byte"}, {fact.TCPClosed, fact.SideClient, ""}}},
		{"half-head-stall", []end{{fact.FirstByte, fact.SideServer, ""}, {fact.Silence, fact.SideServer, "rest of the response head"}, {fact.GaveUp, fact.SideClient, "timeouts.first_byte"}}},
		{"half-body-stall", []end{{fact.Silence, fact.SideServer, "rest of the response body"}, {fact.GaveUp, fact.SideClient, "timeouts.read_idle"}}},
		{"half-body", []end{{fact.HTTPCutShort, fact.SideServer, "body"}, {fact.TCPClosed, fact.SideServer, ""}}},
		{"reset-after-request", []end{{fact.TCPReset, fact.SideServer, ""}}},
		{"close-notify-after-request", []end{{fact.TLSAlert, fact.SideServer, "close_notify"}, {fact.TCPClosed, fact.SideServer, ""}}},
		{"alert-after-request", []end{{fact.TLSAlert, fact.SideServer, ""}}},
		{"half-head", []end{{fact.HTTPCutShort, fact.SideServer, "head"}, {fact.TCPClosed, fact.SideServer, ""}}},
		{"h2-stream-reset", []end{{fact.HTTP2RstStream, fact.SideServer, "INTERNAL_ERROR"}}},
		{"h2-inadequate-security", []end{{fact.HTTP2GoAway, fact.SideServer, "INADEQUATE_SECURITY"}}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			o := labOrigin(t, lab.Config{Fault: c.fault, Delay: time.Minute}, Config{Timeouts: short, Retries: -1, TLS: TLS{Profile: "modern"}})
			x := labExchange("GET", 0)
			_, _, _ = fetch(t, o, x)
			facts := Facts(&x.Attempts[len(x.Attempts)-1], testMask(t))
			at := 0
			for _, w := range c.want {
				for at < len(facts) && (facts[at].Kind != w.kind || facts[at].Side != w.side || w.text != "" && facts[at].Text != w.text) {
					at++
				}
				if at == len(facts) {
					t.Fatalf("no %v %v %q in its place, attempt %s, facts %+v", w.side, w.kind, w.text, x.Attempts[0].Reason, facts)
				}
			}
		})
	}
}

// TestHelloRequestAnswers: complied with and refused.
func TestHelloRequestAnswers(t *testing.T) {
	for setting, want := range map[string]string{"auto": "complied", "never": "refused"} {
		o := labOrigin(t, lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}}, Config{TLS: TLS{Renegotiation: setting}})
		x := labExchange("GET", 0)
		_, _, _ = fetch(t, o, x)
		facts := Facts(&x.Attempts[0], nil)
		if f := find(facts, fact.TLSHelloRequestAnswer); f == nil || f.Text != want || f.Size <= 0 || f.Side != fact.SideClient {
			t.Errorf("%s: %+v in %+v", setting, f, facts)
		}
	}
}

// TestSlowAnswer: a good answer that was slow shows as a silence of the server's, and as nothing else.
func TestSlowAnswer(t *testing.T) {
	s := newTLSServer(t, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(pause + 100*time.Millisecond)
		_, _ = io.WriteString(w, "ok")
	})
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s)}})
	x := newExchange("GET", "/", "")
	if _, _, err := fetch(t, o, x); err != nil {
		t.Fatal(err)
	}
	facts := Facts(&x.Attempts[0], nil)
	if f := find(facts, fact.Silence); f == nil || f.Side != fact.SideServer || f.Text != "response" || f.Size < int64(pause) {
		t.Errorf("%+v", f)
	}
	for _, k := range []fact.Kind{fact.GaveUp, fact.TCPClosed, fact.TCPReset, fact.HTTPCutShort} {
		if f := find(facts, k); f != nil {
			t.Errorf("%+v", f)
		}
	}
}

// TestDebugIsMasked: what a GOAWAY says for people may hold secrets.
func TestDebugIsMasked(t *testing.T) {
	a := &exchange.Attempt{Facts: []fact.Fact{{Kind: fact.HTTP2GoAway, Detail: &fact.HTTP2Frame{Debug: "Authorization: Bearer hunter2hunter2hunter2"}}}}
	f := Facts(a, testMask(t))[0].Detail.(*fact.HTTP2Frame)
	if strings.Contains(f.Debug, "hunter2") || !strings.Contains(a.Facts[0].Detail.(*fact.HTTP2Frame).Debug, "hunter2") {
		t.Errorf("%q", f.Debug)
	}
	if got := debugText([]byte("a\x00\xffb" + strings.Repeat("c", 300))); !strings.HasPrefix(got, "a??bc") || len(got) != 200 {
		t.Errorf("%q", got)
	}
}
