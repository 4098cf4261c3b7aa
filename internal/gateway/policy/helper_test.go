package policy_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/reason"
)

// fake is an engine that does what a test says in each step and keeps what it saw.
type fake struct {
	requestHead, requestBody, responseHead, responseBody func() (*exchange.Response, error)
	matches                                              []exchange.Match

	steps   []string
	body    string // of the request
	answer  string // body of the response
	partial bool
	nobody  bool            // the response body was not shown
	left    []time.Duration // until each step's deadline, 0 for none
}

func (f *fake) Begin(*exchange.Exchange) *fake { f.steps = append(f.steps, "begin"); return f }

func (f *fake) step(name string, deadline time.Time, do func() (*exchange.Response, error)) (*exchange.Response, error) {
	f.steps = append(f.steps, name)
	if deadline.IsZero() {
		f.left = append(f.left, 0)
	} else {
		f.left = append(f.left, time.Until(deadline))
	}
	if do == nil {
		return nil, nil
	}
	return do()
}

func (f *fake) RequestHead(d time.Time) (*exchange.Response, error) {
	return f.step("head", d, f.requestHead)
}

func (f *fake) RequestBody(r io.Reader, partial bool, d time.Time) (*exchange.Response, error) {
	f.partial = partial
	if r != nil {
		b, err := io.ReadAll(r)
		if f.body = string(b); err != nil {
			return nil, err
		}
	}
	return f.step("body", d, f.requestBody)
}

func (f *fake) ResponseHead(_ *exchange.Response, d time.Time) (*exchange.Response, error) {
	return f.step("response", d, f.responseHead)
}

func (f *fake) ResponseBody(r io.Reader, partial bool, d time.Time) (*exchange.Response, error) {
	f.partial, f.nobody = partial, r == nil
	if r != nil {
		b, err := io.ReadAll(r)
		if f.answer = string(b); err != nil {
			return nil, err
		}
	}
	return f.step("responsebody", d, f.responseBody)
}

func (f *fake) End(w *exchange.WAF) {
	f.steps = append(f.steps, "end")
	w.Matches = append(w.Matches, f.matches...)
}

func block() (*exchange.Response, error) {
	return &exchange.Response{Status: 403}, reason.New(reason.WAFBlockedRequest, "rule 1", nil)
}

func stage(t testing.TB, cfg policy.Config, f *fake) *policy.Stage {
	t.Helper()
	s, err := policy.New(cfg, policy.Use(f))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stream is a body that comes in pieces and then ends with err.
type stream struct {
	r       io.Reader
	err     error
	read    int
	closed  bool
	trailer exchange.Header
}

func body(s string) *stream { return &stream{r: strings.NewReader(s), err: io.EOF} }

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(len(p), 7)])
	s.read += n
	if errors.Is(err, io.EOF) {
		return n, s.err
	}
	return n, err
}
func (s *stream) Trailer() exchange.Header { return s.trailer }
func (s *stream) Close() error             { s.closed = true; return nil }

func request(b exchange.Body, length int64) *exchange.Exchange {
	x := &exchange.Exchange{ID: "01TEST"}
	x.Request.Method, x.Request.Target, x.Request.Path = "POST", "/a", "/a"
	x.Request.Body, x.Request.Length = b, length
	return x
}

// drain reads in pieces of odd size.
func drain(t testing.TB, b exchange.Body) (string, error) {
	t.Helper()
	var out []byte
	p := make([]byte, 5)
	for range 1 << 24 {
		n, err := b.Read(p)
		out = append(out, p[:n]...)
		if errors.Is(err, io.EOF) {
			return string(out), nil
		}
		if err != nil {
			return string(out), err
		}
	}
	t.Fatal("body never ends")
	return "", nil
}
