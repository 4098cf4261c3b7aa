package app

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
)

// tried is an exchange with a lab origin, "" for a healthy one.
func tried(t testing.TB, fault string) *exchange.Exchange {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Config{Fault: fault})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.CA())
	o, err := origin.New(origin.Config{URLs: []string{"https://" + l.Addr()}, Retries: -1, TLS: origin.TLS{Roots: roots}}, origin.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), Request: exchange.Request{Method: "GET", Path: "/", Target: "/",
		Authority: lab.DefaultName, Proto: exchange.HTTP11, Body: exchange.NoBody}}
	resp, err := o.RoundTrip(t.Context(), x, &x.Request)
	if err != nil {
		return x
	}
	buf := make([]byte, 4096)
	for err == nil {
		_, err = resp.Body.Read(buf)
	}
	_ = resp.Body.Close()
	return x
}

func testJudge(t testing.TB) (*judge, *bytes.Buffer) {
	t.Helper()
	mask, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	said := &bytes.Buffer{}
	return newJudge(mask, slog.New(slog.NewTextHandler(said, nil))), said
}

func TestJudge(t *testing.T) {
	for fault, want := range map[string]string{
		"": "", "cert-expired": "cert.expired certain", "reset-after-request": "http1.reset_before_answer certain",
		"ssh-banner": "tls.tls_to_plain_port certain", "half-body": "http1.body_truncated certain",
	} {
		x := tried(t, fault)
		j, said := testJudge(t)
		j.judge(x)
		a := &x.Attempts[len(x.Attempts)-1]
		if got := strings.TrimSpace(a.Finding + " " + a.Confidence); got != want || said.Len() > 0 {
			t.Errorf("%q: %q (%s), want %q %s", fault, got, a.Reason, want, said)
		}
	}
}

// TestJudgeHoldsOut: no work beyond the bound, nothing without an attempt, and a check that panics does no harm.
func TestJudgeHoldsOut(t *testing.T) {
	j, said := testJudge(t)
	ran := 0
	j.checks = []check.Check{{Code: "a.b", Run: func(*check.Case) *check.Verdict {
		ran++
		panic("boom")
	}}}
	j.judge(&exchange.Exchange{Answer: exchange.Answer{Reason: reason.ClientGone}})
	if ran != 0 {
		t.Error("an exchange without an attempt was judged")
	}
	x := &exchange.Exchange{Attempts: []exchange.Attempt{{Reason: reason.TCPRefused}}}
	j.judge(x)
	if ran != 1 || !strings.Contains(said.String(), "boom") {
		t.Errorf("ran %d times, said %s", ran, said)
	}
	var nobody *judge
	nobody.judge(x)
}

// TestJudgeShares: what fails in one way leaves room for what fails in another, and all together are bounded.
func TestJudgeShares(t *testing.T) {
	j, _ := testJudge(t)
	now, taken := time.Unix(1000, 0), 0
	for i := range 10_000 {
		if j.take(now, alike{"loud.test", "https://192.0.2.1", reason.TCPRefused}) != (i < judgedAlike) {
			t.Fatalf("number %d of one kind", i)
		}
	}
	if !j.take(now, alike{"quiet.test", "https://192.0.2.2", reason.TCPRefused}) {
		t.Error("no room for another site")
	}
	for i := range 1000 {
		if j.take(now, alike{site: "many.test", url: strconv.Itoa(i), reason: reason.TLSTimeout}) {
			taken++
		}
	}
	if want := judgedPerSecond - judgedAlike - 1; taken != want || len(j.taken) > judgedPerSecond {
		t.Errorf("%d of many kinds were taken, not %d; %d are remembered", taken, want, len(j.taken))
	}
	if !j.take(now.Add(time.Second), alike{"loud.test", "https://192.0.2.1", reason.TCPRefused}) {
		t.Error("nothing in the next second")
	}
}

func BenchmarkJudge(b *testing.B) {
	x := tried(b, "cert-expired")
	j, _ := testJudge(b)
	b.ReportAllocs()
	for b.Loop() {
		j.second = 0
		j.judge(x)
	}
}
