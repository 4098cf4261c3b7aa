package parity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/redact"
)

// probed is a fault as the gateway met it, and what the doctor said of it.
type probed struct {
	*stage
	said []finding.Code // above info, best first
	err  error
}

// TestParityProbed holds that the doctor's own connections lead to the same cause first as the gateway's facts.
func TestParityProbed(t *testing.T) {
	if testing.Short() {
		t.Skip("the doctor waits for faults to show")
	}
	t.Parallel()
	ca, err := certs.NewCA("parity", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stranger := writeClient(t, ca, dir)
	keys := &keyLog{}
	var stages []*probed
	for _, f := range lab.Faults() {
		if unplayed(f) == "" {
			stages = append(stages, &probed{stage: start(t, ca, keys, f)})
		}
	}
	var all sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for _, s := range stages {
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			s.play(t, ca)
			s.said, s.err = doctor(t.Context(), ca, s.fault, dir, stranger)
		})
	}
	all.Wait()
	for _, s := range stages {
		t.Run(s.fault.Name, func(t *testing.T) { s.compareProbed(t) })
	}
}

// writeClient writes a certificate for clients, and returns the arguments that name it.
func writeClient(t *testing.T, ca *certs.CA, dir string) []string {
	t.Helper()
	c, err := ca.Issue(certs.Options{Names: []string{"client"}, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := c.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	for name, text := range map[string][]byte{cert: c.ChainPEM(), key: secret, filepath.Join(dir, "ca.pem"): ca.PEM()} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"--client-cert", cert, "--client-key", key}
}

// doctor runs the command against an origin of its own with this fault.
func doctor(ctx context.Context, ca *certs.CA, f lab.Fault, dir string, stranger []string) ([]finding.Code, error) {
	o, err := lab.Start(ctx, lab.Config{Fault: f.Name, CA: ca, Renegotiate: lab.Renegotiation{Patience: 2 * time.Second}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = o.Close() }()
	_, port, _ := net.SplitHostPort(o.Addr())
	url, at := "https://"+lab.DefaultName+":"+port+"/", []string{"--origin", o.Addr()}
	switch f.Ask {
	case lab.Plain:
		url = "http://" + lab.DefaultName + ":" + port + "/"
	case lab.Resolve:
		at = []string{"--resolver", o.Resolver()}
	case lab.Upload, lab.Expect:
		at = append(at, "--post")
	case lab.Certify:
		at = append(at, stranger...)
	case lab.Upgrade:
		at = append(at, "--websocket")
	}
	args := append([]string{"doctor", url, "--ca", filepath.Join(dir, "ca.pem"), "--timeout", "25s", "--format", "json"}, at...)
	var out, errs bytes.Buffer
	code := cli.Main(ctx, args, &out, &errs)
	var doc struct {
		Findings []struct{ Code, Severity string }
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		return nil, fmt.Errorf("exit code %d, no document: %w: %s", code, err, errs.String())
	}
	var said []finding.Code
	for _, f := range doc.Findings {
		if f.Severity != "info" {
			said = append(said, finding.Code(f.Code))
		}
	}
	return append(said, ""), nil
}

func (s *probed) compareProbed(t *testing.T) {
	if s.err != nil {
		t.Fatal(s.err)
	}
	mask, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	live, _ := evidence.OfExchange(s.shown, func(a *exchange.Attempt) []fact.Fact { return origin.Facts(a, mask) })
	if live == nil {
		t.Fatal("no attempt was made")
	}
	ours, theirs := first(live), s.said[0]
	want, differs := probedOtherwise()[s.fault.Name]
	switch {
	case differs && !slices.Contains(want.probed, theirs):
		t.Errorf("live %q, probed %q; the table says %q\n%s", ours, s.said, want.probed, tell(live))
	case !differs && ours != theirs:
		t.Errorf("live %q, probed %q, the lab says %q and %q\n%s", ours, s.said, s.fault.Finding, s.fault.Probe, tell(live))
	}
}
