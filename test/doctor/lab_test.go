package doctor

import (
	"cmp"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/test/peer"
)

// otherwise are the faults of which the doctor may say something else first than a client in the midst of it would, and why.
func otherwise() map[string][]string {
	ignored := []string{"tls.hello_request_ignored"} // it asks in all four ways, and this one hurts most
	healthy := []string{""}
	return map[string][]string{
		"renegotiate-accept": ignored, "renegotiate-every": ignored, "renegotiate-ignore": ignored, "hello-request-refused": ignored,
		"renegotiate-body-413": ignored, "renegotiate-body-stall": ignored, "ticket-lost": ignored,

		// Lunette's own request is well: it names the site, and signs in on one connection.
		"sni-missing-alert": healthy, "sni-missing-default": healthy, "sni-missing-reset": healthy, "ntlm": healthy,
		// The doctor asks no such thing: it sends no large bodies, none over HTTP/2, and waits for no GOAWAY.
		"body-too-large": healthy, "h2-upload-stall": healthy, "h2-goaway-race": healthy,
		// A 403 that may have any cause: the status alone says neither "banned" nor "no certificate".
		"banned": healthy, "post-handshake-auth": healthy,
		// Packets would tell.
		"stops-reading": {"http1.slow_first_byte"}, "accept-queue-full": {"tcp.syn_dropped"},
		// The client without a certificate cannot show that its authority is not in the list.
		"issuer-list-too-long": {"tls.client_cert_required"},
		// What the origin fetches meanwhile is not on this wire.
		"revocation-stall": {"tls.handshake_stalled"},
		// By what it is told first.
		"dns-flapping": {"dns.stale_address", ""},
		// It closes a connection that says nothing, too.
		"accept-then-close": {"tcp.reset_after_accept"},
		// Of the alert 40 alone: RSA key exchange works, so that suites are the mend.
		"no-common-group": {"tls.no_common_cipher"},
		// Every hello that the doctor knows is refused, so that no offer is the cause.
		"alert-handshake-failure": {"cert.key_type_mismatch"},
	}
}

// args are how the command is called so that the fault shows.
func args(o *lab.Origin, f lab.Fault, ca string, cert *peer.Cert) []string {
	scheme := "https://"
	if f.Ask == lab.Plain {
		scheme = "http://"
	}
	_, port, _ := net.SplitHostPort(o.Addr())
	out := []string{scheme + lab.DefaultName + ":" + port + "/", "--ca", ca, "--timeout", "25s"}
	if f.Ask == lab.Resolve {
		out = append(out, "--resolver", o.Resolver())
	} else {
		out = append(out, "--origin", o.Addr())
	}
	switch f.Ask {
	case lab.Upload, lab.Expect:
		out = append(out, "--post")
	case lab.Certify:
		out = append(out, "--client-cert", cert.File, "--client-key", cert.Key)
	case lab.Upgrade:
		out = append(out, "--websocket")
	}
	return out
}

// result is what the doctor said of one fault.
type result struct {
	seen *seen
	took time.Duration
	err  error
}

// diagnose runs the doctor against a lab origin with this fault.
func diagnose(f lab.Fault, dir string, cert *peer.Cert) (r result) {
	o, err := lab.Start(context.Background(), lab.Config{Fault: f.Name, Renegotiate: lab.Renegotiation{Patience: 2 * time.Second}})
	if err != nil {
		return result{err: err}
	}
	defer func() { _ = o.Close() }()
	ca := filepath.Join(dir, f.Name+".pem")
	if err := os.WriteFile(ca, o.CA(), 0o600); err != nil {
		return result{err: err}
	}
	begun := time.Now()
	r.seen, _, r.err = run(context.Background(), args(o, f, ca, cert)...)
	r.took = time.Since(begun)
	return r
}

// TestLabFaults holds that the doctor names each fault of the lab first, and ends in time. Most of its time is waiting, so that many
// run side by side whatever the number of processors.
func TestLabFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("some faults take half a minute to show")
	}
	t.Parallel()
	faults := lab.Faults()
	results := make([]result, len(faults))
	dir, cert := t.TempDir(), peer.NewCA(t).Issue(peer.Issue{CommonName: "stranger", Client: true, RSA: 2048})
	var g errgroup.Group
	g.SetLimit(16)
	for i, f := range faults {
		g.Go(func() error { results[i] = diagnose(f, dir, cert); return nil })
	}
	_ = g.Wait()
	for i, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			r := &results[i]
			if r.err != nil {
				t.Fatal(r.err)
			}
			want := append([]string{string(cmp.Or(f.Probe, f.Finding))}, otherwise()[f.Name]...)
			if !slices.ContainsFunc(want, r.seen.told) {
				t.Errorf("first is %q, want %q: %s", r.seen.first(), want, r.seen.all())
			}
			if r.took > time.Minute {
				t.Errorf("it took %s", r.took)
			}
		})
	}
}
