package app

import (
	"crypto/x509"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
)

// TestDeadWaitFinding: what ends early says its cause, with the time of the setting and no other timer. The three seconds are the default.
func TestDeadWaitFinding(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept, Every: true, InFlight: true, Stall: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.CA())
	o, err := origin.New(origin.Config{URLs: []string{"https://" + l.Addr()}, Retries: -1, TLS: origin.TLS{Roots: roots, Profile: "compatible"}}, origin.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var x *exchange.Exchange
	start := time.Now()
	for _, size := range []int64{0, 16 << 20} {
		x = &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), Client: &exchange.Client{}, W: nobody{}}
		x.Request = exchange.Request{Method: "PUT", Path: "/", Target: "/", Authority: lab.DefaultName, Proto: exchange.HTTP11, Length: size, Body: exchange.NoBody}
		if size > 0 {
			x.Request.Body = content{io.LimitReader(nothing{}, size)}
		}
		resp, err := o.RoundTrip(t.Context(), x, &x.Request)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	took := time.Since(start)
	j, said := testJudge(t)
	j.judge(x)
	a := &x.Attempts[0]
	if a.Reason != reason.TLSRenegotiationFailed || a.Finding != "tls.renegotiation_body_deadlock" || a.Confidence != "certain" || said.Len() > 0 || !strings.Contains(a.Detail, "dead_wait") {
		t.Errorf("%s (%s): %s %s %s", a.Reason, a.Detail, a.Finding, a.Confidence, said)
	}
	if took < 3*time.Second || took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// content is a request body.
type content struct{ io.Reader }

func (content) Trailer() exchange.Header { return nil }
func (content) Close() error             { return nil }

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }
