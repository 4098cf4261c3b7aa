package app

import (
	"context"
	"crypto/tls"
	"io"
	"net/url"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/probe/counterfactual"
	"github.com/lunette-waf/lunette/internal/reason"
)

// proveBody is how much of an answer a try reads, in bytes.
const proveBody = 256 << 10

// Try implements counterfactual.Trier: by the site's own settings, to the address that the attempt had gone to. What is sent is method,
// path without the query, host, Accept and User-Agent; of what the visitor sent nothing else.
func (j *provable) Try(ctx context.Context, c counterfactual.Change, limit time.Duration) counterfactual.Outcome {
	start := time.Now()
	out := counterfactual.Outcome{}
	cfg, err := j.settings(&c, limit)
	if err != nil {
		out.Err = err
		return out
	}
	o, err := origin.New(cfg, origin.Deps{})
	if err != nil {
		out.Err = err
		return out
	}
	defer o.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, reason.New(reason.ReadOverTotalTime, "the patience of a try", nil))
	defer cancel()
	conns := map[uint64]bool{}
	requests := 1
	if j.c.Did.Reused && !c.Fresh {
		requests = 2
	}
	for range requests {
		j.request(ctx, o, &out, conns)
		if out.Reason != "" {
			break
		}
	}
	out.Took = time.Since(start)
	return out
}

// settings are those of the site with one change.
func (j *provable) settings(c *counterfactual.Change, limit time.Duration) (origin.Config, error) {
	s := j.origin
	change(&s, c)
	if d := &j.c.Did; len(d.ALPN) == 1 && d.ALPN[0] == "http/1.1" && s.HTTP == "auto" {
		s.HTTP = "1.1" // learned meanwhile
	}
	cfg, err := originConfig("proof", &s)
	if err != nil {
		return cfg, err
	}
	u, err := url.Parse(j.url)
	if err != nil {
		return cfg, err
	}
	u.Host = j.addr.String()
	cfg.URLs, cfg.Balance = []string{u.String()}, ""
	cfg.Health = origin.Health{PassiveFall: -1}
	cfg.MaxConns, cfg.Retries, cfg.DeadWait = 0, -1, -1
	t := &cfg.Timeouts
	for _, d := range []*time.Duration{&t.Connect, &t.TLS, &t.Write, &t.FirstByte, &t.ReadIdle} {
		if *d <= 0 || *d > limit*9/10 {
			*d = limit * 9 / 10
		}
	}
	t.Total = -1
	return cfg, nil
}

// change writes c into the settings of an origin.
func change(s *config.Origin, c *counterfactual.Change) {
	t := &s.TLS
	if c.ServerName != "" {
		t.ServerName = c.ServerName
	}
	if len(c.Groups) > 0 {
		t.Groups = c.Groups
	}
	if c.HTTP != "" {
		s.HTTP = c.HTTP
	}
	if c.Renegotiation != "" {
		t.Renegotiation = c.Renegotiation
	}
	if c.MaxVersion != 0 {
		t.MaxVersion = c.MaxVersion
	}
	if c.NoCertificate {
		t.ClientCertificate = nil
	}
	if c.Profile != "" {
		if t.Profile = c.Profile; c.Profile == "legacy" {
			t.MinVersion = tls.VersionTLS10
		}
	}
	t.InsecureRenegotiation = t.InsecureRenegotiation || c.InsecureReneg
}

// request makes one request and adds up what came of it.
func (j *provable) request(ctx context.Context, o *origin.Origin, out *counterfactual.Outcome, conns map[uint64]bool) {
	x := &exchange.Exchange{ID: "proof", Start: time.Now(), Client: &exchange.Client{}, W: nobody{}}
	x.Request = exchange.Request{
		Method: j.method, Target: j.path, Path: j.path, Scheme: "https", Authority: j.host, Proto: exchange.HTTP11, Body: exchange.NoBody,
		Header: exchange.Header{{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: "Lunette (proof)"}},
	}
	resp, err := o.RoundTrip(ctx, x, &x.Request)
	out.Status = 0
	if err == nil {
		out.Status = resp.Status
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, proveBody))
		_ = resp.Body.Close()
	}
	if r := reason.Of(err); r != nil {
		out.Reason, out.Detail = r.Code, r.Detail
	}
	for i := range x.Attempts {
		switch a := &x.Attempts[i]; {
		case a.ConnID != 0 && !conns[a.ConnID]:
			conns[a.ConnID] = true
			out.Connections++
		case a.ConnID == 0 && a.Connect != exchange.NotReached:
			out.Connections++
		}
	}
}

// hostOf is the host of a URL, "" where it has none.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
