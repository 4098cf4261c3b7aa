package origin

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// hooked is a request body that calls first before its first piece is read.
type hooked struct {
	exchange.Body
	first func()
}

func (h *hooked) Read(p []byte) (int, error) {
	if h.first != nil {
		h.first()
		h.first = nil
	}
	return h.Body.Read(p)
}

// TestEndStays: what ends a wait holds, whatever deadlines the exchange sets behind it. The connection lasts as long as the hook runs.
func TestEndStays(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).EnableFullDuplex() }))
	defer s.Close()
	o := newOrigin(t, Config{URLs: []string{s.URL}, Retries: -1, TLS: TLS{Roots: pool(s)}})
	x := newExchange("POST", "/", "x")
	calls := 0
	x.Request.Length, x.Request.Body = 8<<20, &hooked{body{io.LimitReader(zeros{}, 8<<20)}, func() {
		calls++
		c := o.live.get(1)
		if !o.End(1, x.ID, reason.New(reason.WriteTimeout, "judged", nil), time.Second) {
			t.Error("nothing was ended")
		}
		const late = 5 * time.Second
		c.readBy(time.Now().Add(late))
		start := time.Now()
		if _, err := c.raw.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) >= late {
			t.Errorf("reading goes on: %v after %v", err, time.Since(start))
		}
		c.writeBy(time.Now().Add(late))
		if _, err := c.raw.Write([]byte{0}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("writing goes on: %v", err)
		}
	}}
	_, _, err := fetch(t, o, x)
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	endedDead(t, x, err, reason.WriteTimeout)
}

// TestEndTooLate: an exchange that is ended when its answer is there already was answered; its connection serves no other.
func TestEndTooLate(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }))
	defer s.Close()
	o := newOrigin(t, Config{URLs: []string{s.URL}, Retries: -1, TLS: TLS{Roots: pool(s)}})
	x := newExchange("GET", "/", "")
	resp, err := o.RoundTrip(t.Context(), x, &x.Request)
	if err != nil {
		t.Fatal(err)
	}
	if page, err := io.ReadAll(bodyReader{resp.Body}); string(page) != "page" || err != nil {
		t.Fatal(string(page), err)
	}
	if !o.End(x.Attempts[0].ConnID, x.ID, reason.New(reason.ReadBodyStall, "judged", nil), time.Second) {
		t.Error("it has the connection until its body is closed")
	}
	_ = resp.Body.Close()
	after := newExchange("GET", "/", "")
	if status, _, err := fetch(t, o, after); status != 200 || err != nil || len(after.Attempts) != 1 || after.Attempts[0].Reused {
		t.Errorf("the request after it: %d %v, %+v", status, err, after.Attempts)
	}
	if x.Attempts[0].Reason != "" {
		t.Errorf("an answer that was whole: %+v", x.Attempts[0])
	}
}
