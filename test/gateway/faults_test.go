package gateway_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// soon are timeouts of which the one that ends in want is short, and no other: on a busy machine those would end first
// what has nothing to do with them.
func soon(want reason.Code) string {
	switch want {
	case reason.DNSTimeout:
		return "{dns: 500ms}"
	case reason.TCPTimeout:
		return "{connect: 1s}"
	case reason.TLSTimeout:
		return "{tls: 500ms}"
	case reason.WriteTimeout:
		return "{write: 500ms}"
	case reason.ReadFirstByteTimeout:
		return "{first_byte: 500ms}"
	case reason.ReadHeaderStall:
		return "{first_byte: 2s}" // by then the start of the head is there
	case reason.ReadBodyStall:
		return "{read_idle: 500ms}"
	case reason.ReadStaleReusedConnection:
		return "{keepalive_idle: 1m}" // kept until the second request comes
	}
	return "{}"
}

// labSite starts a lab origin with a fault and returns a site in front of it that asks in the way that brings the fault out.
func (p pki) labSite(t testing.TB, ca *certs.CA, own *certs.Certificate, f lab.Fault, name string) string {
	t.Helper()
	o, err := lab.Start(context.Background(), lab.Config{Fault: f.Name, CA: ca, Delay: 10 * patience, TLS: tlspeer.Config{Certificate: own}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	roots := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(roots, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	scheme, addr, tls, more, timeouts := "https", o.Addr(), "", "", soon(f.Reason)
	switch f.Ask {
	case lab.Resolve:
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		addr, more = lab.DefaultName+":"+port, "\n      resolver: ["+o.Resolver()+"]"
	case lab.Plain:
		scheme = "http"
	case lab.NoName:
		tls = ", server_name: 127.0.0.1"
	case lab.Refuses:
		tls = ", renegotiation: never"
	case lab.Certify:
		client := p.Issue(peer.Issue{CommonName: "gateway", Client: true})
		tls = fmt.Sprintf(", client_certificate: {file: %s, key: %s}", client.File, client.Key)
	case lab.Again:
		timeouts = "{keepalive_idle: 0s}"
	}
	return p.site(name, fmt.Sprintf(`
    limits: {body: 64MiB}
    origin:
      urls: ["%s://%s"]
      host: %s
      tls: {ca: %s%s}
      retries: 0
      timeouts: %s%s
    waf: {mode: "off"}
`, scheme, addr, lab.DefaultName, roots, tls, timeouts, more))
}

// TestLabFaults sends one request through the gateway to each origin that misbehaves, and demands the reason that the
// lab states: in the log line, and, where the answer is ours, in its Proxy-Status, page and status.
func TestLabFaults(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.lab.test")
	ca, err := certs.NewCA("gateway test", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ca.Issue(certs.Options{Names: []string{lab.DefaultName, "127.0.0.1"}, Key: certs.RSA})
	if err != nil {
		t.Fatal(err)
	}
	faults := lab.Faults()
	var yaml strings.Builder
	for _, f := range faults {
		yaml.WriteString(p.labSite(t, ca, own, f, f.Name+".lab.test"))
	}
	g := start(t, listens+"admin: {address: \"127.0.0.1:0\"}\nsites:\n"+yaml.String())
	t.Run("through the gateway", func(t *testing.T) {
		for _, f := range faults {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				tryFault(t, g, f)
			})
		}
	})
	records := g.log.all(t, len(faults)+1, func(*telemetry.Record) bool { return true })
	if got, want := reasonsIn(t, g.metrics(t)), attemptsIn(records); !maps.Equal(got, want) {
		t.Errorf("metrics count %v, the log %v", got, want)
	}
}

// tryFault asks the origin with fault f in the way that brings the fault out.
func tryFault(t *testing.T, g *gateway, f lab.Fault) {
	t.Helper()
	c := g.client(t, false)
	url := "https://" + f.Name + ".lab.test/" + f.Name
	body := strings.NewReader(strings.Repeat("x", 32<<20))
	switch f.Ask {
	case lab.Upload:
		checkFault(t, g, f, do(t, c, "PUT", url, body))
	case lab.Expect:
		checkFault(t, g, f, do(t, c, "PUT", url, body, "Expect", "100-continue"))
	case lab.Upgrade:
		checkFault(t, g, f, get(t, c, url, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))
	case lab.Twice, lab.Again:
		if a := get(t, c, url); a.status != 200 {
			t.Errorf("first request: %d", a.status)
		}
		a := get(t, c, url+"/again")
		f.Name += "/again"
		checkFault(t, g, f, a)
	default:
		checkFault(t, g, f, get(t, c, url))
	}
}

// checkFault compares an answer and its record with what the lab says of the fault.
func checkFault(t *testing.T, g *gateway, f lab.Fault, a answer) {
	t.Helper()
	r := g.log.path(t, "/"+f.Name)
	att := last(t, r)
	if f.Name == "accept-then-reset" && att.Reason == string(reason.TCPReset) {
		f.Reason = reason.TCPReset // the reset overtook the end of our connect
	}
	if f.Name == "ticket-lost" && att.Reason == string(reason.TLSRenegotiationFailed) {
		f.Reason = reason.TLSRenegotiationFailed // our half of the handshake was not over yet when it broke
	}
	if reason.Code(att.Reason) != f.Reason {
		t.Errorf("attempt: %s (%s), want %s", att.Reason, att.Detail, orGood(f.Reason))
	}
	switch {
	case f.Reason == "" || f.Reason == reason.HTTP1ExtraData || f.Reason == reason.WriteEarlyResponse || f.Reason == reason.WriteExpectRefused: // the answer was whole
		if r.From != "origin" || r.Reason != "" || r.Status != att.Status || a.status != att.Status {
			t.Errorf("answered %d, logged %d %s from %s: want the origin's %d", a.status, r.Status, r.Reason, r.From, att.Status)
		}
	case att.Status != 0 && a.status == att.Status: // the head had gone when the body broke
		if a.err == nil || !r.Aborted || r.Reason != string(f.Reason) {
			t.Errorf("a broken body reached the client as whole (%v), logged %s aborted=%v", a.err, r.Reason, r.Aborted)
		}
	default:
		refused(t, g, "/"+f.Name, reason.Lookup(f.Reason).Status, a.header, a.body, a.status, string(f.Reason))
	}
}

func orGood(c reason.Code) reason.Code {
	if c == "" {
		return "none: the answer is good"
	}
	return c
}

// attemptsIn counts the failed attempts of the access log as reasonsIn does those of the metrics.
func attemptsIn(records []*telemetry.Record) map[string]int {
	out := map[string]int{}
	for _, r := range records {
		for _, a := range r.Attempts {
			if a.Reason != "" {
				out[r.Site+" "+a.Reason]++
			}
		}
	}
	return out
}
