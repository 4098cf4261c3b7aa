package app

import (
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/finding"
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

// TestDeadWaitNamed: whatever kind of dead wait it was that ended early, the checks name what it waited for.
func TestDeadWaitNamed(t *testing.T) {
	taken := lab.Renegotiation{Path: "/", Auth: tlspeer.Accept, Stall: true, ReadAhead: 1024, Patience: time.Minute}
	for _, c := range []struct {
		name  string
		lab   lab.Config
		size  int64
		judge *reason.Error // with what somebody who judged the stall ends it; nil: the origin leg does by itself
		want  finding.Code
	}{
		{"its host has the ClientHello", lab.Config{Renegotiate: taken}, 40 << 10, nil, "tls.renegotiation_body_deadlock"},
		{"a window of 0", lab.Config{Fault: "stops-reading"}, 16 << 20, reason.New(reason.WriteTimeout, "tcp.zero_window", nil), "tcp.zero_window"},
		{"no window in HTTP/2", lab.Config{Fault: "h2-upload-stall"}, 16 << 20, reason.New(reason.WriteTimeout, "http2.flow_control_stall", nil), "http2.flow_control_stall"},
		{"silence", lab.Config{Fault: "never-answers"}, 0, reason.New(reason.ReadFirstByteTimeout, "tls.hello_request_ignored", nil), "http1.slow_first_byte"},
		{"silence within the answer", lab.Config{Fault: "key-update-stall"}, 0, reason.New(reason.ReadBodyStall, "tls.key_update_stall", nil), "http1.answer_stalled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := lab.Start(t.Context(), c.lab)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(l.CA())
			o := deadOrigin(t, origin.Config{URLs: []string{"https://" + l.Addr()}, TLS: origin.TLS{Roots: roots, Profile: "compatible"}})
			x := upload(c.size)
			if c.judge != nil {
				const waited = 1500 * time.Millisecond
				go func() { // ends with the wait
					select {
					case <-time.After(waited):
						if !o.End(1, x.ID, c.judge, waited) {
							t.Error("nothing was ended")
						}
					case <-t.Context().Done():
					}
				}()
			}
			resp, err := o.RoundTrip(t.Context(), x, &x.Request)
			if err == nil {
				_, err = io.Copy(io.Discard, bodyReader{resp.Body})
				_ = resp.Body.Close()
			}
			named(t, x, err, c.want)
		})
	}
	t.Run("neither end reads", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		over := make(chan struct{})
		go func() { // ends with the connection
			defer close(over)
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n")
			_, _ = io.Copy(c, nothing{})
		}()
		o := deadOrigin(t, origin.Config{URLs: []string{"http://" + l.Addr().String()}})
		x := upload(1 << 40)
		resp, err := o.RoundTrip(t.Context(), x, &x.Request)
		if err != nil {
			t.Fatal(err)
		}
		<-over
		_, err = io.Copy(io.Discard, bodyReader{resp.Body})
		_ = resp.Body.Close()
		f := named(t, x, err, "tcp.zero_window")
		if f != nil && !strings.Contains(f.Summary, "neither end read") {
			t.Errorf("it is told one way only: %s", f.Summary)
		}
	})
}

// deadOrigin is an origin of which dead waits are ended after 1.2 seconds.
func deadOrigin(t *testing.T, cfg origin.Config) *origin.Origin {
	t.Helper()
	cfg.Retries, cfg.DeadWait, cfg.DeadWaitOn = -1, 1200*time.Millisecond, "likely"
	o, err := origin.New(cfg, origin.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func upload(size int64) *exchange.Exchange {
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), Client: &exchange.Client{}, W: nobody{}}
	x.Request = exchange.Request{Method: "PUT", Path: "/", Target: "/", Authority: lab.DefaultName, Proto: exchange.HTTP11, Length: size, Body: exchange.NoBody}
	if size > 0 {
		x.Request.Body = content{io.LimitReader(nothing{}, size)}
	}
	return x
}

// named demands that the wait that err ended was a dead one, and that its cause is want; it returns that.
func named(t *testing.T, x *exchange.Exchange, err error, want finding.Code) *finding.Finding {
	t.Helper()
	a := &x.Attempts[0]
	if err == nil || !strings.Contains(a.Detail, "dead_wait") {
		t.Errorf("no dead wait: %v, %s (%s)", err, a.Reason, a.Detail)
	}
	j, said := testJudge(t)
	r, _ := j.judge(x)
	if a.Finding != string(want) || said.Len() > 0 {
		t.Errorf("%s (%s): %q %s, want %s; %s", a.Reason, a.Detail, a.Finding, a.Confidence, want, said)
	}
	return best(r)
}

type bodyReader struct{ exchange.Body }

// content is a request body.
type content struct{ io.Reader }

func (content) Trailer() exchange.Header { return nil }
func (content) Close() error             { return nil }

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }
