package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/reason"
)

// VerifyChain checks an origin's certificates as the gateway does: "" where they are good, else a reason and what it is about.
func VerifyChain(chain []*x509.Certificate, roots *x509.CertPool, name string) (code, detail string) {
	if r := origin.Verify(chain, roots, name, time.Now()); r != nil {
		return string(r.Code), r.Detail
	}
	return "", ""
}

// Tried is what came of a request that was made as the gateway makes it.
type Tried struct {
	Status         int
	Reason         reason.Code // "" where an answer came
	Detail         string
	Renegotiations int
	Took           time.Duration
}

// TryOrigin makes one GET request for target with exactly these settings: sites as it would stand below "sites:". The error says that
// the settings cannot be loaded.
func TryOrigin(ctx context.Context, sites, authority, target string) (Tried, error) {
	cfg, faults := config.Parse("settings", ".", []byte("listen:\n  - {address: \"127.0.0.1:1\"}\nsites:\n"+sites), time.Now())
	if faults.Failed() {
		return Tried{}, faults
	}
	oc, err := originConfig("doctor", &cfg.Sites[0].Origin)
	if err != nil {
		return Tried{}, fmt.Errorf("try settings: %w", err)
	}
	o, err := origin.New(oc, origin.Deps{})
	if err != nil {
		return Tried{}, fmt.Errorf("try settings: %w", err)
	}
	defer o.Close()
	header := exchange.Header{{Name: "User-Agent", Value: "lunette-doctor"}}
	if oc.Host != "" {
		authority = oc.Host
	}
	x := &exchange.Exchange{ID: "doctor", Start: time.Now(), Client: &exchange.Client{}, W: nobody{}}
	path, query, hasQuery := strings.Cut(target, "?")
	x.Request = exchange.Request{Method: "GET", Target: target, Path: path, Query: query, HasQuery: hasQuery, Scheme: "https", Authority: authority, Proto: exchange.HTTP11, Header: header, Body: exchange.NoBody}
	resp, err := o.RoundTrip(ctx, x, &x.Request)
	t := Tried{}
	if err == nil {
		t.Status = resp.Status
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 8<<20))
		_ = resp.Body.Close()
	}
	t.Took = time.Since(x.Start)
	if r := reason.Of(err); r != nil {
		t.Reason, t.Detail = r.Code, r.Detail
	}
	if n := len(x.Attempts); n > 0 {
		t.Renegotiations = x.Attempts[n-1].Renegotiations
	}
	return t, nil
}

// nobody is the client of a request that the doctor makes.
type nobody struct{}

func (nobody) Informational(int, exchange.Header) error { return nil }
func (nobody) Head(*exchange.Response) error            { return nil }
func (nobody) Body([]byte, bool) error                  { return nil }
func (nobody) Trailer(exchange.Header) error            { return nil }
func (nobody) Upgrade(*exchange.Response) (io.ReadWriteCloser, error) {
	return nil, errors.New("upgrade a request of the doctor: it has no client")
}
